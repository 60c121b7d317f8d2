/*
 * User memory. A user_ptr_t becomes a pointer here and nowhere else.
 *
 * SAFETY (this file): Callers check ranges against USER_END; a page that is not there or forbids
 * the access ends the copy through the exception table.
 */
#include "user_copy.h"

#include "arch/memory.h"

u8 port_smap;

static bool copied(u64 fault, u64 *fault_address)
{
    if (likely(fault == 0))
        return true;
    *fault_address = fault;
    return false;
}

bool arch_user_read(void *to, user_ptr_t from, u64 size_bytes, u64 *fault_address)
{
    return copied(user_copy(to, (const void *)from.raw, size_bytes), fault_address);
}

bool arch_user_write(user_ptr_t to, const void *from, u64 size_bytes, u64 *fault_address)
{
    return copied(user_copy((void *)to.raw, from, size_bytes), fault_address);
}

bool arch_user_load_u32(user_ptr_t address, u32 *value)
{
    return x86_user_load_u32((const u32 *)address.raw, value);
}
