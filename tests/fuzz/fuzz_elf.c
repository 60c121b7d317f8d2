/* Any bytes as an executable: an error, or a plan that keeps its promises. */
#include "tests/fuzz/elf_sample.h"
#include "tests/fuzz/seeds.h"

#include "abi/memory.h"

#define IMAGE_LIMIT (1u << 22)

static void try_range(const u8 *data, size_t size, u64 lowest, u64 highest)
{
    struct elf_plan plan;
    if (elf_plan_make(data, size, lowest, highest, &plan) != ELF_OK)
        return;
    const char *fault = elf_plan_fault(&plan, size, lowest, highest);
    fuzz_require(fault == NULL, fault);
    if (plan.end - plan.start > IMAGE_LIMIT)
        return;
    u8 *image = malloc(plan.end - plan.start);
    elf_plan_load(&plan, data, image, 0x200000);
    free(image);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    try_range(data, size, ELF_SAMPLE_BASE, ELF_SAMPLE_HIGHEST);
    try_range(data, size, USER_START, USER_END);
    try_range(data, size, 0, UINT64_MAX);
    return 0;
}

static void write_seeds(const char *folder)
{
    u8 file[ELF_SAMPLE_BYTES];
    elf_sample_make(file, ELF_SAMPLE_DYN);
    seed_write(folder, "position_independent", file, sizeof(file));
    elf_sample_make(file, ELF_SAMPLE_EXEC);
    seed_write(folder, "fixed", file, sizeof(file));
}

SEEDS_WRITTEN_BY(write_seeds)
