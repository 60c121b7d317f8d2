/* A program that is not part of the tree: compiled with ferrous-cc alone and put into the boot
 * archive. */
#include <ferrous/console.h>

int main(int argc, char **argv)
{
    print("outside: %d arguments, the last is %s\n", argc, argv[argc - 1]);
    return argc == 3 ? 0 : 1;
}
