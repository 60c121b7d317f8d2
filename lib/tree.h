/*
 * Intrusive AVL trees ordered by a 64-bit key. Equal keys are allowed and keep the order in which
 * they were inserted. Insertion, removal and search take at most about 1.44 log2(n) steps; the
 * first node is known at once.
 *
 * A node whose bytes are all zero is in no tree, so a zeroed object needs no initialisation.
 * Nothing here allocates or locks. While a node is in a tree, its key does not change.
 */
#ifndef LIB_TREE_H
#define LIB_TREE_H

#include "abi/types.h"

struct tree_node {
    struct tree_node *parent;
    struct tree_node *child[2]; /* smaller keys, and greater or equal ones */
    u64 key;
    u32 height; /* of the subtree, 1 for a leaf; 0: in no tree */
};

struct tree {
    struct tree_node *root;
    struct tree_node *first; /* in order; NULL when empty */
};

/* The element that contains `node` as `member`. */
#define TREE_ENTRY(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* Walks the nodes in order; the body must not insert or remove. */
#define TREE_FOREACH(pos, tree)                                                                    \
    for (struct tree_node *pos = tree_first(tree); pos != NULL; pos = tree_next(pos))

/* An empty tree; all bytes zero mean the same. */
static inline void tree_init(struct tree *tree)
{
    tree->root = NULL;
    tree->first = NULL;
}

static inline bool tree_is_empty(const struct tree *tree)
{
    return tree->root == NULL;
}

static inline bool tree_is_linked(const struct tree_node *node)
{
    return node->height != 0;
}

/* Inserts by node->key, behind nodes of the same key. The node is in no tree; the tree borrows it
 * until tree_remove. */
void tree_insert(struct tree *tree, struct tree_node *node);

/* Takes out a node that is in this tree; afterwards it is in none, and its key is as it was. */
void tree_remove(struct tree *tree, struct tree_node *node);

/* The smallest; NULL when the tree is empty. Constant time. */
static inline struct tree_node *tree_first(const struct tree *tree)
{
    return tree->first;
}

/* The greatest; NULL when the tree is empty. */
struct tree_node *tree_last(const struct tree *tree);

/* Neighbours in order; NULL at the end. */
struct tree_node *tree_next(const struct tree_node *node);
struct tree_node *tree_prev(const struct tree_node *node);

/* The last node whose key is at most `key`; NULL if there is none. */
struct tree_node *tree_find_floor(const struct tree *tree, u64 key);

/* The first node whose key is at least `key`; NULL if there is none. */
struct tree_node *tree_find_ceiling(const struct tree *tree, u64 key);

/* The first node with exactly this key; NULL if there is none. */
struct tree_node *tree_find(const struct tree *tree, u64 key);

#endif
