/*
 * The loader: from the firmware to the kernel's entry point. Steps are in the order of efi_main;
 * each either succeeds or stops with a line that says why. The state that it leaves is described in
 * abi/bootinfo.h.
 */
#include "console.h"
#include "cpu.h"
#include "firmware.h"
#include "image.h"
#include "lib/acpi.h"
#include "lib/checked_math.h"
#include "lib/cpio.h"
#include "lib/string.h"

#define LEAST_FREE_BYTES (16ull << 20)
#define BIOS_AREA_START  0xe0000ull /* firmware may keep the RSDP here, unlisted (ACPI 5.2.5.1) */
#define BIOS_AREA_END    0x100000ull

efi_status EFIAPI efi_main(efi_handle image, struct efi_system_table *system);

static struct boot_info *create_boot_info(struct firmware *firmware)
{
    u64 phys = firmware_alloc(firmware, sizeof(struct boot_info), BOOT_MEMORY_BOOT_INFO,
                              "boot information");
    struct boot_info *info = (void *)(uintptr_t)phys;
    info->magic = BOOT_INFO_MAGIC;
    info->version = BOOT_INFO_VERSION;
    info->size_bytes = sizeof(*info);
    info->efi_system_table = (u64)(uintptr_t)firmware->system;
    info->trampoline = firmware_alloc_low(firmware, BOOT_MEMORY_RESERVED, "starting processors");
    return info;
}

/* Line ends and tabs become spaces; blanks at the end go. */
static void read_command_line(struct firmware *firmware, struct boot_info *info)
{
    struct firmware_file file =
        firmware_read_file(firmware, "cmdline.txt", BOOT_MEMORY_LOADER, false);
    if (!file.found)
        return;
    const char *text = (const char *)(uintptr_t)file.phys;
    u64 length = file.size_bytes;
    while (length > 0 && (u8)text[length - 1] <= ' ')
        length--;
    if (length >= BOOT_COMMAND_LINE_SIZE)
        console_fail("%s is longer than %u characters", file.name, BOOT_COMMAND_LINE_SIZE - 1);
    for (u64 i = 0; i < length; i++) {
        if ((u8)text[i] > '~')
            console_fail("%s holds a character that is not ASCII", file.name);
        info->command_line[i] = (u8)text[i] < ' ' ? ' ' : text[i];
    }
}

/* The kernel hands the archive to init unseen, so every header is looked at here. */
static void read_archive(struct firmware *firmware, struct boot_info *info)
{
    struct firmware_file file =
        firmware_read_file(firmware, "archive.cpio", BOOT_MEMORY_ARCHIVE, true);
    struct cpio_entry entry;
    enum cpio_error error;
    u64 position = 0;
    do
        error = cpio_next((const void *)(uintptr_t)file.phys, file.size_bytes, &position, &entry);
    while (error == CPIO_OK);
    if (error != CPIO_END)
        console_fail("%s %s", file.name, cpio_error_text(error));
    info->archive_phys = file.phys;
    info->archive_size_bytes = file.size_bytes;
}

/* Whether `word` stands in the command line by itself. */
static bool has_word(const char *line, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = line; *at != '\0'; at++) {
        if ((at == line || at[-1] == ' ') && string_starts_with(at, word) &&
            (at[length] == ' ' || at[length] == '\0'))
            return true;
    }
    return false;
}

static const void *view_memory(void *context, u64 phys, u64 size_bytes)
{
    const struct boot_info *info = context;
    u64 end;
    if (!checked_add(phys, size_bytes, &end))
        return NULL;
    if (!(phys >= BIOS_AREA_START && end <= BIOS_AREA_END) &&
        !map_is_memory(info->memory_ranges, info->memory_range_count, phys, end))
        return NULL;
    return (const void *)(uintptr_t)phys;
}

static void describe_machine(struct firmware *firmware, struct acpi_result *nodes,
                             struct boot_info *info)
{
    *nodes = (struct acpi_result){0};
    firmware_memory_map(firmware, nodes, info);
    u64 free_bytes = map_free_bytes(info->memory_ranges, info->memory_range_count);
    if (free_bytes < LEAST_FREE_BYTES)
        console_fail("too little memory: %llu KiB are free, %llu are needed",
                     (unsigned long long)(free_bytes / 1024), LEAST_FREE_BYTES / 1024);

    struct acpi_memory memory = {.view = view_memory, .context = info};
    enum acpi_error error = acpi_read(&memory, firmware_rsdp(firmware), cpu_apic_id(), info, nodes);
    if (error != ACPI_OK)
        console_fail("the ACPI table %s %s", nodes->table, acpi_error_text(error));
    if (nodes->ignored_cpus > 0)
        console_print("%u processors beyond the first %u are not used", nodes->ignored_cpus,
                      BOOT_MAX_CPUS);
    if (nodes->ignored_entries > 0)
        console_print("%u entries of ACPI tables beyond what the kernel holds are not used",
                      nodes->ignored_entries);
    firmware_framebuffer(firmware, &info->framebuffer);
}

/* `seed=fixed` is for measuring, where one run has to be like the other: whoever reads this knows
 * every secret of such a system. It passes for the weakest of the sources. */
static enum boot_seed_source draw_seed(struct firmware *firmware, const struct boot_info *info,
                                       struct random *random)
{
    static const char fixed[] = "seed=fixed";

    if (!has_word(info->command_line, fixed))
        return firmware_random(firmware, random);
    console_print("random seed fixed by the command line: nothing here is secret");
    random_init(random, fixed, sizeof(fixed));
    return BOOT_SEED_JITTER;
}

static const char *seed_source_text(u32 source)
{
    switch (source) {
    case BOOT_SEED_FIRMWARE:
        return "the firmware";
    case BOOT_SEED_RDRAND:
        return "the processor (RDRAND)";
    default:
        return "timer jitter";
    }
}

efi_status EFIAPI efi_main(efi_handle image, struct efi_system_table *system)
{
    u64 start_timestamp = cpu_timestamp();
    struct firmware firmware;
    struct acpi_result nodes;
    struct random random;
    struct elf_plan plan;

    console_init(system);
    cpu_check();
    firmware_init(&firmware, image, system);
    struct boot_info *info = create_boot_info(&firmware);
    info->tsc_at_loader_start = start_timestamp;
    read_command_line(&firmware, info);
    struct firmware_file kernel =
        firmware_read_file(&firmware, "kernel.elf", BOOT_MEMORY_LOADER, true);
    struct firmware_file init = firmware_read_file(&firmware, "init.elf", BOOT_MEMORY_INIT, true);
    read_archive(&firmware, info);
    describe_machine(&firmware, &nodes, info);
    info->seed_source = draw_seed(&firmware, info, &random);
    random_fill(&random, info->seed, sizeof(info->seed));
    bool slide = !has_word(info->command_line, "slide=off");
    image_plan_init(&init, info);
    image_load_kernel(&firmware, &kernel, slide ? &random : NULL, &plan, info);
    struct start start = image_map(&firmware, &plan, slide ? &random : NULL, info);
    memory_wipe(&random, sizeof(random));
    console_print("processors: %u, memory nodes: %u, random seed from %s", info->cpu_count,
                  info->node_count, seed_source_text(info->seed_source));

    firmware_leave(&firmware, &nodes, info);
    cpu_enable_protection();
    info->tsc_at_handover = cpu_timestamp();
    image_start(&start);
}
