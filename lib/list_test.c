#include "lib/list.h"

#include "unit.h"

struct item {
    int value;
    struct list link;
};

static int value_of(struct list *node)
{
    return LIST_ENTRY(node, struct item, link)->value;
}

/* Do the values of the list, forwards and backwards, equal `values`? */
static bool holds(struct list *head, const int *values, size_t count)
{
    size_t i = 0;

    LIST_FOREACH (node, head) {
        if (i == count || value_of(node) != values[i] || node->next->prev != node)
            return false;
        i++;
    }
    return i == count;
}

TEST(pushing_keeps_order_at_both_ends)
{
    struct list head = LIST_INIT(head);
    struct item items[4] = {{.value = 1}, {.value = 2}, {.value = 3}, {.value = 4}};

    EXPECT(list_is_empty(&head));
    EXPECT(list_first(&head) == NULL && list_last(&head) == NULL);
    list_push_back(&head, &items[1].link);
    list_push_back(&head, &items[2].link);
    list_push_front(&head, &items[0].link);
    list_push_back(&head, &items[3].link);
    EXPECT(holds(&head, (int[]){1, 2, 3, 4}, 4));
    EXPECT_EQ(value_of(list_first(&head)), 1);
    EXPECT_EQ(value_of(list_last(&head)), 4);
}

TEST(removing_leaves_the_node_unlinked)
{
    struct list head;
    struct item items[3] = {{.value = 1}, {.value = 2}, {.value = 3}};

    list_init(&head);
    for (int i = 0; i < 3; i++) {
        list_init(&items[i].link);
        EXPECT(!list_is_linked(&items[i].link));
        list_push_back(&head, &items[i].link);
        EXPECT(list_is_linked(&items[i].link));
    }
    list_remove(&items[1].link);
    EXPECT(!list_is_linked(&items[1].link));
    EXPECT(holds(&head, (int[]){1, 3}, 2));
    list_remove(&items[1].link);
    EXPECT(holds(&head, (int[]){1, 3}, 2));
    EXPECT_EQ(value_of(list_pop_front(&head)), 1);
    EXPECT(!list_is_linked(&items[0].link));
    EXPECT_EQ(value_of(list_pop_front(&head)), 3);
    EXPECT(list_pop_front(&head) == NULL);
    EXPECT(list_is_empty(&head));
}

TEST(safe_walk_may_remove_what_it_stands_on)
{
    struct list head = LIST_INIT(head);
    struct item items[6];

    for (int i = 0; i < 6; i++) {
        items[i].value = i;
        list_push_back(&head, &items[i].link);
    }
    LIST_FOREACH_SAFE (node, next, &head)
        if (value_of(node) % 2 == 0)
            list_remove(node);
    EXPECT(holds(&head, (int[]){1, 3, 5}, 3));
}

TEST(appending_moves_all_nodes)
{
    struct list a = LIST_INIT(a);
    struct list b = LIST_INIT(b);
    struct item items[4] = {{.value = 1}, {.value = 2}, {.value = 3}, {.value = 4}};

    list_append_all(&a, &b);
    EXPECT(list_is_empty(&a));
    list_push_back(&b, &items[0].link);
    list_push_back(&b, &items[1].link);
    list_append_all(&a, &b);
    EXPECT(list_is_empty(&b));
    list_push_back(&b, &items[2].link);
    list_push_back(&b, &items[3].link);
    list_append_all(&a, &b);
    EXPECT(list_is_empty(&b));
    EXPECT(holds(&a, (int[]){1, 2, 3, 4}, 4));
}
