/*
 * Stack traces by frame pointers. The stack may be damaged: each word is read with a probe, must
 * lie on a kernel stack, and frames must go upward.
 */
#include "arch/device.h"
#include "paging.h"
#include "user_copy.h"

extern const u8 kernel_text_start[], kernel_text_end[];

static bool is_text(u64 address)
{
    /* SAFETY: bounds compared only. */
    return address >= (u64)kernel_text_start && address < (u64)kernel_text_end;
}

u32 arch_backtrace(u64 *addresses, u32 limit)
{
    /* SAFETY: the frame's address is a number from here on, looked at through probe_u64 only. */
    u64 frame = (u64)__builtin_frame_address(0);
    u32 count = 0;
    while (count < limit && frame % 8 == 0 && paging_is_stack(frame)) {
        u64 next, address;
        if (!probe_u64(frame, &next) || !probe_u64(frame + 8, &address) || !is_text(address))
            break;
        addresses[count++] = address;
        bool other_stack = next < frame && paging_is_stack(next);
        if (next <= frame && !other_stack)
            break;
        frame = next;
    }
    return count;
}
