/* What an exception of user mode is called in the portable part; pure functions. */
#ifndef X86_64_FAULT_MAP_H
#define X86_64_FAULT_MAP_H

#include "abi/fault.h"

/* Page-fault error code (Intel SDM 3A, 4.7). */
#define PAGE_FAULT_PRESENT  (1u << 0)
#define PAGE_FAULT_WRITE    (1u << 1)
#define PAGE_FAULT_USER     (1u << 2)
#define PAGE_FAULT_RESERVED (1u << 3)
#define PAGE_FAULT_EXECUTE  (1u << 4)

/* An access that the CPU made with supervisor rights for a user instruction, and that was refused:
 * no mapping can help. (QEMU's far return reads the stack so, against SMAP.) */
static inline bool page_fault_is_implicit(u64 error)
{
    return (error & (PAGE_FAULT_PRESENT | PAGE_FAULT_USER)) == PAGE_FAULT_PRESENT;
}

static inline enum fault_reason fault_reason_of_page(u64 error)
{
    if (page_fault_is_implicit(error))
        return FAULT_PRIVILEGED;
    if (error & PAGE_FAULT_EXECUTE)
        return FAULT_PAGE_EXECUTE;
    return error & PAGE_FAULT_WRITE ? FAULT_PAGE_WRITE : FAULT_PAGE_READ;
}

static inline enum fault_reason fault_reason_of(u64 vector, u64 error)
{
    switch (vector) {
    case 0:
        return FAULT_DIVIDE;
    case 1:
        return FAULT_DEBUG;
    case 3:
        return FAULT_BREAKPOINT;
    case 6:
        return FAULT_ILLEGAL;
    case 13:
        return FAULT_PRIVILEGED;
    case 14:
        return fault_reason_of_page(error);
    case 16:
    case 19:
        return FAULT_FLOATING_POINT;
    case 17:
        return FAULT_ALIGNMENT;
    default:
        return FAULT_OTHER;
    }
}

#endif
