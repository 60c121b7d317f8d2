#include "lib/tree.h"

#include "unit.h"

#define NODES 512

/* Height of the subtree if it is a balanced search tree with right links and heights; else -1. */
static int check_subtree(const struct tree_node *node, const struct tree_node *parent)
{
    int height[2];

    if (node == NULL)
        return 0;
    if (node->parent != parent)
        return -1;
    for (int side = 0; side < 2; side++) {
        height[side] = check_subtree(node->child[side], node);
        if (height[side] < 0)
            return -1;
    }
    if (node->child[0] != NULL && node->child[0]->key > node->key)
        return -1;
    if (node->child[1] != NULL && node->child[1]->key < node->key)
        return -1;
    if (height[0] > height[1] + 1 || height[1] > height[0] + 1)
        return -1;

    int own = 1 + (height[0] > height[1] ? height[0] : height[1]);

    return (int)node->height == own ? own : -1;
}

/* Balanced, in order both ways, `first` right, and `count` nodes long. */
static bool is_sound(const struct tree *tree, size_t count)
{
    const struct tree_node *previous = NULL;
    size_t seen = 0;

    if (check_subtree(tree->root, NULL) < 0)
        return false;
    TREE_FOREACH(node, tree)
    {
        if (previous != NULL && previous->key > node->key)
            return false;
        if (tree_prev(node) != previous)
            return false;
        previous = node;
        seen++;
    }
    return seen == count && tree_last(tree) == previous;
}

TEST(an_empty_tree_has_nothing)
{
    struct tree tree;

    tree_init(&tree);
    EXPECT(tree_is_empty(&tree));
    EXPECT(tree_first(&tree) == NULL);
    EXPECT(tree_last(&tree) == NULL);
    EXPECT(tree_find(&tree, 1) == NULL);
    EXPECT(tree_find_floor(&tree, UINT64_MAX) == NULL);
    EXPECT(tree_find_ceiling(&tree, 0) == NULL);
}

TEST(zeroed_and_removed_nodes_are_unlinked)
{
    struct tree tree = {0};
    struct tree_node node = {.key = 7};

    EXPECT(!tree_is_linked(&node));
    tree_insert(&tree, &node);
    EXPECT(tree_is_linked(&node));
    EXPECT(tree_first(&tree) == &node);
    tree_remove(&tree, &node);
    EXPECT(!tree_is_linked(&node));
    EXPECT_EQ(node.key, 7);
    EXPECT(tree_is_empty(&tree));
    EXPECT(tree_first(&tree) == NULL);
}

TEST(rising_and_falling_insertion_stay_balanced)
{
    for (int direction = 0; direction < 2; direction++) {
        static struct tree_node nodes[NODES];
        struct tree tree = {0};

        for (u64 i = 0; i < NODES; i++) {
            nodes[i] = (struct tree_node){.key = direction == 0 ? i : NODES - i};
            tree_insert(&tree, &nodes[i]);
        }
        EXPECT(is_sound(&tree, NODES));
        EXPECT_LE(tree.root->height, 13); /* 1.44 log2(514) - 0.33 */
    }
}

TEST(equal_keys_keep_the_order_of_insertion)
{
    static struct tree_node nodes[64];
    struct tree tree = {0};
    size_t i = 0;

    for (i = 0; i < 64; i++) {
        nodes[i] = (struct tree_node){.key = 5};
        tree_insert(&tree, &nodes[i]);
    }
    EXPECT(is_sound(&tree, 64));
    EXPECT(tree_first(&tree) == &nodes[0]);
    EXPECT(tree_find(&tree, 5) == &nodes[0]);
    EXPECT(tree_find_ceiling(&tree, 5) == &nodes[0]);
    EXPECT(tree_find_floor(&tree, 5) == &nodes[63]);
    i = 0;
    TREE_FOREACH(node, &tree)
    EXPECT(node == &nodes[i++]);
}

/* Searches compared with a look at every node. */
static void expect_searches(const struct tree *tree, struct tree_node *nodes, u64 key)
{
    u64 floor = 0;
    u64 ceiling = UINT64_MAX;
    bool has_floor = false;
    bool has_ceiling = false;
    bool exact = false;

    for (size_t i = 0; i < NODES; i++) {
        if (!tree_is_linked(&nodes[i]))
            continue;
        if (nodes[i].key <= key && (!has_floor || nodes[i].key > floor)) {
            floor = nodes[i].key;
            has_floor = true;
        }
        if (nodes[i].key >= key && (!has_ceiling || nodes[i].key < ceiling)) {
            ceiling = nodes[i].key;
            has_ceiling = true;
        }
        exact |= nodes[i].key == key;
    }

    struct tree_node *found = tree_find_floor(tree, key);

    EXPECT_EQ(found != NULL, has_floor);
    EXPECT(found == NULL || found->key == floor);
    found = tree_find_ceiling(tree, key);
    EXPECT_EQ(found != NULL, has_ceiling);
    EXPECT(found == NULL || found->key == ceiling);
    EXPECT_EQ(tree_find(tree, key) != NULL, exact);
}

TEST(random_insertion_and_removal_match_a_model)
{
    static struct tree_node nodes[NODES];
    struct tree tree = {0};
    size_t count = 0;

    for (int round = 0; round < 20000; round++) {
        struct tree_node *node = &nodes[unit_random_below(NODES)];

        if (tree_is_linked(node)) {
            tree_remove(&tree, node);
            count--;
        } else {
            node->key = unit_random_below(round < 10000 ? 300 : UINT64_MAX);
            tree_insert(&tree, node);
            count++;
        }
        if (round % 16 == 0 && !EXPECT(is_sound(&tree, count)))
            return;
        if (round % 64 == 0) {
            expect_searches(&tree, nodes, unit_random_below(310));
            expect_searches(&tree, nodes, unit_random());
        }
    }
    while (!tree_is_empty(&tree)) {
        tree_remove(&tree, tree_first(&tree));
        count--;
    }
    EXPECT_EQ(count, 0);
}
