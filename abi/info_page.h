/*
 * The info page: one read-only page, the same frame in every process, so that reading the clock,
 * the number of CPUs or the machine's features is no system call.
 *
 * now_ns = ((rdtsc - tsc_base) * tsc_multiplier) >> 32, where tsc_usable; else use the clock call.
 */
#ifndef ABI_INFO_PAGE_H
#define ABI_INFO_PAGE_H

#include "abi/types.h"

#define INFO_PAGE_VERSION 1u

struct info_page {
    u32 version;
    u32 cpu_count;
    u32 node_count;
    u32 tsc_usable;
    u64 tsc_base;
    u64 tsc_multiplier; /* ns per tick, 32.32 fixed point */
    u64 features;       /* reserved */
    u64 memory_bytes;   /* physical memory given to the kernel */
    u64 boot_id;        /* random; upper half of every 128-bit trace id of this boot */
    char version_text[64];
};

#endif
