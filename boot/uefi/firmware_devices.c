/* ACPI's entry, random numbers and the screen; see firmware.h. */
#include "firmware.h"

#include "cpu.h"
#include "lib/string.h"

#define SEED_BYTES     64u
#define JITTER_SAMPLES 256u

static const struct efi_guid acpi2_guid = {
    0x8868e871, 0xe4f1, 0x11d3, {0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81}};
static const struct efi_guid acpi1_guid = {
    0xeb9d2d30, 0x2d88, 0x11d3, {0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d}};
static const struct efi_guid random_guid = {
    0x3152bca5, 0xeade, 0x433d, {0x86, 0x2e, 0xc0, 0x1c, 0xdc, 0x29, 0x1f, 0x44}};
static const struct efi_guid graphics_guid = {
    0x9042a9de, 0x23dc, 0x4a38, {0x96, 0xfb, 0x7a, 0xde, 0xd0, 0x80, 0x51, 0x6a}};

static u64 configuration_table(const struct firmware *firmware, const struct efi_guid *guid)
{
    for (u64 i = 0; i < firmware->system->configuration_count; i++) {
        const struct efi_configuration *entry = &firmware->system->configuration[i];
        if (memcmp(&entry->guid, guid, sizeof(*guid)) == 0)
            return (u64)(uintptr_t)entry->table;
    }
    return 0;
}

u64 firmware_rsdp(const struct firmware *firmware)
{
    u64 rsdp = configuration_table(firmware, &acpi2_guid);
    return rsdp != 0 ? rsdp : configuration_table(firmware, &acpi1_guid);
}

static bool add_firmware_bytes(struct firmware *firmware, struct random *random)
{
    u8 bytes[SEED_BYTES];
    void *interface = NULL;
    if (firmware->boot->locate_protocol(&random_guid, NULL, &interface) != EFI_SUCCESS)
        return false;
    struct efi_random *source = interface;
    if (source->get_bytes(source, NULL, sizeof(bytes), bytes) != EFI_SUCCESS)
        return false;
    random_add(random, bytes, sizeof(bytes));
    memory_wipe(bytes, sizeof(bytes));
    return true;
}

static bool add_processor_words(struct random *random)
{
    u64 words[SEED_BYTES / sizeof(u64)];
    for (u32 i = 0; i < SEED_BYTES / sizeof(u64); i++) {
        if (!cpu_random(&words[i]))
            return false;
    }
    random_add(random, words, sizeof(words));
    memory_wipe(words, sizeof(words));
    return true;
}

/* How long a device read and a serialising instruction take differs in the low bits. */
static void add_jitter(struct random *random)
{
    u64 samples[JITTER_SAMPLES];
    u64 before = cpu_timestamp();
    for (u32 i = 0; i < JITTER_SAMPLES; i++) {
        (void)port_read(0x61);
        (void)cpuid(i & 1, 0);
        u64 now = cpu_timestamp();
        samples[i] = now - before;
        before = now;
    }
    random_add(random, samples, sizeof(samples));
    memory_wipe(samples, sizeof(samples));
}

enum boot_seed_source firmware_random(struct firmware *firmware, struct random *random)
{
    u64 start = cpu_timestamp();
    random_init(random, &start, sizeof(start));
    add_jitter(random);
    bool from_processor = add_processor_words(random);
    if (add_firmware_bytes(firmware, random))
        return BOOT_SEED_FIRMWARE;
    return from_processor ? BOOT_SEED_RDRAND : BOOT_SEED_JITTER;
}

static u32 pixel_format(const struct efi_graphics_info *info)
{
    switch (info->format) {
    case EFI_PIXEL_RGBX:
        return BOOT_PIXEL_RGBX;
    case EFI_PIXEL_BGRX:
        return BOOT_PIXEL_BGRX;
    case EFI_PIXEL_MASKS:
        if (info->red_mask == 0xff && info->green_mask == 0xff00 && info->blue_mask == 0xff0000)
            return BOOT_PIXEL_RGBX;
        if (info->red_mask == 0xff0000 && info->green_mask == 0xff00 && info->blue_mask == 0xff)
            return BOOT_PIXEL_BGRX;
        return BOOT_PIXEL_NONE;
    default:
        return BOOT_PIXEL_NONE;
    }
}

void firmware_framebuffer(struct firmware *firmware, struct boot_framebuffer *framebuffer)
{
    *framebuffer = (struct boot_framebuffer){.format = BOOT_PIXEL_NONE};
    void *interface = NULL;
    if (firmware->boot->locate_protocol(&graphics_guid, NULL, &interface) != EFI_SUCCESS)
        return;
    const struct efi_graphics_mode *mode = ((struct efi_graphics *)interface)->mode;
    if (mode == NULL || mode->info == NULL || mode->framebuffer == 0)
        return;
    const struct efi_graphics_info *info = mode->info;
    u64 needed = (u64)info->stride_pixels * info->height * 4;
    u32 format = pixel_format(info);
    if (format == BOOT_PIXEL_NONE || info->stride_pixels < info->width ||
        needed > mode->framebuffer_bytes)
        return;
    *framebuffer = (struct boot_framebuffer){
        .address = mode->framebuffer,
        .size_bytes = mode->framebuffer_bytes,
        .width = info->width,
        .height = info->height,
        .stride_pixels = info->stride_pixels,
        .format = format,
    };
}
