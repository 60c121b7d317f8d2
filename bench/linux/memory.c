/* Pages and mappings. Huge pages are refused, so that a fault brings in one page. */
#include "linux_bench.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGES 512u

static void measure_faults(void)
{
    size_t size = (PAGES + WARM_UP) * PAGE_SIZE;
    uint8_t *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint8_t *start = at;

    MUST(at != MAP_FAILED && madvise(at, size, MADV_NOHUGEPAGE) == 0);
    MEASURE("page_fault_touch", PAGES, 1, {
        *(volatile uint8_t *)at = 1;
        at += PAGE_SIZE;
    });
    MUST(munmap(start, size) == 0);
}

static void map_unmap(int fd)
{
    int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    long address = call6(SYS_mmap, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);

    MUST(address > 0);
    (void)call3(SYS_munmap, address, PAGE_SIZE, 0);
}

void bench_memory(void)
{
    uint8_t *page;
    int fd = memfd_create("bench", 0);

    MUST(fd >= 0 && ftruncate(fd, PAGE_SIZE) == 0);
    measure_faults();
    MEASURE("map_unmap_anonymous", 256, 1, map_unmap(-1));
    MEASURE("map_unmap_memfd", 256, 1, map_unmap(fd));
    page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(page != MAP_FAILED);
    *(volatile uint8_t *)page = 1;
    MEASURE("mprotect_touched", 256, 2, {
        (void)call3(SYS_mprotect, (long)page, PAGE_SIZE, PROT_READ);
        (void)call3(SYS_mprotect, (long)page, PAGE_SIZE, PROT_READ | PROT_WRITE);
    });
    MUST(munmap(page, PAGE_SIZE) == 0 && close(fd) == 0);
}
