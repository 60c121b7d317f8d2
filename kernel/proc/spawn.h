/* Starting processes: from a plan, or init from what the loader left. */
#ifndef PROC_SPAWN_H
#define PROC_SPAWN_H

#include "abi/bootinfo.h"
#include "proc/process.h"

struct spawned {
    cap_t process;
    cap_t thread;
    u64 id;
};

/* All or nothing: a process made by `parent` (the current thread) from `plan`, paid by `group`.
 * Every error of the calls it stands for; capabilities that were to be moved stay with the parent
 * on failure. */
enum status process_spawn(struct thread *parent, struct group *group, const struct spawn_plan *plan,
                          struct spawned *result) MUST_USE;

/* The rights on a memory object that a mapping with these MAP_* flags needs. */
u32 mapping_rights(u64 map_flags);

/* The first process. Panics with the reason if it cannot be started. */
void process_start_init(const struct boot_info *boot);

/* Boot: the page that every process sees read-only. */
void info_page_init(const struct boot_info *boot, u64 memory_bytes, u64 boot_id);

#endif
