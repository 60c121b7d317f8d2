/*
 * spawn: what a new process is made of. The caller passes the address of a struct spawn_plan in its
 * own memory; the kernel reads it once.
 */
#ifndef ABI_SPAWN_H
#define ABI_SPAWN_H

#include "abi/types.h"

#define SPAWN_MAX_SEGMENTS 8u
#define SPAWN_MAX_CAPS     24u
#define SPAWN_NAME_SIZE    32u

/* A mapping that the new process starts with. */
struct spawn_segment {
    cap_t memory;      /* CAP_NULL: anonymous zeros */
    u64 memory_offset; /* page-aligned */
    u64 address;       /* page-aligned */
    u64 size_bytes;    /* page-aligned */
    u32 map_flags;     /* MAP_READ, MAP_WRITE, MAP_EXECUTE, MAP_PRIVATE */
    u32 reserved;
};

/* A capability that it starts with; it appears in struct start_info at the same index. */
struct spawn_cap {
    cap_t cap;
    u32 rights; /* kept: the intersection */
    u32 mode;   /* CAP_SEND_MOVE or CAP_SEND_COPY */
    u64 badge;  /* set where the parent has RIGHT_MINT and no badge yet; else must be 0 */
};

#define SPAWN_HELD 1u /* do not start the main thread yet */

struct spawn_plan {
    char name[SPAWN_NAME_SIZE]; /* NUL-terminated; for people */
    u64 entry;
    u64 stack_size_bytes; /* page-aligned; 0: 64 KiB. Grows down, a guard page below. */
    u64 arguments; /* address in the caller of argument text (NUL-separated), copied to the child */
    u32 arguments_size; /* at most START_ARGUMENTS_SIZE */
    u32 segment_count;
    u32 cap_count;
    u32 flags;            /* SPAWN_* */
    cap_t fault_endpoint; /* receives faults; needs RIGHT_SEND. CAP_NULL: none */
    u64 load_base; /* passed through to start_info: where a position-independent image lies */
    struct spawn_segment segments[SPAWN_MAX_SEGMENTS];
    struct spawn_cap caps[SPAWN_MAX_CAPS];
};

#define START_ARGUMENTS_SIZE 2048u

/*
 * What a new process finds in its start page (mapped readable and writable; address in the first
 * argument register of its main thread). The message buffer of the main thread lies in its own
 * page.
 */
struct start_info {
    u64 message_buffer; /* address of the main thread's struct message_buffer */
    u64 info_page;      /* address of the kernel's struct info_page, read-only */
    u64 load_base;
    u64 stack_top;
    cap_t self; /* process capability: map, grant, control, inspect; not transferable */
    cap_t main_thread;
    u32 cap_count;
    u32 arguments_size;
    cap_t caps[SPAWN_MAX_CAPS];
    char arguments[START_ARGUMENTS_SIZE];
};

_Static_assert(sizeof(struct spawn_segment) == 40, "ABI layout");
_Static_assert(sizeof(struct spawn_cap) == 24, "ABI layout");
_Static_assert(sizeof(struct start_info) <= 4096, "one page");

/*
 * Init's start: the loader's BootInfo takes the place of a plan. Its capabilities stand in
 * start_info.caps in this order.
 */
enum init_cap {
    INIT_CAP_GROUP = 0, /* the root group */
    INIT_CAP_MACHINE = 1,
    INIT_CAP_ARCHIVE = 2, /* memory: the boot archive */
    INIT_CAP_PORTS = 3,   /* all I/O ports */
    INIT_CAP_DEVICE = 4, /* memory: the whole physical space that is not memory, as device memory */
    INIT_CAP_TRACE = 5,  /* the root trace domain */
    INIT_CAP_BOOT_INFO = 6, /* memory: struct boot_info, seed wiped, read-only */
    INIT_CAP_COUNT = 7
};

#endif
