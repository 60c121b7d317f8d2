/* Pages and mappings. */
#include "bench.h"

#define PAGES 512u

void bench_memory(void)
{
    u64 size = (PAGES + BENCH_WARM_UP) * PAGE_SIZE;
    memory_t memory;
    u64 address = 0;
    u64 at;

    MUST(memory_create(bench.group, size, 0, &memory));
    MUST(memory_map(memory, 0, size, MAP_READ | MAP_WRITE, &address));
    at = address;
    MEASURE("page_fault", PAGES, 1, {
        *(volatile u8 *)(uintptr_t)at = 1;
        at += PAGE_SIZE;
    });
    MUST(memory_unmap(address, size));
    MEASURE("map_unmap", 256, 1, {
        address = 0;
        MUST(memory_map(memory, 0, PAGE_SIZE, MAP_READ | MAP_WRITE, &address));
        MUST(memory_unmap(address, PAGE_SIZE));
    });
    (void)cap_close(memory.cap);
}
