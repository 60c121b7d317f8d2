/* Files of the partition that the loader came from; see firmware.h. */
#include "firmware.h"

#include "console.h"
#include "lib/checked_math.h"
#include "lib/string.h"

#define PATH_CHARACTERS 64u
#define FILE_MOST_BYTES (1ull << 30)

static const struct efi_guid loaded_image_guid = {
    0x5b1b31a1, 0x9562, 0x11d2, {0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
static const struct efi_guid file_system_guid = {
    0x964e5b22, 0x6459, 0x11d2, {0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
static const struct efi_guid file_info_guid = {
    0x09576e92, 0x6d3f, 0x11d2, {0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};

static struct efi_file *open_volume(struct firmware *firmware)
{
    void *image = NULL, *system = NULL;
    struct efi_file *root = NULL;
    efi_status status =
        firmware->boot->handle_protocol(firmware->image, &loaded_image_guid, &image);
    if (status != EFI_SUCCESS)
        console_fail("the firmware does not say where the loader came from (status 0x%llx)",
                     (long long)status);
    status = firmware->boot->handle_protocol(((struct efi_loaded_image *)image)->device,
                                             &file_system_guid, &system);
    if (status == EFI_SUCCESS)
        status = ((struct efi_file_system *)system)->open_volume(system, &root);
    if (status != EFI_SUCCESS)
        console_fail("the loader's own partition cannot be read (status 0x%llx)",
                     (long long)status);
    return root;
}

static void make_path(const char *name, efi_char *path)
{
    static const char folder[] = "\\ferrous\\";
    u32 length = 0;
    for (const char *from = folder; *from != '\0'; from++)
        path[length++] = (u8)*from;
    for (; *name != '\0' && length < PATH_CHARACTERS - 1; name++)
        path[length++] = (u8)*name;
    path[length] = 0;
}

static u64 file_bytes(struct efi_file *file, const char *name)
{
    /* The structure is followed by the file's name. */
    union {
        struct efi_file_info info;
        u8 bytes[sizeof(struct efi_file_info) + 2 * PATH_CHARACTERS + 512];
    } buffer;
    u64 size = sizeof(buffer);
    efi_status status = file->get_info(file, &file_info_guid, &size, &buffer);
    if (status != EFI_SUCCESS)
        console_fail("%s cannot be read (status 0x%llx)", name, (long long)status);
    if (buffer.info.attributes & EFI_FILE_DIRECTORY)
        console_fail("%s is a folder", name);
    if (buffer.info.file_bytes > FILE_MOST_BYTES)
        console_fail("%s is larger than 1 GiB", name);
    return buffer.info.file_bytes;
}

static void read_all(struct efi_file *file, const char *name, u8 *to, u64 size_bytes)
{
    for (u64 done = 0; done < size_bytes;) {
        u64 bytes = size_bytes - done;
        efi_status status = file->read(file, &bytes, to + done);
        if (status != EFI_SUCCESS)
            console_fail("%s cannot be read (status 0x%llx)", name, (long long)status);
        if (bytes == 0 || bytes > size_bytes - done)
            console_fail("%s is cut short", name);
        done += bytes;
    }
}

struct firmware_file firmware_read_file(struct firmware *firmware, const char *name, u32 kind,
                                        bool required)
{
    struct firmware_file result = {.name = name};
    efi_char path[PATH_CHARACTERS];
    struct efi_file *root = open_volume(firmware);
    struct efi_file *file = NULL;
    make_path(name, path);
    efi_status status = root->open(root, &file, path, EFI_FILE_MODE_READ, 0);
    (void)root->close(root);
    if (status == EFI_NOT_FOUND && !required)
        return result;
    if (status == EFI_NOT_FOUND)
        console_fail("%s is missing (looked for \\ferrous\\%s)", name, name);
    if (status != EFI_SUCCESS)
        console_fail("%s cannot be opened (status 0x%llx)", name, (long long)status);

    result.size_bytes = file_bytes(file, name);
    result.found = result.size_bytes > 0;
    if (!result.found && required)
        console_fail("%s is empty", name);
    if (!result.found) {
        (void)file->close(file);
        return result;
    }
    result.phys = firmware_alloc(firmware, result.size_bytes, kind, name);
    read_all(file, name, (u8 *)(uintptr_t)result.phys, result.size_bytes);
    (void)file->close(file);
    return result;
}
