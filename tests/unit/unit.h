/*
 * Unit tests. A test program is one *_test.c with any number of
 *
 *     TEST(name_says_what_it_shows)
 *     {
 *         EXPECT_EQ(answer(), 42);
 *     }
 *
 * linked with unit.c, which brings main(). Tests register themselves and run in the order of the
 * file, each with the same seed, which is printed. A failed expectation is printed with file, line
 * and values, and the test goes on. The last line is `N passed, N failed`; the exit status is 0 if
 * none failed.
 *
 *     PROGRAM [--seed N] [--list] [NAME...]    a NAME is a part of a test's name
 */
#ifndef UNIT_H
#define UNIT_H

#include "abi/types.h"

struct unit_test {
    const char *name;
    void (*run)(void);
    struct unit_test *next;
};

void unit_register(struct unit_test *test);

#define TEST(name)                                                                                 \
    static void test_##name(void);                                                                 \
    static struct unit_test unit_test_##name = {#name, test_##name, NULL};                         \
    __attribute__((constructor)) static void unit_register_##name(void)                            \
    {                                                                                              \
        unit_register(&unit_test_##name);                                                          \
    }                                                                                              \
    static void test_##name(void)

/* Reports the result of one expectation; returns `ok`. */
bool unit_check(bool ok, const char *file, int line, const char *text);
bool unit_check_u64(bool ok, const char *file, int line, const char *text, u64 a, u64 b);
bool unit_check_text(const char *file, int line, const char *text, const char *a, const char *b);
bool unit_check_bytes(const char *file, int line, const char *text, const void *a, const void *b,
                      size_t size);

/* Each is also a value: whether it held. Operands are evaluated once. */
#define EXPECT(condition) unit_check((condition), __FILE__, __LINE__, #condition)
#define EXPECT_COMPARE(a, operator, b)                                                             \
    __extension__({                                                                                \
        u64 unit_a = (u64)(a);                                                                     \
        u64 unit_b = (u64)(b);                                                                     \
        unit_check_u64(unit_a operator unit_b, __FILE__, __LINE__, #a " " #operator" " #b, unit_a, \
                       unit_b);                                                                    \
    })
#define EXPECT_EQ(a, b)     EXPECT_COMPARE(a, ==, b)
#define EXPECT_NE(a, b)     EXPECT_COMPARE(a, !=, b)
#define EXPECT_LT(a, b)     EXPECT_COMPARE(a, <, b)
#define EXPECT_LE(a, b)     EXPECT_COMPARE(a, <=, b)
#define EXPECT_STR_EQ(a, b) unit_check_text(__FILE__, __LINE__, #a " equals " #b, (a), (b))
#define EXPECT_MEM_EQ(a, b, size)                                                                  \
    unit_check_bytes(__FILE__, __LINE__, #a " equals " #b, (a), (b), (size))

/* Ends the test at once if it does not hold. For use in the test's own function. */
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!EXPECT(condition))                                                                    \
            return;                                                                                \
    } while (0)

/* Chance from the test's seed: the same in every run. */
u64 unit_random(void);
/* 0 to limit - 1; limit > 0. */
u64 unit_random_below(u64 limit);

/*
 * Failure injection. The code under test asks unit_should_fail() at each place that can fail
 * (allocators do so through their test hooks); the n-th time it is told to, counted from 1. 0:
 * never. Each test starts with 0.
 *
 *     for (u64 n = 1; ; n++) {
 *         unit_fail_nth(n);
 *         enum status status = operation();
 *         bool failed = unit_failed();
 *         unit_fail_nth(0);
 *         ... if it failed: EXPECT that nothing changed; else break
 *     }
 */
void unit_fail_nth(u64 n);
bool unit_should_fail(void);
/* Has the failure asked for last happened? */
bool unit_failed(void);

/* Runs `action` in a child process and reports whether it ended there abnormally (a panic, a
 * sanitizer's report, a signal). For showing that an assertion stops a misuse; what the child
 * prints is dropped. */
bool unit_dies(void (*action)(void *argument), void *argument);

#define EXPECT_DIES(action, argument) EXPECT(unit_dies((action), (argument)))

#endif
