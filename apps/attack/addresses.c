/* Where the bad addresses are. */
#include "addresses.h"

/* One mapping of three pages: no access | readable and writable, then a hole | ... and one that can
 * only be read. */
static u64 area;
static u64 read_only;

bool addresses_open(void)
{
    enum status status = make_mapping(3 * PAGE_SIZE, MAP_READ | MAP_WRITE, &area, NULL);

    if (status == STATUS_OK)
        status = memory_protect(area, PAGE_SIZE, 0);
    if (status == STATUS_OK)
        status = memory_unmap(area + 2 * PAGE_SIZE, PAGE_SIZE);
    if (status == STATUS_OK)
        status = make_mapping(PAGE_SIZE, MAP_READ, &read_only, NULL);
    if (status != STATUS_OK)
        test_fail(__FILE__, __LINE__, "mappings for bad addresses: %s", status_text(status));
    return status == STATUS_OK;
}

void addresses_close(void)
{
    (void)!memory_unmap(area, 2 * PAGE_SIZE);
    (void)!memory_unmap(read_only, PAGE_SIZE);
}

u64 address_at(enum address_place place)
{
    static const u64 fixed[] = {
        [AT_NULL] = 0,
        [AT_ONE] = 1,
        [AT_FIRST_PAGE_END] = PAGE_SIZE - 4,
        [AT_BELOW_USER] = USER_START - 8,
        [AT_LAST_PAGE] = USER_END - PAGE_SIZE,
        [AT_LAST_WORD] = USER_END - 8,
        [AT_LAST_BYTE] = USER_END - 1,
        [AT_USER_END] = USER_END,
        [AT_AFTER_USER_END] = USER_END + PAGE_SIZE,
        [AT_NOT_CANONICAL] = 0x8000000000000000ull,
        [AT_NOT_CANONICAL_HIGH] = 0xffff7ffffffff000ull,
        [AT_KERNEL_HALF] = 0xffff800000000000ull,
        [AT_KERNEL_IMAGE] = 0xffffffff80000000ull,
        [AT_ALMOST_ALL_ONES] = UINT64_MAX - 7,
        [AT_ALL_ONES] = UINT64_MAX,
    };

    switch (place) {
    case AT_UNMAPPED:
        return area + 2 * PAGE_SIZE;
    case AT_NO_ACCESS:
        return area;
    case AT_HOLE_AFTER:
        return area + 2 * PAGE_SIZE - 4;
    case AT_READ_ONLY:
        return read_only;
    default:
        return fixed[place];
    }
}
