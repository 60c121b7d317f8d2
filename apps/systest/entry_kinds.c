/* Forbidden things, one by one. Each runs in a process of its own, which it should end. */
#include "entry_kinds.h"

#include "ferrous/calls.h"
#include "ferrous/start.h"

#define SURVIVED 99

static void do_privileged(enum entry_kind kind)
{
    static struct {
        u16 limit;
        u64 base;
    } __attribute__((packed)) table;
    u64 value = 0;

    switch (kind) {
    case ENTRY_HLT:
        __asm__ volatile("hlt");
        break;
    case ENTRY_CLI:
        __asm__ volatile("cli");
        break;
    case ENTRY_STI:
        __asm__ volatile("sti");
        break;
    case ENTRY_IN:
        __asm__ volatile("inb $0x60, %%al" : "=a"(value));
        break;
    case ENTRY_OUT:
        __asm__ volatile("outb %%al, $0x80" : : "a"(0));
        break;
    case ENTRY_READ_CR0:
        __asm__ volatile("movq %%cr0, %0" : "=r"(value));
        break;
    case ENTRY_WRITE_CR3:
        __asm__ volatile("movq %0, %%cr3" : : "r"(value));
        break;
    case ENTRY_READ_MSR:
        __asm__ volatile("rdmsr" : "=a"(value) : "c"(0xc0000080) : "rdx");
        break;
    case ENTRY_WRITE_MSR:
        __asm__ volatile("wrmsr" : : "c"(0xc0000080), "a"(0), "d"(0));
        break;
    case ENTRY_SWAPGS:
        __asm__ volatile("swapgs");
        break;
    case ENTRY_LIDT:
        __asm__ volatile("lidt %0" : : "m"(table));
        break;
    case ENTRY_INVLPG:
        __asm__ volatile("invlpg (%0)" : : "r"(&table));
        break;
    case ENTRY_SYSRET:
        __asm__ volatile("sysretq");
        break;
    case ENTRY_SYSENTER:
        __asm__ volatile("sysenter");
        break;
    default:
        __asm__ volatile("wbinvd");
        break;
    }
}

static void do_interrupt(enum entry_kind kind)
{
    switch (kind) {
    case ENTRY_INT_2:
        __asm__ volatile("int $2");
        break;
    case ENTRY_INT_8:
        __asm__ volatile("int $8");
        break;
    case ENTRY_INT_13:
        __asm__ volatile("int $13");
        break;
    case ENTRY_INT_14:
        __asm__ volatile("int $14");
        break;
    case ENTRY_INT_18:
        __asm__ volatile("int $18");
        break;
    case ENTRY_INT_32:
        __asm__ volatile("int $32");
        break;
    case ENTRY_INT_128:
        __asm__ volatile("int $128");
        break;
    case ENTRY_INT_240:
        __asm__ volatile("int $240");
        break;
    default:
        __asm__ volatile("int $255");
        break;
    }
}

/* True: all sixteen are zero, in both halves. */
static bool vectors_are_clear(void)
{
    u64 seen = 0;

#define LOOK(n)                                                                                    \
    do {                                                                                           \
        u64 low_;                                                                                  \
        u64 high_;                                                                                 \
        __asm__ volatile("movq %%xmm" #n ", %0\n\tpsrldq $8, %%xmm" #n "\n\tmovq %%xmm" #n ", %1"  \
                         : "=r"(low_), "=r"(high_));                                               \
        seen |= low_ | high_;                                                                      \
    } while (0)
    LOOK(0);
    LOOK(1);
    LOOK(2);
    LOOK(3);
    LOOK(7);
    LOOK(8);
    LOOK(15);
#undef LOOK
    return seen == 0;
}

static __attribute__((noinline)) u64 recurse(u64 depth)
{
    volatile u8 frame[2048] = {0};

    frame[depth % sizeof(frame)] = 1;
    if (depth == UINT64_MAX)
        return 0;
    return recurse(depth + 1) + frame[0];
}

static void do_other(enum entry_kind kind)
{
    /* The kernel's code selector, as segment tables usually have it. */
    static const struct {
        u32 offset;
        u16 selector;
    } __attribute__((packed)) kernel_code = {0x1000, 8};

    switch (kind) {
    case ENTRY_BREAKPOINT:
        __asm__ volatile("int3");
        break;
    case ENTRY_TRAP_FLAG:
        __asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tnop\n\tnop"
                         :
                         :
                         : "cc", "memory");
        break;
    case ENTRY_TRAP_FLAG_SYSCALL:
        __asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tsyscall\n\tnop"
                         :
                         : "a"(SYS_null)
                         : "rcx", "r11", "cc", "memory");
        break;
    case ENTRY_FAR_JUMP:
        __asm__ volatile("ljmpl *%0" : : "m"(kernel_code) : "memory");
        break;
    case ENTRY_BAD_STACK_PUSH:
        __asm__ volatile("movq %0, %%rsp\n\tpushq %%rax" : : "r"(0x8000000000000000ull) : "memory");
        break;
    case ENTRY_WRITE_INFO_PAGE:
        *(volatile u32 *)(uintptr_t)start_info()->info_page = 1;
        break;
    default:
        (void)recurse(0);
        break;
    }
}

int entry_do(enum entry_kind kind)
{
    if (kind == ENTRY_VECTOR_CLEAR)
        return vectors_are_clear() ? 0 : 1;
    if (kind < ENTRY_PRIVILEGED_END)
        do_privileged(kind);
    else if (kind < ENTRY_INTERRUPT_END)
        do_interrupt(kind);
    else
        do_other(kind);
    return SURVIVED;
}
