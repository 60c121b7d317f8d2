/* The runner of unit tests; see unit.h. */
#define _DEFAULT_SOURCE
#include "unit.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_SEED     0x46657272ull
#define SHOWN_BYTES      16u
#define REPORTS_PER_TEST 20u /* a loop that fails in each round says so only so often */

static struct unit_test *first;
static struct unit_test **last = &first;
static u64 failures_in_test;
static u64 random_state;
static u64 fail_countdown;
static bool fail_happened;

void unit_register(struct unit_test *test)
{
    *last = test;
    last = &test->next;
}

/* Counts a failure; whether it is to be printed. */
static bool count_failure(const char *file, int line)
{
    failures_in_test++;
    if (failures_in_test == REPORTS_PER_TEST + 1)
        printf("  (further failures of this test are not shown)\n");
    if (failures_in_test > REPORTS_PER_TEST)
        return false;
    printf("  %s:%d: ", file, line);
    return true;
}

bool unit_check(bool ok, const char *file, int line, const char *text)
{
    if (!ok && count_failure(file, line))
        printf("expected %s\n", text);
    return ok;
}

bool unit_check_u64(bool ok, const char *file, int line, const char *text, u64 a, u64 b)
{
    if (!ok && count_failure(file, line))
        printf("expected %s: %" PRIu64 " (0x%" PRIx64 ") and %" PRIu64 " (0x%" PRIx64 ")\n", text,
               a, a, b, b);
    return ok;
}

bool unit_check_text(const char *file, int line, const char *text, const char *a, const char *b)
{
    size_t i = 0;

    if (a != NULL && b != NULL)
        while (a[i] != '\0' && a[i] == b[i])
            i++;
    bool ok = a != NULL && b != NULL && a[i] == b[i];

    if (!ok && count_failure(file, line))
        printf("expected %s: \"%s\" and \"%s\"\n", text, a ? a : "(null)", b ? b : "(null)");
    return ok;
}

static void print_bytes(const u8 *bytes, size_t from, size_t size)
{
    for (size_t i = from; i < size && i < from + SHOWN_BYTES; i++)
        printf(" %02x", bytes[i]);
}

bool unit_check_bytes(const char *file, int line, const char *text, const void *a, const void *b,
                      size_t size)
{
    const u8 *left = a;
    const u8 *right = b;
    size_t i = 0;

    while (i < size && left[i] == right[i])
        i++;
    if (i != size && count_failure(file, line)) {
        printf("expected %s: from byte %zu", text, i);
        print_bytes(left, i, size);
        printf(" and");
        print_bytes(right, i, size);
        printf("\n");
    }
    return i == size;
}

/* splitmix64 */
u64 unit_random(void)
{
    u64 z = (random_state += 0x9e3779b97f4a7c15ull);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

u64 unit_random_below(u64 limit)
{
    return unit_random() % limit;
}

void unit_fail_nth(u64 n)
{
    fail_countdown = n;
    fail_happened = false;
}

bool unit_should_fail(void)
{
    if (fail_countdown == 0 || --fail_countdown != 0)
        return false;
    fail_happened = true;
    return true;
}

bool unit_failed(void)
{
    return fail_happened;
}

bool unit_dies(void (*action)(void *argument), void *argument)
{
    int status = 0;

    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        exit(2);
    }
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);

        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        action(argument);
        _exit(0);
    }
    if (waitpid(child, &status, 0) != child) {
        perror("waitpid");
        exit(2);
    }
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static bool has_prefix(const char *text, const char *prefix)
{
    while (*prefix != '\0' && *text == *prefix) {
        text++;
        prefix++;
    }
    return *prefix == '\0';
}

static bool contains(const char *text, const char *part)
{
    for (; *text != '\0'; text++)
        if (has_prefix(text, part))
            return true;
    return *part == '\0';
}

static bool is_wanted(const char *name, char **parts, int count)
{
    for (int i = 0; i < count; i++)
        if (contains(name, parts[i]))
            return true;
    return count == 0;
}

static void start_test(u64 seed)
{
    random_state = seed;
    failures_in_test = 0;
    unit_fail_nth(0);
}

int main(int argc, char **argv)
{
    u64 seed = DEFAULT_SEED;
    u64 passed = 0;
    u64 failed = 0;
    bool list = false;
    int at = 1;

    for (; at < argc && argv[at][0] == '-'; at++) {
        if (contains(argv[at], "--list")) {
            list = true;
        } else if (contains(argv[at], "--seed") && at + 1 < argc) {
            seed = strtoull(argv[++at], NULL, 0);
        } else {
            fprintf(stderr, "usage: %s [--seed N] [--list] [NAME...]\n", argv[0]);
            return 2;
        }
    }
    if (!list)
        printf("seed 0x%" PRIx64 "\n", seed);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (struct unit_test *test = first; test != NULL; test = test->next) {
        if (!is_wanted(test->name, argv + at, argc - at))
            continue;
        if (list) {
            printf("%s\n", test->name);
            continue;
        }
        start_test(seed);
        test->run();
        printf("%s %s\n", failures_in_test == 0 ? "ok  " : "FAIL", test->name);
        if (failures_in_test == 0)
            passed++;
        else
            failed++;
    }
    if (list)
        return 0;
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", passed, failed);
    return failed == 0 && passed != 0 ? 0 : 1;
}
