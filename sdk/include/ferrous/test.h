/*
 * Booted tests. A test program defines
 *
 *     BOOT_TEST(ipc, call_returns_the_reply)
 *     {
 *         CHECK_OK(ipc_call(endpoint, &message, deadline));
 *         CHECK_EQ(message.words[0], 42);
 *     }
 *
 * in any number of files and calls test_run_all(). One line per test: `PASS family.name` or `FAIL
 * family.name: reason`; a failed check ends its test. Before and after each test the hooks compare
 * what must be the same; a test after which it is not runs up to three times, since caches fill on
 * a first run, and fails if it never is.
 */
#ifndef FERROUS_TEST_H
#define FERROUS_TEST_H

#include "abi/status.h"
#include "abi/types.h"

struct boot_test {
    const char *family;
    const char *name;
    void (*run)(void);
    u32 flags;
};

#define TEST_SMP        1u /* only where there are two CPUs or more */
#define TEST_UNBALANCED 2u /* may leave things behind: no comparison */

/* Tests are found through this section, in the order of the link. */
#define BOOT_TEST_FLAGS(family_, name_, flags_)                                                    \
    static void test_##family_##_##name_(void);                                                    \
    static const struct boot_test boot_test_##family_##_##name_                                    \
        __attribute__((used, section("boot_tests"))) = {                                           \
            .family = #family_, .name = #name_, .run = test_##family_##_##name_, .flags = flags_}; \
    static void test_##family_##_##name_(void)
#define BOOT_TEST(family_, name_) BOOT_TEST_FLAGS(family_, name_, 0)

struct test_hooks {
    /* Called before a test: remembers the state. */
    void (*before)(void);
    /* Called after it: false, and a reason in `text`, if something is not as it was. */
    bool (*after)(char *text, size_t size);
    u32 cpu_count;
};

struct test_totals {
    u32 passed;
    u32 failed;
    u32 skipped;
};

/* Runs those whose "family.name" begins with `filter` (NULL: all). */
struct test_totals test_run_all(const struct test_hooks *hooks, const char *filter);

/* Fails the running test, with a reason; only the first counts. */
void test_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool test_has_failed(void);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            test_fail(__FILE__, __LINE__, "%s", #condition);                                       \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#define CHECK_EQ(a, b)                                                                             \
    do {                                                                                           \
        u64 check_a = (u64)(a);                                                                    \
        u64 check_b = (u64)(b);                                                                    \
        if (check_a != check_b) {                                                                  \
            test_fail(__FILE__, __LINE__, "%s is %#llx, not %#llx", #a,                            \
                      (unsigned long long)check_a, (unsigned long long)check_b);                   \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#define CHECK_STATUS(call, expected)                                                               \
    do {                                                                                           \
        enum status check_status = (call);                                                         \
        if (check_status != (expected)) {                                                          \
            test_fail(__FILE__, __LINE__, "%s: %s, not %s", #call, status_text(check_status),      \
                      status_text(expected));                                                      \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#define CHECK_OK(call) CHECK_STATUS(call, STATUS_OK)

#endif
