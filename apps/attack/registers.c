/*
 * What user mode must not do with the processor: system registers, segments, flags, addresses of
 * the kernel. Each runs in a child, which it should end with the right fault.
 */
#include "vectors.h"

#include "abi/fault.h"
#include "addresses.h"
#include "lib/format.h"

#define SURVIVED 99

/* Loads a far address of 64 bits by IRETQ or LRETQ. */
static void return_to(u64 selector, bool by_iret)
{
    if (by_iret)
        __asm__ volatile(
            "movq %%rsp, %%rax\n\tmovl %%ss, %%ecx\n\tpushq %%rcx\n\tpushq %%rax\n\tpushfq\n\t"
            "pushq %0\n\tleaq 1f(%%rip), %%rax\n\tpushq %%rax\n\tiretq\n1:"
            :
            : "r"(selector)
            : "rax", "rcx", "memory");
    else
        __asm__ volatile("pushq %0\n\tleaq 1f(%%rip), %%rax\n\tpushq %%rax\n\tlretq\n1:"
                         :
                         : "r"(selector)
                         : "rax", "memory");
}

#define KERNEL_CODE 0x08ull
#define KERNEL_DATA 0x10

static void iret_to_kernel(void)
{
    return_to(KERNEL_CODE, true);
}

static void lret_to_kernel(void)
{
    return_to(KERNEL_CODE, false);
}

#define DO(name_, ...)                                                                             \
    static void name_(void)                                                                        \
    {                                                                                              \
        __asm__ volatile(__VA_ARGS__);                                                             \
    }

DO(read_dr7, "movq %%dr7, %%rax" : : : "rax")
DO(write_dr0, "movq %%rax, %%dr0" : : "a"(0x1000))
DO(write_dr7, "movq %%rax, %%dr7" : : "a"(0x401))
DO(read_cr2, "movq %%cr2, %%rax" : : : "rax")
DO(read_cr3, "movq %%cr3, %%rax" : : : "rax")
DO(write_cr4, "movq %%rax, %%cr4" : : "a"(0))
DO(write_cr8, "movq %%rax, %%cr8" : : "a"(15))
DO(do_xsetbv, "xsetbv" : : "a"(7), "d"(0), "c"(0))
DO(do_clts, "clts")
DO(do_lmsw, "lmsw %%ax" : : "a"(1))
DO(do_lldt, "lldt %%ax" : : "a"(0))
DO(do_ltr, "ltr %%ax" : : "a"(0x28))
DO(do_lgdt, "lgdt (%%rsp)" : : : "memory")
DO(do_invd, "invd")
DO(do_rdpmc, "rdpmc" : : "c"(0) : "rax", "rdx")
DO(do_monitor, "monitor" : : "a"(0), "c"(0), "d"(0))
DO(do_mwait, "mwait" : : "a"(0), "c"(0))
DO(do_clac, "clac")
DO(do_stac, "stac")
DO(do_invpcid, "invpcid (%%rsp), %%rax" : : "a"(0) : "memory")
DO(do_vmcall, "vmcall")
DO(do_vmrun, "vmrun %%rax" : : "a"(0))
DO(do_rsm, "rsm")
DO(read_gs_base, "rdmsr" : : "c"(0xc0000101) : "rax", "rdx")
DO(read_kernel_gs, "rdmsr" : : "c"(0xc0000102) : "rax", "rdx")
DO(read_lstar, "rdmsr" : : "c"(0xc0000082) : "rax", "rdx")
DO(write_lstar, "wrmsr" : : "c"(0xc0000082), "a"(0x1000), "d"(0))
DO(load_kernel_ds, "movl %0, %%ds" : : "r"(KERNEL_DATA))
DO(load_kernel_ss, "movl %0, %%ss" : : "r"(KERNEL_DATA))
DO(load_kernel_gs, "movl %0, %%gs" : : "r"(KERNEL_DATA))
DO(do_insb, "insb" : : "d"(0x60), "D"(0) : "memory")
DO(do_outsb, "outsb" : : "d"(0x60), "S"(0))

/* Hidden by UMIP, where the CPU has it. */
DO(do_sgdt, "subq $16, %%rsp\n\tsgdt (%%rsp)\n\taddq $16, %%rsp" : : : "memory")
DO(do_sidt, "subq $16, %%rsp\n\tsidt (%%rsp)\n\taddq $16, %%rsp" : : : "memory")
DO(do_sldt, "sldt %%eax" : : : "rax")
DO(do_str, "str %%eax" : : : "rax")
DO(do_smsw, "smsw %%eax" : : : "rax")

/* Only where FSGSBASE is: an address that is not canonical. */
DO(wrong_gs_base, "wrgsbase %%rax" : : "a"(0x8000000000000000ull))
DO(wrong_fs_base, "wrfsbase %%rax" : : "a"(0x0000800000000000ull))

static const struct forbidden {
    const char *name;
    void (*run)(void);
} forbidden[] = {
    {"read dr7", read_dr7},
    {"write dr0", write_dr0},
    {"write dr7", write_dr7},
    {"read cr2", read_cr2},
    {"read cr3", read_cr3},
    {"write cr4", write_cr4},
    {"write cr8", write_cr8},
    {"xsetbv", do_xsetbv},
    {"clts", do_clts},
    {"lmsw", do_lmsw},
    {"lldt", do_lldt},
    {"ltr", do_ltr},
    {"lgdt", do_lgdt},
    {"invd", do_invd},
    {"rdpmc", do_rdpmc},
    {"monitor", do_monitor},
    {"mwait", do_mwait},
    {"clac", do_clac},
    {"stac", do_stac},
    {"invpcid", do_invpcid},
    {"vmcall", do_vmcall},
    {"vmrun", do_vmrun},
    {"rsm", do_rsm},
    {"rdmsr GS base", read_gs_base},
    {"rdmsr kernel GS base", read_kernel_gs},
    {"rdmsr LSTAR", read_lstar},
    {"wrmsr LSTAR", write_lstar},
    {"kernel DS", load_kernel_ds},
    {"kernel SS", load_kernel_ss},
    {"kernel GS", load_kernel_gs},
    {"insb", do_insb},
    {"outsb", do_outsb},
    {"iret to ring 0", iret_to_kernel},
    {"lret to ring 0", lret_to_kernel},
    {"wrgsbase", wrong_gs_base},
    {"wrfsbase", wrong_fs_base},
    {"sgdt", do_sgdt},
    {"sidt", do_sidt},
    {"sldt", do_sldt},
    {"str", do_str},
    {"smsw", do_smsw},
};

#define FORBIDDEN_COUNT (sizeof(forbidden) / sizeof(forbidden[0]))
/* The last ones are only forbidden under UMIP. */
#define UMIP_COUNT      5u

/* IF off and IOPL 3 are asked for; 0 if neither was had. */
static int ask_for_flags(void)
{
    u64 flags;

    __asm__ volatile("pushfq\n\torq $0x3000, (%%rsp)\n\tandq $~0x200, (%%rsp)\n\tpopfq\n\t"
                     "pushfq\n\tpopq %0"
                     : "=r"(flags)
                     :
                     : "cc", "memory");
    return (flags & 0x3000) == 0 && (flags & 0x200) != 0 ? 0 : 1;
}

/* A GS base that looks like the kernel's, or that is nobody's: calls and interrupts do not care. */
static int keep_odd_gs(void)
{
    static const u64 bases[] = {0, 0xffff800000000000ull, 0xffffffffffffffffull, USER_END - 1};

    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        u64 until = time_after_ns(2 * NS_PER_MS);

        __asm__ volatile("wrgsbase %0" : : "r"(bases[i]));
        while (time_now_ns() < until) {
            u64 base;

            if (ferrous_syscall_plain(SYS_null, 0, 0, 0) != STATUS_OK)
                return 1;
            __asm__ volatile("rdgsbase %0" : "=r"(base));
            if (base != bases[i] && base != 0)
                return 2;
        }
    }
    return 0;
}

/* "flags", "gs", "read N", "write N", "jump N" with an address, or the number of a forbidden thing.
 */
int role_register(const char *argument)
{
    const char *blank = string_find(argument, ' ');
    u64 number = 0;

    if (string_equal(argument, "flags"))
        return ask_for_flags();
    if (string_equal(argument, "gs"))
        return keep_odd_gs();
    if (!string_to_u64(blank != NULL ? blank + 1 : argument, &number))
        return 1;
    if (string_starts_with(argument, "read "))
        (void)*(volatile u64 *)(uintptr_t)number;
    else if (string_starts_with(argument, "write "))
        *(volatile u64 *)(uintptr_t)number = 1;
    else if (string_starts_with(argument, "jump "))
        ((void (*)(void))(uintptr_t)number)();
    else if (number < FORBIDDEN_COUNT)
        forbidden[number].run();
    return SURVIVED;
}

static bool is_expected(const struct forbidden *what, const struct exit_record *record)
{
    /* An emulator may not look at the address. */
    if ((what->run == wrong_gs_base || what->run == wrong_fs_base) && record->reason == EXIT_NORMAL)
        return record->code == SURVIVED;
    return record->reason == EXIT_FAULT &&
           (record->fault == FAULT_PRIVILEGED || record->fault == FAULT_ILLEGAL);
}

static enum status run_register_role(const char *argument, struct exit_record *record)
{
    struct process process;
    enum status status = start_role(attack.group, "register", argument, NULL, 0, &process);

    return status == STATUS_OK ? end_of(&process, record) : status;
}

BOOT_TEST(registers, forbidden_instructions_fault)
{
    size_t count = has_umip() ? FORBIDDEN_COUNT : FORBIDDEN_COUNT - UMIP_COUNT;

    for (size_t i = 0; i < count; i++) {
        struct exit_record record;
        char number[8];

        format_to(number, sizeof(number), "%u", (u32)i);
        CHECK_OK(run_register_role(number, &record));
        if (!is_expected(&forbidden[i], &record))
            test_fail(__FILE__, __LINE__, "%s: reason %u, fault %u, code %lld", forbidden[i].name,
                      record.reason, record.fault, (long long)record.code);
    }
}

BOOT_TEST(registers, flags_that_are_not_the_users_stay)
{
    struct exit_record record;

    CHECK_OK(run_register_role("flags", &record));
    CHECK_EQ(record.reason, EXIT_NORMAL);
    CHECK_EQ(record.code, 0);
}

BOOT_TEST(registers, odd_gs_bases_do_not_matter)
{
    struct exit_record record;

    if (!has_fsgsbase())
        return;
    CHECK_OK(run_register_role("gs", &record));
    CHECK_EQ(record.reason, EXIT_NORMAL);
    CHECK_EQ(record.code, 0);
}

/* Reading, writing and jumping to what belongs to the kernel or to nobody. */
BOOT_TEST(registers, kernel_addresses_fault)
{
    static const char *const ways[] = {"read", "write", "jump"};
    static const u64 addresses[] = {0xffff800000000000ull, 0xffff800000100000ull,
                                    0xffffffff80000000ull, 0xffffffff80200000ull,
                                    0xffffffffffffff00ull, 0xffff7ffffffff000ull,
                                    0x8000000000000000ull, USER_END,
                                    USER_END - 8,          0,
                                    0xfed00000ull,         0xfee00000ull};

    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        for (u32 way = 0; way < 3; way++) {
            struct exit_record record;
            char text[40];

            format_to(text, sizeof(text), "%s %llu", ways[way], (unsigned long long)addresses[i]);
            CHECK_OK(run_register_role(text, &record));
            if (record.reason != EXIT_FAULT ||
                (record.fault != FAULT_PAGE_READ + way && record.fault != FAULT_PRIVILEGED))
                test_fail(__FILE__, __LINE__, "%s %#llx: reason %u, fault %u, code %lld", ways[way],
                          (unsigned long long)addresses[i], record.reason, record.fault,
                          (long long)record.code);
        }
    }
}

/* A handler sends the thread of another process to an address of its choice: only that one suffers.
 */
BOOT_TEST(registers, a_handler_cannot_send_a_thread_into_the_kernel)
{
    struct process_spec spec = {0};

    if (!addresses_open())
        return;
    CHECK_OK(make_endpoint(0, &spec.fault_endpoint));
    for (u32 place = 0; place < AT_PLACE_COUNT; place++) {
        struct exit_record record;
        struct message message;
        struct process process;

        CHECK_OK(start_role_with(&spec, attack.group, "register", "read 8", &process));
        CHECK_OK(ipc_receive(spec.fault_endpoint, &message, 0, PATIENCE));
        CHECK_EQ(message_kind(&message), MESSAGE_FAULT);
        message = MESSAGE_INIT(FAULT_REPLY_SKIP);
        message.words[0] = address_at((enum address_place)place);
        CHECK_OK(ipc_reply(&message));
        /* It faults there, too, and is then ended. */
        CHECK_OK(ipc_receive(spec.fault_endpoint, &message, 0, PATIENCE));
        CHECK_EQ(message_kind(&message), MESSAGE_FAULT);
        message = MESSAGE_INIT(FAULT_REPLY_KILL);
        CHECK_OK(ipc_reply(&message));
        CHECK_OK(end_of(&process, &record));
        CHECK_EQ(record.reason, EXIT_FAULT);
    }
    CHECK_OK(cap_close(spec.fault_endpoint.cap));
    addresses_close();
}

/* --- FS and GS bases of threads --- */

static u32 gate;

static u64 hold_fs(void *argument)
{
    return fs_base_hold((u64)(uintptr_t)argument, &gate) == (u64)(uintptr_t)argument;
}

/* Its own or 0, as switches leave it; never another's. */
static u64 hold_gs(void *argument)
{
    u64 own = (u64)(uintptr_t)argument;
    u64 base;
    bool good;

    __asm__ volatile("rdgsbase %0" : "=r"(base));
    good = base == 0;
    while (__atomic_load_n(&gate, __ATOMIC_ACQUIRE) == 0) {
        __asm__ volatile("wrgsbase %0" : : "r"(own));
        for (u32 i = 0; i < 1000; i++) {
            __asm__ volatile("rdgsbase %0" : "=r"(base));
            good &= base == own || base == 0;
        }
        thread_yield();
        __asm__ volatile("rdgsbase %0" : "=r"(base));
        good &= base == own || base == 0;
    }
    return good;
}

static void hold_bases(u64 (*hold)(void *))
{
    struct thread threads[9];
    u32 count = 2 * cpu_count() + 1 < 9 ? 2 * cpu_count() + 1 : 9;

    if (!has_fsgsbase())
        return;
    __atomic_store_n(&gate, 0, __ATOMIC_RELEASE);
    for (u64 i = 0; i < count; i++)
        CHECK_OK(start_on((u32)i, &threads[i], hold, (void *)(0x1000 * (i + 1))));
    time_sleep_ns(30 * NS_PER_MS);
    __atomic_store_n(&gate, 1, __ATOMIC_RELEASE);
    for (u32 i = 0; i < count; i++)
        CHECK_EQ(thread_join(&threads[i]), 1);
}

BOOT_TEST(registers, fs_base_is_each_threads_own)
{
    hold_bases(hold_fs);
}

BOOT_TEST(registers, gs_base_is_not_passed_on)
{
    hold_bases(hold_gs);
}
