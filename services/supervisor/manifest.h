/*
 * The manifest: which services run, in order, with exactly which capabilities; and what programs
 * started for the shell get.
 *
 * Text, one statement a line, words separated by blanks, # to the end of a line is a comment:
 *
 *     endpoint NAME [depth=N] [grace=TIME]    an endpoint made at start-up, kept across restarts
 *     service NAME [program=FILE]             what follows, up to the next of these three, belongs
 * to it program NAME | program *                the same for a program that is run on demand; * for
 * all not named
 *
 *       use ENDPOINT RIGHTS [as=NAME]         rights of that endpoint (send, receive, signal)
 *       group RIGHTS [as=NAME]                of its own resource group (endpoint, memory, spawn,
 * group, timer, trace, control, info) machine RIGHTS [as=NAME]              power, log, facts,
 * processes, interrupts ports FIRST COUNT [as=NAME]           I/O ports, in and out interrupt LINE
 * [as=NAME]              a legacy interrupt request line archive [as=NAME]                     the
 * boot archive: read and execute trace RIGHTS [as=NAME]                the root trace domain: read,
 * control, emit manager RIGHTS [as=NAME]              the process manager: run, kill, look (at what
 * runs) limit [memory=SIZE] [kernel=SIZE] [objects=N] [processes=N] [threads=N] [weight=N] restart
 * never|failure|always [max=N] [backoff=TIME] arguments WORD...
 *
 * RIGHTS are joined by commas; `all` is every right of the type; derive, transfer, revoke and mint
 * go with each. NAME is what start_cap() finds in the program; without it, the endpoint's name or
 * the statement's word. SIZE takes K, M or G; TIME takes ns, us, ms or s. Numbers are decimal or 0x
 * hexadecimal.
 */
#ifndef SUPERVISOR_MANIFEST_H
#define SUPERVISOR_MANIFEST_H

#include "abi/machine.h"
#include "abi/status.h"
#include "abi/types.h"

#define MANIFEST_MAX_ENDPOINTS 16u
#define MANIFEST_MAX_ENTRIES   24u
#define MANIFEST_MAX_CAPS      16u
#define MANIFEST_MAX_ARGUMENTS 8u
#define MANIFEST_NAME_SIZE     24u
#define MANIFEST_ARGUMENT_SIZE 48u
#define MANIFEST_ERROR_SIZE    96u

#define MANAGER_RIGHT_RUN  1u
#define MANAGER_RIGHT_KILL 2u

enum manifest_cap_kind {
    MANIFEST_ENDPOINT,
    MANIFEST_GROUP,
    MANIFEST_MACHINE,
    MANIFEST_PORTS,
    MANIFEST_INTERRUPT,
    MANIFEST_ARCHIVE,
    MANIFEST_TRACE,
    MANIFEST_MANAGER,
};

struct manifest_cap {
    char name[MANIFEST_NAME_SIZE];
    u32 kind;   /* enum manifest_cap_kind */
    u32 rights; /* of the object type; for MANAGER: MANAGER_RIGHT_* */
    u32 first;  /* endpoint index, first port, or interrupt line */
    u32 count;  /* ports */
};

enum manifest_restart { RESTART_NEVER, RESTART_ON_FAILURE, RESTART_ALWAYS };

struct manifest_entry {
    char name[MANIFEST_NAME_SIZE]; /* "*": any program */
    char file[MANIFEST_NAME_SIZE];
    bool is_service;
    u32 restart; /* enum manifest_restart */
    u32 restart_max;
    u32 cap_count;
    u32 argument_count;
    u32 manager_rights;
    u64 backoff_ns;
    u64 limit[GROUP_RESOURCE_COUNT]; /* by enum group_resource */
    u64 weight;                      /* 0: usual */
    struct manifest_cap caps[MANIFEST_MAX_CAPS];
    char arguments[MANIFEST_MAX_ARGUMENTS][MANIFEST_ARGUMENT_SIZE];
};

struct manifest_endpoint {
    char name[MANIFEST_NAME_SIZE];
    u32 depth;
    u64 grace_ns;
};

struct manifest {
    u32 endpoint_count;
    u32 entry_count;
    struct manifest_endpoint endpoints[MANIFEST_MAX_ENDPOINTS];
    struct manifest_entry entries[MANIFEST_MAX_ENTRIES];
};

struct manifest_error {
    u32 line; /* from 1 */
    char text[MANIFEST_ERROR_SIZE];
};

/* Reads `size` bytes of text (borrowed, untrusted). BAD_ARGUMENT: *error says where and why;
 * *manifest is then undefined. Nothing is allocated. */
enum status manifest_parse(const char *text, size_t size, struct manifest *manifest,
                           struct manifest_error *error) MUST_USE;

/* What a program run under this name gets: its own entry, else that of *; NULL if there is neither.
 */
const struct manifest_entry *manifest_find_program(const struct manifest *manifest,
                                                   const char *name);

#endif
