/*
 * Does one thing that no program may do, by name: crash KIND. Each ends the process with a reason
 * of its own, and hurts nobody else. `crash` alone lists the kinds.
 */
#include "abi/types.h"

#include "ferrous/console.h"
#include "ferrous/start.h"
#include "lib/string.h"

#define SURVIVED 99

static void null_pointer(void)
{
    *(volatile u32 *)(uintptr_t)8 = 1;
}

static void null_read(void)
{
    (void)*(volatile u32 *)(uintptr_t)16;
}

static void privileged_instruction(void)
{
    __asm__ volatile("hlt");
}

static void port_access(void)
{
    __asm__ volatile("outb %%al, $0x80" : : "a"(0));
}

static void illegal_instruction(void)
{
    __asm__ volatile("ud2");
}

static __attribute__((noinline)) u64 recurse(u64 depth)
{
    volatile u8 frame[1024] = {0};

    frame[depth % sizeof(frame)] = 1;
    if (depth == UINT64_MAX)
        return 0;
    return recurse(depth + 1) + frame[0];
}

static void stack_overflow(void)
{
    (void)recurse(0);
}

static void divide(void)
{
    volatile u32 zero = 0;

    __asm__ volatile("divl %0" : : "r"(zero), "a"(1), "d"(0) : "cc");
}

static void wild_jump(void)
{
    __asm__ volatile("jmp *%0" : : "r"(0x123456789000ull));
}

static void jump_to_data(void)
{
    static u8 code[] = {0xc3};

    __asm__ volatile("call *%0" : : "r"(code) : "memory");
}

static void noncanonical(void)
{
    *(volatile u32 *)(uintptr_t)0x8000000000000000ull = 1;
}

static void write_to_code(void)
{
    *(volatile u8 *)(uintptr_t)&write_to_code = 0x90;
}

static void kernel_memory(void)
{
    *(volatile u8 *)(uintptr_t)0xffffffff80000000ull = 1;
}

static void breakpoint(void)
{
    __asm__ volatile("int3");
}

static void endless_loop(void)
{
    for (;;)
        __asm__ volatile("pause");
}

static const struct kind {
    const char *name;
    const char *what;
    void (*run)(void);
} kinds[] = {
    {"null", "write through a null pointer", null_pointer},
    {"null-read", "read through a null pointer", null_read},
    {"privileged", "execute hlt", privileged_instruction},
    {"port", "execute out without the port", port_access},
    {"illegal", "execute an undefined instruction", illegal_instruction},
    {"stack", "overflow the stack", stack_overflow},
    {"divide", "divide by zero", divide},
    {"jump", "jump where nothing is", wild_jump},
    {"data", "execute data", jump_to_data},
    {"noncanonical", "write to an address that cannot exist", noncanonical},
    {"code", "write to code", write_to_code},
    {"kernel", "write to the kernel", kernel_memory},
    {"breakpoint", "hit a breakpoint", breakpoint},
    {"loop", "loop for ever, under a limit of time", endless_loop},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (argc < 2) {
            print("  %-14s %s\n", kinds[i].name, kinds[i].what);
        } else if (string_equal(argv[1], kinds[i].name)) {
            kinds[i].run();
            return SURVIVED;
        }
    }
    if (argc < 2)
        return 0;
    print("crash: no kind is called '%s'; `crash` lists them\n", argv[1]);
    return 2;
}
