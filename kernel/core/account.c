/*
 * Accounts. Only atomic operations on the numbers, in an order that never lets `available` exceed
 * what `credit` covers:
 *
 *   drawing      credit raised (within the limit), then parent charged, then available raised
 *   returning    available lowered, then credit lowered, then parent released
 *   charging     available lowered
 *   releasing    available raised
 *
 * so that whoever lowers `available` owns that much credit, and nobody else can return or use it.
 */
#include "core/account.h"

#include "arch/cpu.h"
#include "arch/inject.h"
#include "core/assert.h"

#define CHUNK_FRACTION 64u

/* How many accounts one search for idle credit asks, and how many searches one charge makes. */
#define COLLECT_LIMIT 256u
#define CHARGE_TRIES  32u

static const u64 default_chunks[GROUP_RESOURCE_COUNT] = {
    [GROUP_MEMORY_FRAMES] = 64, [GROUP_KERNEL_BYTES] = 65536, [GROUP_OBJECTS] = 16,
    [GROUP_PROCESSES] = 4,      [GROUP_THREADS] = 4,
};

/* Guards the parent, child and sibling links of all accounts. */
KERNEL_STATE static struct spinlock tree_lock = {.rank = RANK_GROUP};

static u64 chunk_for(const struct account *account, u32 what, u64 limit)
{
    u64 chunk = account->parent == NULL ? default_chunks[what] : account->parent->chunk[what];

    return limit / CHUNK_FRACTION < chunk ? limit / CHUNK_FRACTION : chunk;
}

void account_init(struct account *account, struct account *parent, const u64 *limits)
{
    account->parent = parent;
    account->closed = false;
    list_init(&account->children);
    list_init(&account->sibling);
    for (u32 what = 0; what < GROUP_RESOURCE_COUNT; what++) {
        account->available[what] = 0;
        account->credit[what] = 0;
        account->limit[what] = limits[what];
        account->chunk[what] = chunk_for(account, what, limits[what]);
    }
    if (parent == NULL)
        return;
    spin_lock(&tree_lock);
    list_push_back(&parent->children, &account->sibling);
    spin_unlock(&tree_lock);
}

/* Lowers *value by `count`, or leaves it if it is less. */
static bool take(u64 *value, u64 count)
{
    u64 before = ATOMIC_LOAD_RELAXED(value);

    do {
        if (before < count)
            return false;
    } while (!ATOMIC_CAS(value, &before, before - count));
    return true;
}

/* Lowers *value to at most `keep`; returns what was taken. */
static u64 take_above(u64 *value, u64 keep)
{
    u64 before = ATOMIC_LOAD_RELAXED(value);

    do {
        if (before <= keep)
            return 0;
    } while (!ATOMIC_CAS(value, &before, keep));
    return before - keep;
}

static bool draw(struct account *account, enum group_resource what, u64 count,
                 struct account **full);

/* Charges what is available, drawing from above what is missing. On failure *full is the account
 * whose limit forbade it. */
static bool charge(struct account *account, enum group_resource what, u64 count,
                   struct account **full)
{
    while (!take(&account->available[what], count)) {
        u64 available = ATOMIC_LOAD(&account->available[what]);
        u64 missing = available < count ? count - available : 0;
        u64 chunk = ATOMIC_LOAD_RELAXED(&account->chunk[what]);

        if (missing == 0)
            continue;
        if (missing < chunk && draw(account, what, chunk, full))
            continue;
        if (!draw(account, what, missing, full))
            return false;
    }
    return true;
}

/* Raises credit and what is available by `count`, within the account's limit and what its parent
 * can give. */
static bool draw(struct account *account, enum group_resource what, u64 count,
                 struct account **full)
{
    u64 credit = ATOMIC_LOAD(&account->credit[what]);

    *full = account;
    do {
        u64 limit = ATOMIC_LOAD(&account->limit[what]);

        if (credit >= limit || limit - credit < count)
            return false;
    } while (!ATOMIC_CAS(&account->credit[what], &credit, credit + count));

    if (account->parent != NULL && !charge(account->parent, what, count, full)) {
        ATOMIC_SUB(&account->credit[what], count);
        return false;
    }
    ATOMIC_ADD(&account->available[what], count);
    return true;
}

static void lower_credit(struct account *account, enum group_resource what, u64 count)
{
    u64 left = ATOMIC_SUB(&account->credit[what], count);

    ASSERT(left + count >= count); /* else more was released than was charged */
}

/* Gives `count`, taken from what was available, back to the parent. */
static void give_up(struct account *account, enum group_resource what, u64 count)
{
    if (count == 0)
        return;
    lower_credit(account, what, count);
    if (account->parent != NULL)
        account_release(account->parent, what, count);
}

/* The account after `at` in the subtree of `top`, in preorder; NULL at the end. */
static struct account *next_in_subtree(const struct account *at, const struct account *top)
{
    if (!list_is_empty(&at->children))
        return LIST_ENTRY(at->children.next, struct account, sibling);
    while (at != top) {
        if (at->sibling.next != &at->parent->children)
            return LIST_ENTRY(at->sibling.next, struct account, sibling);
        at = at->parent;
    }
    return NULL;
}

/* Brings credit that lies idle below `top` up to it. True if there was any. When there are too many
 * accounts to ask them all, the next search begins with another child. */
static bool collect(struct account *top, enum group_resource what)
{
    u64 found = 0;
    u32 asked = 0;

    spin_lock(&tree_lock);
    struct account *account = next_in_subtree(top, top);

    for (; account != NULL && asked < COLLECT_LIMIT; asked++) {
        u64 idle = take_above(&account->available[what], 0);

        for (struct account *at = account; idle != 0 && at != top; at = at->parent)
            lower_credit(at, what, idle);
        found += idle;
        account = next_in_subtree(account, top);
    }
    if (account != NULL) {
        struct list *child = list_pop_front(&top->children);

        list_push_back(&top->children, child);
    }
    ATOMIC_ADD(&top->available[what], found);
    spin_unlock(&tree_lock);
    return found != 0;
}

/* The slow path: as long as there is idle credit to be had below the account that is full, try
 * again. */
static bool charge_collecting(struct account *account, enum group_resource what, u64 count)
{
    struct account *full = NULL;

    for (u32 tries = 0; tries < CHARGE_TRIES; tries++) {
        if (charge(account, what, count, &full))
            return true;
        if (!collect(full, what))
            return false;
    }
    return false;
}

enum status account_charge(struct account *account, enum group_resource what, u64 count)
{
    if (unlikely(ATOMIC_LOAD_RELAXED(&account->closed)) || arch_inject_failure())
        return STATUS_GROUP_LIMIT;
    if (unlikely(!take(&account->available[what], count)) &&
        !charge_collecting(account, what, count))
        return STATUS_GROUP_LIMIT;
    /* Closed meanwhile: whoever closed it may have returned the credit already, so this charge must
     * not stand. */
    if (unlikely(ATOMIC_LOAD(&account->closed))) {
        account_release(account, what, count);
        return STATUS_GROUP_LIMIT;
    }
    return STATUS_OK;
}

/* What to take away from `available` so that what is left is fair to the relatives; 0: nothing. */
static u64 take_surplus(struct account *account, enum group_resource what, u64 available)
{
    u64 chunk = ATOMIC_LOAD_RELAXED(&account->chunk[what]);

    if (unlikely(ATOMIC_LOAD_RELAXED(&account->credit[what]) >
                     ATOMIC_LOAD_RELAXED(&account->limit[what]) ||
                 ATOMIC_LOAD_RELAXED(&account->closed)))
        return take_above(&account->available[what], 0);
    if (unlikely(available > 2 * chunk))
        return take_above(&account->available[what], chunk);
    return 0;
}

void account_release(struct account *account, enum group_resource what, u64 count)
{
    while (account != NULL && count != 0) {
        u64 available = ATOMIC_ADD(&account->available[what], count);

        count = take_surplus(account, what, available);
        if (likely(count == 0))
            return;
        lower_credit(account, what, count);
        account = account->parent;
    }
}

u64 account_used(const struct account *account, enum group_resource what)
{
    u64 available = ATOMIC_LOAD(&account->available[what]);
    u64 credit = ATOMIC_LOAD(&account->credit[what]);

    return credit > available ? credit - available : 0;
}

bool account_is_within(const struct account *account, const struct account *above)
{
    while (account && account != above)
        account = account->parent;
    return account != NULL;
}

void account_set_limit(struct account *account, enum group_resource what, u64 limit)
{
    ATOMIC_STORE_SEQ(&account->limit[what], limit);
    ATOMIC_STORE_RELAXED(&account->chunk[what], chunk_for(account, what, limit));
    give_up(account, what, take_above(&account->available[what], 0));
}

void account_return_credit(struct account *account)
{
    for (u32 what = 0; what < GROUP_RESOURCE_COUNT; what++)
        give_up(account, what, take_above(&account->available[what], 0));
}

void account_close(struct account *account)
{
    ATOMIC_STORE_SEQ(&account->closed, true);
    account_return_credit(account);
}

void account_destroy(struct account *account)
{
    spin_lock(&tree_lock);
    ASSERT(list_is_empty(&account->children));
    list_remove(&account->sibling);
    spin_unlock(&tree_lock);
    account_return_credit(account);
    for (u32 what = 0; what < GROUP_RESOURCE_COUNT; what++)
        ASSERT(account->credit[what] == 0);
}
