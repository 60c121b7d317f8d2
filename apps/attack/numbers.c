/* Call numbers: all that 16 bits can say, and those whose other bits are not zero. */
#include "attack.h"

#define LAST_NUMBER 65535u

static bool is_call(u64 number)
{
    switch (number) {
#define SYSCALL(number_, name) case number_:
#include "abi/syscalls.def"
#undef SYSCALL
        return true;
    default:
        return false;
    }
}

BOOT_TEST(numbers, all_that_name_no_call)
{
    u64 before = denials();
    u64 refused = 0;

    for (u64 number = 0; number <= LAST_NUMBER; number++) {
        if (is_call(number))
            continue;
        CHECK_STATUS(ferrous_syscall_plain(number, attack.group.cap.bits, 0, 0),
                     STATUS_BAD_SYSCALL);
        refused++;
    }
    CHECK_EQ(denials() - before, refused);
}

/* A number is all 64 bits: none is cut off on the way to the table. */
BOOT_TEST(numbers, high_bits_count)
{
    u64 before = denials();
    u64 refused = 0;

    for (u32 bit = 16; bit < 64; bit++) {
        for (u64 number = 0; number < SYSCALL_LIMIT; number++) {
            CHECK_STATUS(ferrous_syscall_plain(number | 1ull << bit, 0, 0, 0), STATUS_BAD_SYSCALL);
            refused++;
        }
    }
    CHECK_EQ(denials() - before, refused);
}
