/* Accounts, groups, references and counts: what is charged is what is held. */
#include "view.h"

#include <string.h>

static const struct account *account_of(const struct group *group)
{
    return &group->payer.account;
}

static u64 children_credit(const struct account *account, u32 what)
{
    u64 sum = 0;
    LIST_FOREACH (link, &account->children)
        sum += LIST_ENTRY(link, struct account, sibling)->credit[what];
    return sum;
}

/* What the account itself is charged with, without what it has lent to children. */
static u64 own_use(const struct account *account, u32 what)
{
    return account_used(account, (enum group_resource)what) - children_credit(account, what);
}

u64 invariants_charges(u32 what)
{
    u64 sum = 0;
    for (u32 i = 0; i < view()->group_count; i++)
        sum += own_use(account_of(view()->groups[i]), what);
    return sum;
}

static void account_sums(const char *name)
{
    for (u32 i = 0; i < view()->group_count; i++) {
        const struct account *account = account_of(view()->groups[i]);
        for (u32 what = 0; what < GROUP_RESOURCE_COUNT; what++) {
            EXPECT(name, account->available[what] <= account->credit[what],
                   "group %s, resource %u: more is available than was drawn",
                   view()->groups[i]->name, what);
            u64 used = account->credit[what] - account->available[what];
            EXPECT(name, used >= children_credit(account, what),
                   "group %s, resource %u: children drew %llu of %llu used",
                   view()->groups[i]->name, what,
                   (unsigned long long)children_credit(account, what), (unsigned long long)used);
        }
    }
}

static void account_links(const char *name)
{
    for (u32 i = 0; i < view()->group_count; i++) {
        const struct group *group = view()->groups[i];
        const struct account *account = account_of(group);
        EXPECT(name, account->parent == (group->parent ? account_of(group->parent) : NULL),
               "group %s and its account have different parents", group->name);
        LIST_FOREACH (link, &account->children)
            EXPECT(name, LIST_ENTRY(link, struct account, sibling)->parent == account,
                   "an account in the list of group %s has another parent", group->name);
    }
}

static void charged_frames(const char *name)
{
    for (u32 i = 0; i < view()->group_count; i++) {
        const struct account *account = account_of(view()->groups[i]);
        u64 held = 0;
        for (u64 f = 0; f < ledger_frame_count(); f++)
            held += (u64)ledger_shares(ledger_frame(f), account) << ledger_frame(f)->order;
        u64 own = own_use(account, GROUP_MEMORY_FRAMES);
        EXPECT(name, own == held, "group %s is charged %llu frames and holds %llu",
               view()->groups[i]->name, (unsigned long long)own, (unsigned long long)held);
    }
}

/* The node of a slot may have moved to another account since it was allocated. */
static const struct account *payer_now(const struct ledger_object *line)
{
    if (strcmp(line->cache->name, "cap_node") == 0)
        return slot_node_account(line->address);
    return line->account;
}

static u64 size_of(const char *cache_name)
{
    for (const struct slab_cache *cache = slab_first_cache(); cache; cache = cache->next_cache)
        if (strcmp(cache->name, cache_name) == 0)
            return cache->object_size;
    return 0;
}

/* Bytes that are charged to the group without a slab object of that account: activities, which may
 * outlive their thread, and slots promised to capabilities on the way. */
static u64 promised_bytes(const struct group *group)
{
    u64 bytes = 0;
    for (u32 t = 0; t < view()->thread_count; t++)
        if (view()->threads[t]->object.payer == &group->payer)
            bytes += sizeof(struct activity);
    for (u32 p = 0; p < view()->process_count; p++)
        if (view()->spaces[p]->account == account_of(group))
            bytes += view()->spaces[p]->reserved * size_of("cap_node");
    return bytes;
}

static void charged_bytes(const char *name)
{
    for (u32 i = 0; i < view()->group_count; i++) {
        const struct account *account = account_of(view()->groups[i]);
        u64 held = promised_bytes(view()->groups[i]);
        for (u32 o = 0; o < ledger_object_count(); o++)
            if (payer_now(ledger_object(o)) == account)
                held += ledger_object(o)->cache->object_size;
        u64 own = own_use(account, GROUP_KERNEL_BYTES);
        EXPECT(name, own == held, "group %s is charged %llu bytes and holds %llu",
               view()->groups[i]->name, (unsigned long long)own, (unsigned long long)held);
    }
}

/* Objects of `type` (OBJECT_NONE: any) that the group pays for. Singletons are not charged. */
static u64 paid_objects(const struct group *group, enum object_type type)
{
    u64 count = 0;
    for (u32 i = view()->singleton_count; i < view()->object_count; i++) {
        const struct object *object = view()->objects[i];
        count += object->payer == &group->payer && (type == OBJECT_NONE || object->type == type);
    }
    return count;
}

static void charged_objects(const char *name)
{
    for (u32 i = 0; i < view()->group_count; i++) {
        const struct group *group = view()->groups[i];
        static const struct {
            enum group_resource what;
            enum object_type type;
        } kinds[] = {{GROUP_OBJECTS, OBJECT_NONE},
                     {GROUP_PROCESSES, OBJECT_PROCESS},
                     {GROUP_THREADS, OBJECT_THREAD}};
        for (u32 k = 0; k < ARRAY_SIZE(kinds); k++) {
            u64 held = paid_objects(group, kinds[k].type);
            u64 own = own_use(account_of(group), kinds[k].what);
            EXPECT(name, own == held, "group %s, resource %u: charged with %llu, pays for %llu",
                   group->name, kinds[k].what, (unsigned long long)own, (unsigned long long)held);
        }
    }
}

static void group_links(const char *name)
{
    for (u32 i = 0; i < view()->group_count; i++) {
        const struct group *group = view()->groups[i];
        u64 children = 0;
        for (u32 j = 0; j < view()->group_count; j++)
            children += view()->groups[j]->parent == group;
        EXPECT(name, children == group->child_count, "group %s counts %llu children of %llu",
               group->name, (unsigned long long)group->child_count, (unsigned long long)children);
        EXPECT(name, group->depth < GROUP_MAX_DEPTH, "group %s is too deep", group->name);
        if (group->parent)
            EXPECT(name, group->depth == group->parent->depth + 1, "group %s has a wrong depth",
                   group->name);
    }
}

static void payer_lists(const char *name)
{
    for (u32 i = 0; i < view()->group_count; i++) {
        const struct group *group = view()->groups[i];
        LIST_FOREACH (link, &group->payer.objects) {
            const struct object *object = LIST_ENTRY(link, struct object, payer_link);
            EXPECT(name, object->payer == &group->payer, "group %s lists what it does not pay for",
                   group->name);
        }
    }
}

static void object_counts(const char *name)
{
    u64 live[OBJECT_TYPE_COUNT] = {0};
    for (u32 i = 0; i < view()->object_count; i++)
        live[view()->objects[i]->type]++;
    for (u32 type = 0; type < OBJECT_TYPE_COUNT; type++)
        EXPECT(name, live[type] == object_count((enum object_type)type),
               "%llu objects of type %u, %llu counted", (unsigned long long)live[type], type,
               (unsigned long long)object_count((enum object_type)type));
}

const struct invariant invariants_group[] = {
    {"account_sums", account_sums},
    {"account_links", account_links},
    {"charged_frames", charged_frames},
    {"charged_bytes", charged_bytes},
    {"charged_objects", charged_objects},
    {"group_links", group_links},
    {"payer_lists", payer_lists},
    {"object_counts", object_counts},
    {NULL, NULL},
};
