/* The test runner's main: finds its capabilities and runs the tests. */
#include "systest.h"

struct test_ground systest;

int main(int argc, char **argv)
{
    if (argc > 2 && string_equal(argv[1], "--role"))
        return run_role(argc, argv);
    if (!test_ground_open(&systest, "systest"))
        return 2;
    return test_ground_run(argc > 1 ? argv[1] : NULL);
}
