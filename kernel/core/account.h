/*
 * The account to which frames, bytes and objects are charged. A plain structure here, so that mm
 * can charge; group/ owns accounts and their policy.
 *
 * Limits are lent downward: `credit` is what an account has drawn from its parent, part of the
 * parent's own use; `available` is the part of the credit that nothing uses yet. A charge that fits
 * in what is available is one atomic operation on this account. For every resource, whenever no
 * call is under way:
 *
 *     used = credit - available, and parent's used = parent's own charges + sum of its children's
 * credits.
 *
 * An account draws and keeps spare credit in chunks of at most 1/64 of its limit, so small limits
 * are exact. A charge that would fail for credit that lies idle with relatives collects that first.
 *
 * Locks: one for the links of the tree of accounts (RANK_GROUP), taken only to make, destroy or
 * search accounts. The numbers are atomic.
 */
#ifndef CORE_ACCOUNT_H
#define CORE_ACCOUNT_H

#include "abi/machine.h"
#include "arch/types.h"
#include "core/lock.h"
#include "lib/list.h"

struct account {
    struct account *parent; /* NULL for the root; outlives this one */
    struct list children;   /* tree lock */
    struct list sibling;    /* tree lock; in the parent's children */
    bool closed;            /* atomic; the group is being destroyed: no more charges */
    u64 available[GROUP_RESOURCE_COUNT];
    u64 credit[GROUP_RESOURCE_COUNT];
    u64 limit[GROUP_RESOURCE_COUNT];
    u64 chunk[GROUP_RESOURCE_COUNT]; /* drawn at once, if it can be had */
};

/* A new account. `limits`: GROUP_RESOURCE_COUNT of them, GROUP_NO_LIMIT: the parent's alone. The
 * parent is borrowed until account_destroy. */
void account_init(struct account *account, struct account *parent, const u64 *limits);

/* No charge that begins from now on succeeds; releases still do. */
void account_close(struct account *account);

/* Unlinks an account without children from the tree and returns its credit. Panics if anything is
 * still charged to it. */
void account_destroy(struct account *account);

/* STATUS_GROUP_LIMIT: this account or one above it is at its limit, or this one is closed; nothing
 * was charged. No lock of RANK_GROUP or above may be held. */
enum status account_charge(struct account *account, enum group_resource what, u64 count) MUST_USE;

/* Takes back a charge of `count` or a part of one. Any locks may be held. */
void account_release(struct account *account, enum group_resource what, u64 count);

/* What is charged to the account and drawn by its children. Exact while no other CPU charges or
 * releases. */
u64 account_used(const struct account *account, enum group_resource what);

/* Whether `above` is `account` or one that it draws from: it cannot end before it. */
bool account_is_within(const struct account *account, const struct account *above);

/* Lowers or raises a limit; usage above a lowered limit stays, new charges fail. */
void account_set_limit(struct account *account, enum group_resource what, u64 limit);

/* Returns all unused credit to the parent. */
void account_return_credit(struct account *account);

#endif
