/* The runner of booted tests. */
#include "ferrous/test.h"

#include "ferrous/console.h"
#include "lib/format.h"
#include "lib/string.h"

#define REASON_SIZE         200u
#define RUNS_UNTIL_BALANCED 3u

/* Bounds of the section, made by the linker. */
extern const struct boot_test __start_boot_tests[];
extern const struct boot_test __stop_boot_tests[];

static char reason[REASON_SIZE];
static bool failed;

bool test_has_failed(void)
{
    return __atomic_load_n(&failed, __ATOMIC_ACQUIRE);
}

void test_fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    size_t used;

    if (__atomic_exchange_n(&failed, true, __ATOMIC_ACQ_REL))
        return;
    used = format_to(reason, sizeof(reason), "%s:%d: ", file, line);
    va_start(arguments, format);
    format_to_va(reason + used, sizeof(reason) - used, format, arguments);
    va_end(arguments);
}

static bool is_wanted(const struct boot_test *test, const char *filter)
{
    char name[96];

    if (filter == NULL)
        return true;
    format_to(name, sizeof(name), "%s.%s", test->family, test->name);
    return string_starts_with(name, filter);
}

/* What caches keep (slabs, the heap) makes a first run differ from what it found; a leak makes
 * every run differ. */
static void run_one(const struct boot_test *test, const struct test_hooks *hooks,
                    struct test_totals *totals)
{
    bool compare = (test->flags & TEST_UNBALANCED) == 0 && hooks->after != NULL;

    for (u32 i = 0; i < RUNS_UNTIL_BALANCED; i++) {
        failed = false;
        if (hooks->before != NULL)
            hooks->before();
        test->run();
        if (failed || !compare || hooks->after(reason, sizeof(reason)))
            break;
        failed = true;
    }
    if (failed) {
        totals->failed++;
        print("FAIL %s.%s: %s\n", test->family, test->name, reason);
    } else {
        totals->passed++;
        print("PASS %s.%s\n", test->family, test->name);
    }
}

struct test_totals test_run_all(const struct test_hooks *hooks, const char *filter)
{
    struct test_totals totals = {0};

    for (const struct boot_test *test = __start_boot_tests; test != __stop_boot_tests; test++) {
        if (!is_wanted(test, filter))
            continue;
        if ((test->flags & TEST_SMP) != 0 && hooks->cpu_count < 2)
            totals.skipped++;
        else
            run_one(test, hooks, &totals);
    }
    return totals;
}
