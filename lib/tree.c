/*
 * AVL trees with parent links. Invariant: at every node the heights of the two subtrees differ by
 * at most one, and `height` is one more than the greater of them.
 */
#include "lib/tree.h"

static u32 height_of(const struct tree_node *node)
{
    return node == NULL ? 0 : node->height;
}

static void update_height(struct tree_node *node)
{
    u32 left = height_of(node->child[0]);
    u32 right = height_of(node->child[1]);

    node->height = 1 + (left > right ? left : right);
}

/* Puts `node` (or nothing) where `old` hangs below `parent`, the root if NULL. */
static void replace_child(struct tree *tree, struct tree_node *parent, struct tree_node *old,
                          struct tree_node *node)
{
    if (parent == NULL)
        tree->root = node;
    else
        parent->child[parent->child[1] == old] = node;
    if (node != NULL)
        node->parent = parent;
}

/* Lowers `node` to `side` and raises its child from the other side; returns that child. */
static struct tree_node *rotate(struct tree *tree, struct tree_node *node, u32 side)
{
    struct tree_node *raised = node->child[!side];
    struct tree_node *moved = raised->child[side];

    replace_child(tree, node->parent, node, raised);
    raised->child[side] = node;
    node->parent = raised;
    node->child[!side] = moved;
    if (moved != NULL)
        moved->parent = node;
    update_height(node);
    update_height(raised);
    return raised;
}

/* Restores the invariant from `node` upward, as far as heights change. */
static void rebalance(struct tree *tree, struct tree_node *node)
{
    while (node != NULL) {
        u32 left = height_of(node->child[0]);
        u32 right = height_of(node->child[1]);
        u32 before = node->height;

        if (left > right + 1 || right > left + 1) {
            u32 heavy = right > left;
            struct tree_node *child = node->child[heavy];

            if (height_of(child->child[!heavy]) > height_of(child->child[heavy]))
                rotate(tree, child, heavy);
            node = rotate(tree, node, !heavy);
        } else {
            node->height = 1 + (left > right ? left : right);
        }
        if (node->height == before)
            return;
        node = node->parent;
    }
}

void tree_insert(struct tree *tree, struct tree_node *node)
{
    struct tree_node **link = &tree->root;
    struct tree_node *parent = NULL;
    bool is_first = true;

    while (*link != NULL) {
        u32 side = node->key >= (*link)->key;

        parent = *link;
        link = &parent->child[side];
        if (side)
            is_first = false;
    }
    node->parent = parent;
    node->child[0] = NULL;
    node->child[1] = NULL;
    node->height = 1;
    *link = node;
    if (is_first)
        tree->first = node;
    rebalance(tree, parent);
}

static struct tree_node *outermost(struct tree_node *node, u32 side)
{
    while (node->child[side] != NULL)
        node = node->child[side];
    return node;
}

void tree_remove(struct tree *tree, struct tree_node *node)
{
    struct tree_node *unbalanced;

    if (tree->first == node) /* nothing hangs on its left, nor its parent on its right */
        tree->first = node->child[1] != NULL ? outermost(node->child[1], 0) : node->parent;

    if (node->child[0] != NULL && node->child[1] != NULL) {
        struct tree_node *successor = outermost(node->child[1], 0);

        unbalanced = successor->parent == node ? successor : successor->parent;
        replace_child(tree, successor->parent, successor, successor->child[1]);
        for (u32 side = 0; side < 2; side++) {
            successor->child[side] = node->child[side];
            if (successor->child[side] != NULL)
                successor->child[side]->parent = successor;
        }
        successor->height = node->height;
        replace_child(tree, node->parent, node, successor);
    } else {
        unbalanced = node->parent;
        replace_child(tree, node->parent, node, node->child[node->child[0] == NULL]);
    }
    rebalance(tree, unbalanced);

    node->parent = NULL;
    node->child[0] = NULL;
    node->child[1] = NULL;
    node->height = 0;
}

struct tree_node *tree_last(const struct tree *tree)
{
    return tree->root == NULL ? NULL : outermost(tree->root, 1);
}

/* The neighbour on `side`: the nearest end of that subtree, or the first ancestor reached from the
 * other side. */
static struct tree_node *neighbour(const struct tree_node *node, u32 side)
{
    if (node->child[side] != NULL)
        return outermost(node->child[side], !side);
    while (node->parent != NULL && node->parent->child[side] == node)
        node = node->parent;
    return node->parent;
}

struct tree_node *tree_next(const struct tree_node *node)
{
    return neighbour(node, 1);
}

struct tree_node *tree_prev(const struct tree_node *node)
{
    return neighbour(node, 0);
}

struct tree_node *tree_find_floor(const struct tree *tree, u64 key)
{
    struct tree_node *node = tree->root;
    struct tree_node *best = NULL;

    while (node != NULL) {
        bool fits = node->key <= key;

        if (fits)
            best = node;
        node = node->child[fits];
    }
    return best;
}

struct tree_node *tree_find_ceiling(const struct tree *tree, u64 key)
{
    struct tree_node *node = tree->root;
    struct tree_node *best = NULL;

    while (node != NULL) {
        bool fits = node->key >= key;

        if (fits)
            best = node;
        node = node->child[!fits];
    }
    return best;
}

struct tree_node *tree_find(const struct tree *tree, u64 key)
{
    struct tree_node *node = tree_find_ceiling(tree, key);

    return node != NULL && node->key == key ? node : NULL;
}
