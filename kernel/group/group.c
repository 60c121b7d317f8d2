/* Resource groups. */
#include "group/group.h"

#include "arch/time.h"
#include "cap/derive.h"
#include "core/assert.h"
#include "core/cpu.h"
#include "lib/string.h"
#include "mm/object_slab.h"

KERNEL_STATE static struct slab_cache group_cache;
KERNEL_STATE static struct group root;
KERNEL_STATE static struct share root_shares[CPU_MAX];

static const u64 no_limits[GROUP_RESOURCE_COUNT] = {
    GROUP_NO_LIMIT, GROUP_NO_LIMIT, GROUP_NO_LIMIT, GROUP_NO_LIMIT, GROUP_NO_LIMIT,
};

static void payer_init(struct payer *payer, struct account *parent, const u64 *limits,
                       struct object *owner)
{
    account_init(&payer->account, parent, limits);
    spinlock_init(&payer->lock, RANK_REGISTRY);
    list_init(&payer->objects);
    payer->owner = owner;
}

static void shares_init(struct group *group, struct share *shares)
{
    group->shares = shares;
    for (u32 i = 0; i < cpu_count(); i++) {
        shares[i].group = group;
        shares[i].parent = group->parent ? &group->parent->shares[i] : NULL;
    }
}

void group_init(void)
{
    u32 size = (u32)(sizeof(struct group) + cpu_count() * sizeof(struct share));
    slab_cache_init(&group_cache, "group", size, CACHE_LINE);
    shares_init(&root, root_shares);
    payer_init(&root.payer, NULL, no_limits, &root.object);
    object_init(&root.object, OBJECT_GROUP, &root.payer);
    root.weight = GROUP_DEFAULT_WEIGHT;
    string_copy(root.name, sizeof(root.name), "root");
}

struct group *group_root(void)
{
    return &root;
}

enum status group_create(struct group *parent, const struct group_limits *limits,
                         struct group **out)
{
    if (parent->depth + 1 >= GROUP_MAX_DEPTH)
        return STATUS_TOO_DEEP;
    if (limits->cpu_weight > GROUP_MAX_WEIGHT)
        return STATUS_BAD_ARGUMENT;
    void *memory;
    enum status status = object_allocate(&group_cache, OBJECT_GROUP, &parent->payer,
                                         offsetof(struct group, object), &memory);
    if (status != STATUS_OK)
        return status;
    struct group *group = memory;
    spinlock_init(&group->lock, RANK_IPC);
    list_init(&group->waiters);
    payer_init(&group->payer, &parent->payer.account, limits->limit, &group->object);
    group->parent = parent;
    group->depth = parent->depth + 1;
    group->weight = limits->cpu_weight ? (u32)limits->cpu_weight : GROUP_DEFAULT_WEIGHT;
    shares_init(group, group->own_shares);
    memcpy(group->name, limits->name, sizeof(group->name));
    group->name[sizeof(group->name) - 1] = '\0';
    (void)ATOMIC_ADD(&parent->child_count, 1);
    *out = group;
    return STATUS_OK;
}

/* Takes the next enlisted object that is still live, with a reference; NULL if there is none. */
static struct object *next_live(struct payer *payer)
{
    struct object *found = NULL;
    spin_lock(&payer->lock);
    while (!found) {
        struct list *link = list_pop_front(&payer->objects);
        if (!link)
            break;
        struct object *object = LIST_ENTRY(link, struct object, payer_link);
        if (object_try_get(object))
            found = object;
    }
    spin_unlock(&payer->lock);
    return found;
}

/* First step for an object: from here on nobody can use it, whatever capability they hold. */
static void condemn(struct object *object)
{
    object_mark_dead(object);
    cap_revoke_publish(&object->anchor);
    object_operations[object->type]->condemn(object);
}

/* A group below, unless somebody else is destroying it already: then what it draws from here goes
 * by that hand. At most GROUP_MAX_DEPTH deep. */
static bool condemn_below(struct group *group, struct group *below, u32 limit)
{
    if (below->destroyer != group) {
        u32 lives = GROUP_LIVES;
        if (!ATOMIC_CAS(&below->destroying, &lives, GROUP_ENDS_WITH_PARENT))
            return true;
        below->destroyer = group;
    }
    return group_condemn_some(below, limit);
}

bool group_condemn_some(struct group *group, u32 limit)
{
    account_close(&group->payer.account);
    if (!group->condemning) {
        group->condemning = next_live(&group->payer);
        if (!group->condemning)
            return true;
        condemn(group->condemning);
    }
    struct object *object = group->condemning;
    if (object->type == OBJECT_GROUP && !condemn_below(group, group_of(object), limit))
        return false;
    if (!cap_revoke_step(&object->anchor, limit))
        return false;
    group->condemning = NULL;
    object_put(object);
    return false;
}

bool group_is_empty(const struct group *group)
{
    for (u32 i = 0; i < GROUP_RESOURCE_COUNT; i++) {
        if (account_used(&group->payer.account, (enum group_resource)i) != 0)
            return false;
    }
    return true;
}

bool group_is_suspended(const struct group *group)
{
    while (group && !ATOMIC_LOAD(&group->suspended))
        group = group->parent;
    return group != NULL;
}

void group_usage(const struct group *group, struct group_usage *usage)
{
    *usage = (struct group_usage){0};
    memcpy(usage->name, group->name, sizeof(usage->name));
    for (u32 i = 0; i < GROUP_RESOURCE_COUNT; i++) {
        usage->used[i] = account_used(&group->payer.account, (enum group_resource)i);
        usage->limit[i] = group->payer.account.limit[i];
    }
    u64 cycles = ATOMIC_LOAD_RELAXED(&group->job_cycles);
    for (u32 i = 0; i < cpu_count(); i++)
        cycles += ATOMIC_LOAD_RELAXED(&group->shares[i].cycles);
    usage->cpu_ns = arch_cycles_to_ns(cycles);
    usage->child_count = ATOMIC_LOAD(&group->child_count);
}

/* Nobody refers to the group: no object that it pays for exists any more. Small change (nodes,
 * slots) may still wait for its grace period. */
void group_release(struct object *object)
{
    ASSERT(object != &root.object);
    object_free_after_grace(object);
}

void group_reclaim(struct object *object)
{
    struct group *group = group_of(object);
    if (!group_is_empty(group)) {
        object_free_after_grace(object);
        return;
    }
    account_destroy(&group->payer.account);
    (void)ATOMIC_SUB(&group->parent->child_count, 1);
    object_deallocate(&group_cache, object, offsetof(struct group, object));
}

/* The parent is being destroyed; group_condemn_some goes on with what this group pays for. */
void group_condemn(struct object *object)
{
    account_close(&group_of(object)->payer.account);
}
