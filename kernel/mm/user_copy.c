/* Copies to and from user memory. */
#include "mm/user_copy.h"

#include "abi/memory.h"
#include "core/cpu.h"
#include "mm/vspace.h"

static bool range_is_user(u64 address, u64 size_bytes)
{
    return address < USER_END && size_bytes <= USER_END - address;
}

/* A page was missing at `address`: is it due? Each call makes progress or ends the copy: a page
 * just brought in can only fail again if another thread takes it away, and then the limit below
 * ends it. */
static enum status bring_in(u64 address, u32 access)
{
    struct vspace *vspace = this_cpu()->loaded;
    if (!vspace)
        return STATUS_BAD_ADDRESS;
    enum vspace_flush flush;
    enum status status = vspace_fault(vspace, address, access, &flush);
    if (status == STATUS_OK && flush != FLUSH_NONE)
        (void)vspace_flush(vspace);
    if (status == STATUS_NOT_FOUND || status == STATUS_MISSING_RIGHT)
        return STATUS_BAD_ADDRESS;
    return status;
}

/* Faults that one copy may take: each page twice. */
static u64 fault_limit(u64 size_bytes)
{
    return 2 * (size_bytes / PAGE_SIZE + 2);
}

/* Tries again after each page that was brought in. `attempt` says where it stopped. */
static enum status copy(bool (*attempt)(void *kernel, user_ptr_t user, u64 size_bytes, u64 *fault),
                        void *kernel, user_ptr_t user, u64 size_bytes, u32 access)
{
    if (!range_is_user(user.raw, size_bytes))
        return STATUS_BAD_ADDRESS;
    for (u64 i = fault_limit(size_bytes); i > 0; i--) {
        u64 fault;
        if (attempt(kernel, user, size_bytes, &fault))
            return STATUS_OK;
        enum status status = bring_in(fault, access);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_BAD_ADDRESS;
}

static bool try_write(void *from, user_ptr_t to, u64 size_bytes, u64 *fault)
{
    /* SAFETY: copy has checked the user range; `from` is the caller's of that size. */
    return arch_user_write(to, from, size_bytes, fault);
}

static bool try_load(void *value, user_ptr_t address, u64 size_bytes, u64 *fault)
{
    (void)size_bytes;
    *fault = address.raw;
    /* SAFETY: aligned, and copy has checked the range. */
    return arch_user_load_u32(address, (u32 *)value);
}

enum status user_read(void *to, user_ptr_t from, u64 size_bytes)
{
    /* SAFETY: `to` is the caller's of that size; copy checks the user range. */
    return copy(arch_user_read, to, from, size_bytes, ACCESS_READ);
}

enum status user_write(user_ptr_t to, const void *from, u64 size_bytes)
{
    /* SAFETY: try_write reads it only. */
    return copy(try_write, (void *)(uintptr_t)from, to, size_bytes, ACCESS_WRITE);
}

enum status user_load_u32(user_ptr_t address, u32 *value)
{
    if (address.raw % sizeof(u32) != 0)
        return STATUS_BAD_ARGUMENT;
    return copy(try_load, value, address, sizeof(u32), ACCESS_READ);
}
