/*
 * Intrusive, doubly linked, circular lists. A head is a struct list that is not part of an element;
 * a node that is in no list points at itself. Nothing here allocates or locks: the owner of the
 * head says which lock guards the list.
 *
 *      +------------------------------------------+
 *      v                                          |
 *   [head] next -> [first] next -> [last] next ---+
 *          prev <-         prev <-
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include "abi/types.h"

struct list {
    struct list *next;
    struct list *prev;
};

/* A head or node with static storage. */
#define LIST_INIT(name)                                                                            \
    {                                                                                              \
        &(name), &(name)                                                                           \
    }

/* The element that contains `node` as `member`. */
#define LIST_ENTRY(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* Walks the nodes in order; the body must not remove `pos`. */
#define LIST_FOREACH(pos, head)                                                                    \
    for (struct list *pos = (head)->next; pos != (head); pos = pos->next)

/* The same; the body may remove `pos`, but not `next`, the name for what comes after it. */
#define LIST_FOREACH_SAFE(pos, next_pos, head)                                                     \
    for (struct list *pos = (head)->next, *next_pos = pos->next; pos != (head);                    \
         pos = next_pos, next_pos = pos->next)

/* Makes an empty head, or a node that is in no list. */
static inline void list_init(struct list *list)
{
    list->next = list;
    list->prev = list;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

/* Is the node in a list? It must have been initialised. */
static inline bool list_is_linked(const struct list *node)
{
    return node->next != node;
}

static inline void list_insert_between(struct list *prev, struct list *next, struct list *node)
{
    node->prev = prev;
    node->next = next;
    prev->next = node;
    next->prev = node;
}

/* `node` is in no list; its former links are not read. */
static inline void list_push_front(struct list *head, struct list *node)
{
    list_insert_between(head, head->next, node);
}

static inline void list_push_back(struct list *head, struct list *node)
{
    list_insert_between(head->prev, head, node);
}

/* Takes the node out of its list; its own links are stale afterwards. */
static inline void list_unlink(struct list *node)
{
    struct list *prev = node->prev;
    struct list *next = node->next;

    prev->next = next;
    next->prev = prev;
}

/* Takes the node out and leaves it initialised; harmless on a node that is in no list. */
static inline void list_remove(struct list *node)
{
    list_unlink(node);
    list_init(node);
}

/* First or last node, left in place; NULL when the list is empty. */
static inline struct list *list_first(const struct list *head)
{
    return list_is_empty(head) ? NULL : head->next;
}

static inline struct list *list_last(const struct list *head)
{
    return list_is_empty(head) ? NULL : head->prev;
}

/* Takes the first node out; NULL when the list is empty. */
static inline struct list *list_pop_front(struct list *head)
{
    struct list *node = list_first(head);

    if (node != NULL)
        list_remove(node);
    return node;
}

/* Moves every node of `from` behind those of `to`, in order; `from` is empty afterwards. */
static inline void list_append_all(struct list *to, struct list *from)
{
    if (list_is_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#endif
