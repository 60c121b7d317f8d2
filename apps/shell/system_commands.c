/* Commands that look at the machine, or switch it off. */
#include "ferrous/start.h"
#include "ferrous/time.h"
#include "lib/string.h"
#include "names.h"
#include "shell.h"

#define LIST_CHUNK 16u
#define LOG_CHUNK  512u
#define MAX_CPUS   64u

typedef unsigned long long ull;

static bool failed(const char *what, enum status status)
{
    if (status == STATUS_OK)
        return false;
    print("%s: %s\n", what, status_text(status));
    return true;
}

static void run_ps(struct shell *shell, int argc, char **argv)
{
    struct process_entry entries[LIST_CHUNK];
    u64 after = 0;

    (void)argc;
    (void)argv;
    print("%5s %6s  %-9s %3s %7s %9s %10s %5s  %s\n", "PID", "PARENT", "STATE", "CPU", "THREADS",
          "MEMORY", "CPU TIME", "CAPS", "NAME");
    for (;;) {
        u64 count = LIST_CHUNK;

        if (failed("ps", process_list(shell->machine, entries, &count, after)) || count == 0)
            return;
        for (u64 i = 0; i < count; i++) {
            const struct process_entry *entry = &entries[i];

            print("%5llu %6llu  %-9s %3u %7u %5llu KiB %6llu.%03llu %5u  %.*s\n", (ull)entry->id,
                  (ull)entry->parent_id, thread_state_name(entry->state), entry->cpu,
                  entry->thread_count, (ull)(entry->memory_bytes >> 10),
                  (ull)(entry->cpu_ns / NS_PER_S), (ull)(entry->cpu_ns / NS_PER_MS % 1000),
                  entry->cap_count, (int)sizeof(entry->name), entry->name);
        }
        after = entries[count - 1].id;
    }
}

static void print_memory(const char *what, u64 bytes)
{
    print("  %-14s %9llu KiB\n", what, (ull)(bytes >> 10));
}

static void run_mem(struct shell *shell, int argc, char **argv)
{
    struct machine_memory memory;
    struct machine_node nodes[8];
    u64 written;

    (void)argc;
    (void)argv;
    if (failed("mem", machine_info(shell->machine, MACHINE_INFO_MEMORY, &memory, sizeof(memory), 0,
                                   &written, NULL)))
        return;
    print_memory("total", memory.total_bytes);
    print_memory("free", memory.free_bytes);
    print_memory("kernel image", memory.kernel_image_bytes);
    print_memory("kernel data", memory.kernel_bytes);
    print_memory("user", memory.user_bytes);
    print_memory("page tables", memory.page_table_bytes);
    if (memory.node_count == 1 ||
        failed("mem", machine_info(shell->machine, MACHINE_INFO_NODES, nodes, sizeof(nodes), 0,
                                   &written, NULL)))
        return;
    for (u64 i = 0; i < written / sizeof(nodes[0]); i++)
        print("  node %llu used %8llu KiB, free %8llu KiB; frames given: local %llu, remote %llu\n",
              (ull)i, (ull)(nodes[i].used_bytes >> 10), (ull)(nodes[i].free_bytes >> 10),
              (ull)nodes[i].local_frames, (ull)nodes[i].remote_frames);
}

static void run_cpus(struct shell *shell, int argc, char **argv)
{
    static struct machine_cpu cpus[MAX_CPUS];
    u64 written;

    (void)argc;
    (void)argv;
    if (failed("cpus", machine_info(shell->machine, MACHINE_INFO_CPUS, cpus, sizeof(cpus), 0,
                                    &written, NULL)))
        return;
    print("%3s %6s %4s %6s %10s %10s %10s %10s %10s\n", "CPU", "APIC", "NODE", "ONLINE", "BUSY ms",
          "IDLE ms", "SWITCHES", "INTERRUPTS", "SYSCALLS");
    for (u64 i = 0; i < written / sizeof(cpus[0]); i++) {
        const struct machine_cpu *cpu = &cpus[i];

        print("%3u %6u %4u %6s %10llu %10llu %10llu %10llu %10llu\n", cpu->index, cpu->apic_id,
              cpu->node, cpu->online != 0 ? "yes" : "no", (ull)(cpu->busy_ns / NS_PER_MS),
              (ull)(cpu->idle_ns / NS_PER_MS), (ull)cpu->switches, (ull)cpu->interrupts,
              (ull)cpu->syscalls);
    }
}

static void print_cap(const char *name, cap_t cap)
{
    struct cap_facts facts;
    char rights[160];

    if (cap_inspect(cap, &facts) != STATUS_OK) {
        print("  %-12s (gone)\n", name);
        return;
    }
    rights_text(rights, sizeof(rights), facts.type, facts.rights);
    print("  %-12s %-9s %5llu%s", name, object_type_name(facts.type), (ull)facts.object_id, rights);
    if (facts.badge != 0)
        print(" (badge %llu)", (ull)facts.badge);
    print("\n");
}

static void run_caps(struct shell *shell, int argc, char **argv)
{
    const struct start_info *info = start_info();
    char name[32];

    (void)argc;
    (void)argv;
    print("  %-12s %-9s %5s rights\n", "NAME", "TYPE", "ID");
    for (u32 i = 0; i < info->cap_count; i++) {
        if (!start_cap_name(i, name, sizeof(name)))
            format_to(name, sizeof(name), "#%u", i);
        print_cap(name, info->caps[i]);
    }
    print_cap("(self)", info->self);
    print_cap("(thread)", info->main_thread);
    print_cap("(events)", shell->events.cap);
}

static void run_log(struct shell *shell, int argc, char **argv)
{
    char text[LOG_CHUNK];
    u64 position = 0;

    (void)argc;
    (void)argv;
    for (;;) {
        u64 written;

        if (failed("log", machine_info(shell->machine, MACHINE_INFO_LOG, text, sizeof(text),
                                       position, &written, &position)) ||
            written == 0)
            return;
        (void)!console_write_all(shell->console, text, written, TIME_NEVER);
    }
}

static void run_uptime(struct shell *shell, int argc, char **argv)
{
    u64 now_ns = time_now_ns();

    (void)shell;
    (void)argc;
    (void)argv;
    print("up %llu.%03llu s, boot %016llx\n", (ull)(now_ns / NS_PER_S),
          (ull)(now_ns / NS_PER_MS % 1000), (ull)start_info_page()->boot_id);
}

static void run_echo(struct shell *shell, int argc, char **argv)
{
    (void)shell;
    for (int i = 1; i < argc; i++)
        print(i > 1 ? " %s" : "%s", argv[i]);
    print("\n");
}

static void run_shutdown(struct shell *shell, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    (void)failed("shutdown", machine_control(shell->machine, MACHINE_POWER_OFF, 0));
}

static void run_reboot(struct shell *shell, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    (void)failed("reboot", machine_control(shell->machine, MACHINE_RESET, 0));
}

const struct shell_command system_commands[] = {
    {"ps", "", "processes", 0, run_ps},
    {"mem", "", "memory: who has how much", 0, run_mem},
    {"cpus", "", "processors", 0, run_cpus},
    {"caps", "", "what this shell holds, with which rights", 0, run_caps},
    {"log", "", "the kernel's log", 0, run_log},
    {"uptime", "", "time since boot", 0, run_uptime},
    {"echo", "[WORDS]", "print words", 0, run_echo},
    {"shutdown", "", "switch the machine off", 0, run_shutdown},
    {"reboot", "", "start it again", 0, run_reboot},
    {NULL, NULL, NULL, 0, NULL},
};
