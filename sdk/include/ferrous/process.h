/*
 * Starting programs. The caller has the executable in its own memory (checked there) and as a
 * memory object (mapped into the child): a file of the boot archive is both.
 */
#ifndef FERROUS_PROCESS_H
#define FERROUS_PROCESS_H

#include "abi/spawn.h"
#include "ferrous/handle.h"
#include "ferrous/syscall.h"
#include "lib/elf.h"

/* An executable file. `data` is the caller's view of bytes [offset, offset + size) of `memory`. */
struct process_image {
    memory_t memory; /* READ and EXECUTE; CAP_NULL: the file is copied into fresh memory */
    u64 offset;
    const void *data;
    u64 size_bytes;
    const struct elf_plan *plan; /* made by process_image_plan; NULL: made anew for each spawn */
};

/* Checks the file and makes the plan by which it is loaded, for those who start it often. *plan is
 * borrowed by the image, and the file must not change. BAD_ARGUMENT: not an executable. */
enum status process_image_plan(struct process_image *image, struct elf_plan *plan) MUST_USE;

/* A capability for the child, under a name for start_cap(). */
struct process_cap {
    const char *name;
    cap_t cap;
    u32 rights; /* at most these */
    u32 mode;   /* CAP_SEND_MOVE or CAP_SEND_COPY */
    u64 badge;  /* 0: none, or keep the parent's */
};

struct process_spec {
    const char *name; /* for people */
    group_t group;    /* SPAWN, CREATE_MEMORY: pays for everything */
    struct process_image image;
    const char *const *arguments; /* argv, argv[0] included */
    u32 argument_count;
    u32 cap_count;
    const struct process_cap *caps;
    endpoint_t fault_endpoint; /* may be null */
    u64 stack_size_bytes;      /* 0: the kernel's choice */
    bool held;                 /* do not start it yet */
};

struct process {
    process_t handle;
    thread_t main_thread;
    u64 id;
};

/*
 * Starts it. The handles in *process belong to the caller. BAD_ARGUMENT: not an executable that can
 * be run, or names and arguments do not fit START_ARGUMENTS_SIZE; otherwise what spawn and
 * create_memory return. On failure nothing is left.
 */
enum status process_spawn(const struct process_spec *spec, struct process *process) MUST_USE;

/* Closes the handles; the process goes on. */
void process_close(struct process *process);

#endif
