/* What machine_info, process_list and group_info report. */
#ifndef ABI_MACHINE_H
#define ABI_MACHINE_H

#include "abi/types.h"

enum machine_info_topic {
    MACHINE_INFO_MEMORY = 0, /* struct machine_memory; FACTS */
    MACHINE_INFO_CPUS = 1,   /* array of struct machine_cpu; FACTS */
    MACHINE_INFO_LOG = 2,    /* text of the kernel log from byte `position`; KERNEL_LOG */
    MACHINE_INFO_COUNTS = 3, /* struct machine_counts; FACTS */
    MACHINE_INFO_NODES = 4,  /* array of struct machine_node; FACTS */
};

struct machine_memory {
    u64 total_bytes; /* given to the frame allocator or used before it */
    u64 free_bytes;
    u64 kernel_image_bytes; /* text, data, bss */
    u64 kernel_bytes;       /* frame metadata, slabs, per-CPU data, kernel page tables */
    u64 user_bytes;         /* anonymous memory and copies */
    u64 page_table_bytes;   /* of user address spaces */
    u64 node_count;
    u64 node_free_bytes[8];
};

/* One NUMA node. What its memory was asked for counts when it leaves the node's free lists: a CPU
 * takes frames for its cache some at a time. */
struct machine_node {
    u64 total_bytes;
    u64 free_bytes;
    u64 used_bytes;    /* total - free */
    u64 local_frames;  /* since boot: given to CPUs of the node, or to who asked for this node */
    u64 remote_frames; /* since boot: given because a nearer node had none */
};

struct machine_cpu {
    u32 index;
    u32 apic_id;
    u32 node;
    u32 online;
    u64 idle_ns;
    u64 busy_ns;
    u64 switches;
    u64 interrupts;
    u64 syscalls;
};

/* Live kernel objects, by enum object_type, and the frames that are free: what a leak test
 * compares. */
struct machine_counts {
    u64 objects[16];
    u64 free_frames;
    u64 cap_nodes;
    u64 slab_objects; /* kernel structures of every kind that are in use */
    u64 slab_frames;  /* frames that hold them; not all of them go back when their objects do */
    u64 denials;      /* capability lookups and system call numbers refused since boot */
};

enum thread_state_kind {
    THREAD_STATE_RUNNING = 0,
    THREAD_STATE_READY = 1,
    THREAD_STATE_RECEIVING = 2,
    THREAD_STATE_SENDING = 3,
    THREAD_STATE_CALLING = 4,
    THREAD_STATE_WAITING = 5, /* process, futex, kernel job */
    THREAD_STATE_HELD = 6,
    THREAD_STATE_DEAD = 7,
};

struct process_entry {
    u64 id;
    u64 parent_id;
    char name[32];
    u32 thread_count;
    u32 state; /* enum thread_state_kind of its main thread */
    u64 memory_bytes;
    u64 cpu_ns;
    u32 cap_count;
    u32 cpu; /* that its main thread last ran on */
};

enum group_resource {
    GROUP_MEMORY_FRAMES = 0, /* frames: user memory, page tables, message buffers */
    GROUP_KERNEL_BYTES = 1,  /* kernel objects */
    GROUP_OBJECTS = 2,
    GROUP_PROCESSES = 3,
    GROUP_THREADS = 4,
    GROUP_RESOURCE_COUNT = 5
};

#define GROUP_NO_LIMIT UINT64_MAX

/* Bounds of a quota of processor time: it is at most the period times the number of CPUs. */
#define GROUP_MIN_PERIOD_NS 1000000ull
#define GROUP_MAX_PERIOD_NS 1000000000ull
#define GROUP_MIN_QUOTA_NS  100000ull

struct group_limits {
    char name[32];
    u64 limit[8];     /* by enum group_resource; GROUP_NO_LIMIT: the parent's */
    u64 cpu_weight;   /* 1 to 10,000; 0: 100 */
    u64 cpu_quota_ns; /* per period; 0: none */
    u64 cpu_period_ns;
};

struct group_usage {
    char name[32];
    u64 used[8];
    u64 limit[8];
    u64 cpu_ns;
    u64 child_count;
};

_Static_assert(sizeof(struct process_entry) == 80, "ABI layout");
_Static_assert(sizeof(struct group_limits) == 120, "ABI layout");

#endif
