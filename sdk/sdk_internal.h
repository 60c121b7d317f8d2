/* What the SDK's own sources share. */
#ifndef SDK_INTERNAL_H
#define SDK_INTERNAL_H

#include "abi/spawn.h"
#include "ferrous/thread_block.h"

/* Applies the program's own relocations. Runs before anything else; `header` and `dynamic` are
 * where they lie now. */
void sdk_relocate(const void *header, const void *dynamic);
_Noreturn void sdk_start(const struct start_info *info);

/* Bytes that a thread's variables and its block take, for a block aligned to 64 bytes. */
size_t thread_area_size(void);
/* Lays out variables and block in `area` (aligned to 64) of thread_area_size() bytes. */
struct thread_block *thread_area_init(void *area);

/* Start of a further thread (sdk/start.S), and its body. */
void sdk_thread_entry(void);
_Noreturn void sdk_thread_main(struct thread_block *block, u64 unused, cap_t handle, u64 unused2,
                               u64 id);
_Noreturn void sdk_thread_finish(u32 *done);

#endif
