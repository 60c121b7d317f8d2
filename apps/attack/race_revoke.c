/*
 * One CPU revokes what another uses, again and again. After `revoke` has returned, no use that
 * begins succeeds: not a signal, a message, a derivation or a mapping.
 */
#include "attack.h"

/* One capability after the other: the user tries `handle`; `revoked` is written after the
 * revocation of that one has returned. No handle comes twice. */
static struct stage {
    endpoint_t parent;
    memory_t memory;
    u64 handle;
    u64 revoked;
    u64 used; /* times that the current one was used with success */
    bool stop;
} stage;

static enum status use_signal(u64 handle)
{
    return endpoint_signal((endpoint_t){{handle}});
}

static enum status use_send(u64 handle)
{
    struct message message = MESSAGE_INIT(1);

    message.info |= INFO_NONBLOCK;
    return ipc_send((endpoint_t){{handle}}, &message, TIME_NEVER);
}

static enum status use_derive(u64 handle)
{
    cap_t child;
    enum status status = cap_derive_rights((cap_t){handle}, RIGHT_SEND | RIGHT_SIGNAL, &child);
    enum status used;

    if (status != STATUS_OK)
        return status;
    used = endpoint_signal((endpoint_t){child});
    (void)cap_close(child);
    return used;
}

static enum status use_map(u64 handle)
{
    u64 address = 0;
    enum status status =
        memory_map((memory_t){{handle}}, 0, PAGE_SIZE, MAP_READ | MAP_WRITE, &address);

    if (status == STATUS_OK)
        (void)!memory_unmap(address, PAGE_SIZE);
    return status;
}

struct user {
    enum status (*use)(u64 handle);
    u64 successes;
    u64 wrong; /* uses that succeeded though they began after the end, or failed oddly */
};

static u64 use_all_the_time(void *argument)
{
    struct user *user = argument;

    while (!__atomic_load_n(&stage.stop, __ATOMIC_ACQUIRE)) {
        u64 handle = __atomic_load_n(&stage.handle, __ATOMIC_ACQUIRE);
        bool dead = __atomic_load_n(&stage.revoked, __ATOMIC_ACQUIRE) == handle;
        enum status status = user->use(handle);

        user->successes += status == STATUS_OK;
        user->wrong += dead && IS_IN(status, SET(OK) | SET(FULL));
        /* FULL: the queue took what it can. */
        user->wrong += !IS_IN(status, SET(OK) | SET(FULL) | SET(REVOKED) | REFUSED);
        if (status == STATUS_OK || status == STATUS_FULL)
            (void)__atomic_fetch_add(&stage.used, 1, __ATOMIC_RELEASE);
    }
    return 0;
}

static void drain(endpoint_t endpoint)
{
    struct message message;

    while (ipc_poll(endpoint, &message, 0) == STATUS_OK)
        continue;
}

/* Derive, wait until it has been used, revoke, say so, and leave it dead for a while. */
static void revoke_rounds(cap_t parent, u32 rights)
{
    for (u64 i = 0; i < options.rounds; i++) {
        u64 until = time_after_ns(PATIENCE_NS);
        cap_t child;

        CHECK_OK(cap_derive_rights(parent, rights, &child));
        __atomic_store_n(&stage.used, 0, __ATOMIC_RELEASE);
        __atomic_store_n(&stage.handle, child.bits, __ATOMIC_RELEASE);
        while (__atomic_load_n(&stage.used, __ATOMIC_ACQUIRE) < 2 + i % 5)
            CHECK(time_now_ns() < until);
        CHECK_OK(cap_revoke(parent));
        __atomic_store_n(&stage.revoked, child.bits, __ATOMIC_RELEASE);
        until = time_after_ns(50 * NS_PER_US);
        while (time_now_ns() < until)
            continue;
        drain(stage.parent);
        CHECK_IN(cap_close(child), REFUSED | SET(OK) | SET(REVOKED));
    }
}

static void race_with(enum status (*use)(u64), bool of_memory)
{
    static struct user users[2];
    struct thread threads[2];

    memset(&stage, 0, sizeof(stage));
    CHECK_OK(make_endpoint(8, &stage.parent));
    CHECK_OK(memory_create(attack.group, PAGE_SIZE, 0, &stage.memory));
    for (u32 i = 0; i < 2; i++) {
        users[i] = (struct user){.use = use};
        CHECK_OK(start_on(1 + i, &threads[i], use_all_the_time, &users[i]));
    }
    if (of_memory)
        revoke_rounds(stage.memory.cap, RIGHT_READ | RIGHT_WRITE);
    else
        revoke_rounds(stage.parent.cap, UINT32_MAX & ~RIGHT_REBIND);
    __atomic_store_n(&stage.stop, true, __ATOMIC_RELEASE);
    for (u32 i = 0; i < 2; i++)
        (void)thread_join(&threads[i]);
    CHECK_EQ(users[0].wrong + users[1].wrong, 0);
    CHECK(users[0].successes + users[1].successes > 0);
    CHECK_OK(cap_close(stage.memory.cap));
    CHECK_OK(cap_close(stage.parent.cap));
}

BOOT_TEST_FLAGS(revoke, against_signals, TEST_SMP)
{
    race_with(use_signal, false);
}

BOOT_TEST_FLAGS(revoke, against_messages, TEST_SMP)
{
    race_with(use_send, false);
}

BOOT_TEST_FLAGS(revoke, against_derivation, TEST_SMP)
{
    race_with(use_derive, false);
}

BOOT_TEST_FLAGS(revoke, against_mapping, TEST_SMP)
{
    race_with(use_map, true);
}

/* --- all descendants at once --- */

#define DESCENDANTS 2000u

static u64 family[DESCENDANTS];

/* Once one of them is found dead, so are all others, however long their slots are still being
 * emptied. Returns how often one was not. */
static u64 compare_deaths(void *argument)
{
    struct dice dice = dice_for((u64)(uintptr_t)argument);
    u64 wrong = 0;

    while (!__atomic_load_n(&stage.stop, __ATOMIC_ACQUIRE)) {
        u64 one = family[dice_below(&dice, DESCENDANTS)];
        u64 other = family[dice_below(&dice, DESCENDANTS)];

        if (use_signal(one) != STATUS_OK)
            wrong += use_signal(other) == STATUS_OK;
        else
            (void)__atomic_fetch_add(&stage.used, 1, __ATOMIC_RELAXED);
    }
    return wrong;
}

BOOT_TEST_FLAGS(revoke, kills_all_at_once, TEST_SMP)
{
    u64 rounds = 2 + options.rounds / 50;

    for (u64 round = 0; round < rounds; round++) {
        struct thread threads[2];
        u64 until = PATIENCE;

        memset(&stage, 0, sizeof(stage));
        CHECK_OK(make_endpoint(0, &stage.parent));
        for (u32 i = 0; i < DESCENDANTS; i++) {
            cap_t child;

            CHECK_OK(cap_derive_rights(stage.parent.cap, RIGHT_SIGNAL, &child));
            family[i] = child.bits;
        }
        for (u64 i = 0; i < 2; i++)
            CHECK_OK(start_on((u32)i + 1, &threads[i], compare_deaths, (void *)(2 * round + i)));
        while (__atomic_load_n(&stage.used, __ATOMIC_RELAXED) < 10)
            CHECK(time_now_ns() < until);
        CHECK_OK(cap_revoke(stage.parent.cap));
        __atomic_store_n(&stage.stop, true, __ATOMIC_RELEASE);
        CHECK_EQ(thread_join(&threads[0]), 0);
        CHECK_EQ(thread_join(&threads[1]), 0);
        CHECK_OK(cap_close(stage.parent.cap));
    }
}
