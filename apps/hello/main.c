/* The smallest program: says hello, with its arguments. `hello --silent` says nothing, for those
 * who measure it. */
#include "ferrous/console.h"
#include "ferrous/start.h"
#include "lib/string.h"

int main(int argc, char **argv)
{
    if (argc > 1 && string_equal(argv[1], "--silent"))
        return 0;
    print("hello");
    for (int i = 1; i < argc; i++)
        print(" %s", argv[i]);
    print(argc > 1 ? "\n" : ", world\n");
    return 0;
}
