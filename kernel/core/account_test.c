#include "core/account.h"

#include "port/sim.h"
#include "unit.h"

#define FRAMES GROUP_MEMORY_FRAMES
#define ALL    GROUP_NO_LIMIT

static void start(void)
{
    sim_boot_memory(4 << 20, 1);
}

/* An account with one limit for every resource. */
static void make(struct account *account, struct account *parent, u64 limit)
{
    u64 limits[GROUP_RESOURCE_COUNT];

    for (u32 what = 0; what < GROUP_RESOURCE_COUNT; what++)
        limits[what] = limit;
    account_init(account, parent, limits);
}

TEST(a_charge_stays_within_the_limit)
{
    struct account root;

    start();
    make(&root, NULL, 100);
    EXPECT_EQ(account_charge(&root, FRAMES, 60), STATUS_OK);
    EXPECT_EQ(account_charge(&root, FRAMES, 41), STATUS_GROUP_LIMIT);
    EXPECT_EQ(account_used(&root, FRAMES), 60);
    EXPECT_EQ(account_charge(&root, FRAMES, 40), STATUS_OK);
    EXPECT_EQ(account_charge(&root, FRAMES, 1), STATUS_GROUP_LIMIT);
    EXPECT_EQ(account_charge(&root, FRAMES, 0), STATUS_OK);
    account_release(&root, FRAMES, 100);
    EXPECT_EQ(account_used(&root, FRAMES), 0);
    EXPECT_EQ(account_used(&root, GROUP_OBJECTS), 0);
    account_destroy(&root);
}

TEST(without_a_limit_the_parent_decides)
{
    struct account root;
    struct account child;

    start();
    make(&root, NULL, 1000);
    make(&child, &root, ALL);
    EXPECT_EQ(account_charge(&child, FRAMES, 1001), STATUS_GROUP_LIMIT);
    EXPECT_EQ(account_used(&root, FRAMES), 0);
    EXPECT_EQ(account_charge(&child, FRAMES, 1000), STATUS_OK);
    EXPECT_EQ(account_charge(&root, FRAMES, 1), STATUS_GROUP_LIMIT);
    EXPECT_EQ(account_charge(&child, FRAMES, UINT64_MAX), STATUS_GROUP_LIMIT);
    EXPECT_EQ(account_used(&child, FRAMES), 1000);
    account_release(&child, FRAMES, 1000);
    account_destroy(&child);
    EXPECT_EQ(account_used(&root, FRAMES), 0);
}

TEST(credit_is_drawn_in_chunks_and_surplus_goes_back)
{
    struct account root;
    struct account child;

    start();
    make(&root, NULL, ALL);
    make(&child, &root, ALL);
    EXPECT_EQ(account_charge(&child, FRAMES, 1), STATUS_OK);
    EXPECT_EQ(child.credit[FRAMES], 64);
    EXPECT_EQ(account_used(&root, FRAMES), 64);
    EXPECT_EQ(account_used(&child, FRAMES), 1);
    EXPECT_EQ(account_charge(&child, FRAMES, 500), STATUS_OK);
    EXPECT_LE(child.available[FRAMES], 128);
    account_release(&child, FRAMES, 500);
    EXPECT_EQ(child.available[FRAMES], 64);
    account_return_credit(&child);
    EXPECT_EQ(account_used(&root, FRAMES), 1);
    account_release(&child, FRAMES, 1);
    account_destroy(&child);
    EXPECT_EQ(account_used(&root, FRAMES), 0);
}

TEST(small_limits_lend_nothing_to_spare)
{
    struct account root;
    struct account child;

    start();
    make(&root, NULL, 10);
    make(&child, &root, ALL);
    EXPECT_EQ(account_charge(&child, FRAMES, 3), STATUS_OK);
    EXPECT_EQ(account_used(&root, FRAMES), 3);
    account_release(&child, FRAMES, 2);
    EXPECT_EQ(account_used(&root, FRAMES), 1);
}

TEST(idle_credit_of_relatives_is_collected_before_a_charge_fails)
{
    struct account root;
    struct account parent;
    struct account sibling[40];
    struct account nephew;
    struct account child;

    start();
    make(&root, NULL, ALL);
    make(&parent, &root, 1000);
    make(&child, &parent, ALL);
    for (u32 i = 0; i < 40; i++) {
        make(&sibling[i], &parent, ALL);
        EXPECT_EQ(account_charge(&sibling[i], FRAMES, 1), STATUS_OK);
    }
    make(&nephew, &sibling[7], ALL);
    EXPECT_EQ(account_charge(&nephew, FRAMES, 1), STATUS_OK);
    EXPECT_LT(41, account_used(&parent, FRAMES));

    EXPECT_EQ(account_charge(&child, FRAMES, 1000 - 41), STATUS_OK);
    EXPECT_EQ(account_used(&parent, FRAMES), 1000);
    EXPECT_EQ(account_charge(&child, FRAMES, 1), STATUS_GROUP_LIMIT);
    EXPECT_EQ(account_charge(&nephew, FRAMES, 1), STATUS_GROUP_LIMIT);
    account_release(&nephew, FRAMES, 1);
    EXPECT_EQ(account_charge(&child, FRAMES, 1), STATUS_OK);

    account_release(&child, FRAMES, 1000 - 40);
    account_destroy(&child);
    account_destroy(&nephew);
    for (u32 i = 0; i < 40; i++) {
        account_release(&sibling[i], FRAMES, 1);
        account_destroy(&sibling[i]);
    }
    account_destroy(&parent);
    EXPECT_EQ(account_used(&root, FRAMES), 0);
}

TEST(a_search_that_cannot_ask_all_finds_credit_in_the_end)
{
    static struct account child[600];
    struct account root;
    bool found = false;

    start();
    make(&root, NULL, 600 * 64);
    for (u32 i = 0; i < 600; i++)
        make(&child[i], &root, ALL);
    EXPECT_EQ(account_charge(&child[599], FRAMES, 600 * 64 - 1), STATUS_OK);
    EXPECT_EQ(account_charge(&child[0], FRAMES, 1), STATUS_OK);
    account_release(&child[599], FRAMES, 1);
    account_release(&child[599], FRAMES, 1);
    for (u32 i = 0; i < 600 && !found; i++)
        found = account_charge(&child[0], FRAMES, 2) == STATUS_OK;
    EXPECT(found);
    EXPECT_EQ(account_used(&root, FRAMES), 600 * 64);
}

TEST(a_lowered_limit_stops_new_charges_only)
{
    struct account root;
    struct account child;

    start();
    make(&root, NULL, ALL);
    make(&child, &root, 1000);
    EXPECT_EQ(account_charge(&child, FRAMES, 500), STATUS_OK);
    EXPECT_EQ(account_charge(&child, FRAMES, 1), STATUS_OK);
    account_release(&child, FRAMES, 1);
    EXPECT_NE(child.available[FRAMES], 0);
    account_set_limit(&child, FRAMES, 100);
    EXPECT_EQ(account_used(&child, FRAMES), 500);
    EXPECT_EQ(account_used(&root, FRAMES), 500);
    EXPECT_EQ(account_charge(&child, FRAMES, 1), STATUS_GROUP_LIMIT);
    account_release(&child, FRAMES, 399);
    EXPECT_EQ(account_charge(&child, FRAMES, 1), STATUS_GROUP_LIMIT);
    account_release(&child, FRAMES, 2);
    EXPECT_EQ(account_charge(&child, FRAMES, 1), STATUS_OK);
    EXPECT_EQ(account_charge(&child, FRAMES, 1), STATUS_GROUP_LIMIT);
    account_set_limit(&child, FRAMES, 101);
    EXPECT_EQ(account_charge(&child, FRAMES, 1), STATUS_OK);
    account_release(&child, FRAMES, 101);
    account_destroy(&child);
    EXPECT_EQ(account_used(&root, FRAMES), 0);
}

TEST(a_closed_account_releases_but_does_not_charge)
{
    struct account root;
    struct account child;

    start();
    make(&root, NULL, ALL);
    make(&child, &root, ALL);
    EXPECT_EQ(account_charge(&child, FRAMES, 10), STATUS_OK);
    account_close(&child);
    EXPECT_EQ(account_used(&root, FRAMES), 10);
    EXPECT_EQ(account_charge(&child, FRAMES, 1), STATUS_GROUP_LIMIT);
    account_release(&child, FRAMES, 4);
    EXPECT_EQ(account_used(&root, FRAMES), 6);
    EXPECT_EQ(account_charge(&child, FRAMES, 1), STATUS_GROUP_LIMIT);
    account_release(&child, FRAMES, 6);
    account_destroy(&child);
    EXPECT_EQ(account_used(&root, FRAMES), 0);
}

static void destroy_account(void *account)
{
    account_destroy(account);
}

static void release_one(void *account)
{
    account_release(account, FRAMES, 1);
    account_return_credit(account);
}

TEST(destroying_a_charged_account_and_releasing_too_much_are_bugs)
{
    struct account root;
    struct account child;

    start();
    make(&root, NULL, ALL);
    make(&child, &root, ALL);
    EXPECT_EQ(account_charge(&child, FRAMES, 1), STATUS_OK);
    EXPECT_DIES(destroy_account, &child);
    EXPECT_DIES(destroy_account, &root);
    account_release(&child, FRAMES, 1);
    EXPECT_DIES(release_one, &child);
    account_destroy(&child);
    account_destroy(&root);
}

#define ACCOUNTS 12

/* What is charged to an account and to all below it. */
static u64 model_total(struct account *accounts, const u64 *own, u32 index)
{
    u64 total = own[index];

    for (u32 i = index + 1; i < ACCOUNTS; i++)
        if (accounts[i].parent == &accounts[index])
            total += model_total(accounts, own, i);
    return total;
}

/* Would `count` more fit under every limit from this account up? */
static bool model_fits(struct account *accounts, const u64 *own, u32 index, u64 count)
{
    for (struct account *at = &accounts[index]; at != NULL; at = at->parent)
        if (model_total(accounts, own, (u32)(at - accounts)) + count > at->limit[FRAMES])
            return false;
    return true;
}

TEST(random_charges_in_a_tree_match_exact_sums)
{
    static const u64 limits[ACCOUNTS] = {9000, 5000, 5000, ALL, 700, ALL,
                                         130,  ALL,  64,   ALL, ALL, 7};

    for (u32 run = 0; run < 20; run++) {
        struct account accounts[ACCOUNTS];
        u64 own[ACCOUNTS] = {0};

        start();
        make(&accounts[0], NULL, limits[0]);
        for (u32 i = 1; i < ACCOUNTS; i++)
            make(&accounts[i], &accounts[unit_random_below(i)], limits[i]);
        for (u32 round = 0; round < 3000; round++) {
            u32 i = (u32)unit_random_below(ACCOUNTS);
            u64 count = unit_random_below(round % 8 == 0 ? 1500 : 30);

            if (unit_random_below(9) < 5) {
                bool fits = model_fits(accounts, own, i, count);
                bool charged = account_charge(&accounts[i], FRAMES, count) == STATUS_OK;

                EXPECT_EQ(charged, fits);
                own[i] += charged ? count : 0;
            } else {
                count = count < own[i] ? count : own[i];
                account_release(&accounts[i], FRAMES, count);
                own[i] -= count;
            }
            for (u32 k = 0; k < ACCOUNTS; k++) {
                u64 lent = own[k];

                for (u32 c = k + 1; c < ACCOUNTS; c++)
                    lent += accounts[c].parent == &accounts[k] ? accounts[c].credit[FRAMES] : 0;
                EXPECT_EQ(account_used(&accounts[k], FRAMES), lent);
                EXPECT_LE(accounts[k].credit[FRAMES], limits[k]);
            }
        }
        for (u32 i = ACCOUNTS; i-- > 0;) {
            account_release(&accounts[i], FRAMES, own[i]);
            account_destroy(&accounts[i]);
        }
    }
}
