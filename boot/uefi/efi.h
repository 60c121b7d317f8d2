/*
 * The part of UEFI that the loader uses. Source: UEFI specification 2.10; section numbers at each
 * structure. Members that the loader does not call are `void *`, so that layouts stay those of the
 * specification.
 */
#ifndef BOOT_EFI_H
#define BOOT_EFI_H

#include "abi/types.h"

#define EFIAPI __attribute__((ms_abi))

typedef u64 efi_status;
typedef void *efi_handle;
typedef u16 efi_char;

#define EFI_SUCCESS           0ull
#define EFI_ERROR_BIT         (1ull << 63)
#define EFI_INVALID_PARAMETER (EFI_ERROR_BIT | 2)
#define EFI_BUFFER_TOO_SMALL  (EFI_ERROR_BIT | 5)
#define EFI_OUT_OF_RESOURCES  (EFI_ERROR_BIT | 9)
#define EFI_NOT_FOUND         (EFI_ERROR_BIT | 14)

struct efi_guid {
    u32 a;
    u16 b;
    u16 c;
    u8 d[8];
};

struct efi_table_header {
    u64 signature;
    u32 revision;
    u32 size_bytes;
    u32 crc32;
    u32 reserved;
};

/* 7.2: memory allocation */
enum efi_allocate { EFI_ALLOCATE_ANY = 0, EFI_ALLOCATE_BELOW = 1 };

enum efi_memory_type {
    EFI_MEMORY_RESERVED = 0,
    EFI_MEMORY_LOADER_CODE = 1,
    EFI_MEMORY_LOADER_DATA = 2,
    EFI_MEMORY_BOOT_CODE = 3,
    EFI_MEMORY_BOOT_DATA = 4,
    EFI_MEMORY_RUNTIME_CODE = 5,
    EFI_MEMORY_RUNTIME_DATA = 6,
    EFI_MEMORY_CONVENTIONAL = 7,
    EFI_MEMORY_UNUSABLE = 8,
    EFI_MEMORY_ACPI_RECLAIM = 9,
    EFI_MEMORY_ACPI_NVS = 10,
    EFI_MEMORY_MMIO = 11,
    EFI_MEMORY_MMIO_PORTS = 12,
    EFI_MEMORY_PAL = 13,
    EFI_MEMORY_PERSISTENT = 14,
    EFI_MEMORY_UNACCEPTED = 15
};

struct efi_memory_descriptor {
    u32 type;
    u32 reserved;
    u64 phys;
    u64 virt;
    u64 page_count;
    u64 attributes;
};

/* 12.4: simple text output */
struct efi_text_output {
    void *reset;
    efi_status(EFIAPI *output_string)(struct efi_text_output *self, const efi_char *text);
    void *test_string;
    void *query_mode;
    void *set_mode;
    void *set_attribute;
    void *clear_screen;
    void *set_cursor_position;
    void *enable_cursor;
    void *mode;
};

/* 10.2: device path nodes */
struct efi_device_path {
    u8 type;
    u8 subtype;
    u8 length[2];
};

#define EFI_PATH_MESSAGING      3u
#define EFI_PATH_MESSAGING_UART 14u
#define EFI_PATH_END            0x7fu
#define EFI_PATH_END_ENTIRE     0xffu

/* 4.4: boot services */
struct efi_boot_services {
    struct efi_table_header header;
    void *raise_tpl;
    void *restore_tpl;
    efi_status(EFIAPI *allocate_pages)(u32 how, u32 type, u64 page_count, u64 *phys);
    efi_status(EFIAPI *free_pages)(u64 phys, u64 page_count);
    efi_status(EFIAPI *get_memory_map)(u64 *size_bytes, void *map, u64 *key, u64 *descriptor_bytes,
                                       u32 *version);
    efi_status(EFIAPI *allocate_pool)(u32 type, u64 size_bytes, void **buffer);
    efi_status(EFIAPI *free_pool)(void *buffer);
    void *create_event;
    void *set_timer;
    void *wait_for_event;
    void *signal_event;
    void *close_event;
    void *check_event;
    void *install_protocol_interface;
    void *reinstall_protocol_interface;
    void *uninstall_protocol_interface;
    efi_status(EFIAPI *handle_protocol)(efi_handle handle, const struct efi_guid *protocol,
                                        void **interface);
    void *reserved;
    void *register_protocol_notify;
    void *locate_handle;
    void *locate_device_path;
    void *install_configuration_table;
    void *load_image;
    void *start_image;
    void *exit;
    void *unload_image;
    efi_status(EFIAPI *exit_boot_services)(efi_handle image, u64 key);
    void *get_next_monotonic_count;
    void *stall;
    efi_status(EFIAPI *set_watchdog_timer)(u64 seconds, u64 code, u64 data_bytes,
                                           const efi_char *data);
    void *connect_controller;
    void *disconnect_controller;
    void *open_protocol;
    void *close_protocol;
    void *open_protocol_information;
    void *protocols_per_handle;
    efi_status(EFIAPI *locate_handle_buffer)(u32 how, const struct efi_guid *protocol, void *key,
                                             u64 *count, efi_handle **handles);
    efi_status(EFIAPI *locate_protocol)(const struct efi_guid *protocol, void *registration,
                                        void **interface);
};

#define EFI_LOCATE_BY_PROTOCOL 2u

/* 4.6: configuration tables */
struct efi_configuration {
    struct efi_guid guid;
    void *table;
};

/* 4.3: the system table */
struct efi_system_table {
    struct efi_table_header header;
    efi_char *vendor;
    u32 revision;
    efi_handle console_in_handle;
    void *console_in;
    efi_handle console_out_handle;
    struct efi_text_output *console_out;
    efi_handle console_error_handle;
    struct efi_text_output *console_error;
    void *runtime;
    struct efi_boot_services *boot;
    u64 configuration_count;
    struct efi_configuration *configuration;
};

/* 9.1: the loaded image */
struct efi_loaded_image {
    u32 revision;
    efi_handle parent;
    struct efi_system_table *system;
    efi_handle device;
};

/* 13.5: files */
struct efi_file {
    u64 revision;
    efi_status(EFIAPI *open)(struct efi_file *self, struct efi_file **file, const efi_char *path,
                             u64 mode, u64 attributes);
    efi_status(EFIAPI *close)(struct efi_file *self);
    void *delete;
    efi_status(EFIAPI *read)(struct efi_file *self, u64 *size_bytes, void *buffer);
    void *write;
    void *get_position;
    void *set_position;
    efi_status(EFIAPI *get_info)(struct efi_file *self, const struct efi_guid *type,
                                 u64 *size_bytes, void *buffer);
};

#define EFI_FILE_MODE_READ 1ull
#define EFI_FILE_DIRECTORY 0x10ull

struct efi_file_info {
    u64 size_bytes; /* of this structure */
    u64 file_bytes;
    u64 stored_bytes;
    u8 times[48];
    u64 attributes;
};

/* 13.4: the file system of a volume */
struct efi_file_system {
    u64 revision;
    efi_status(EFIAPI *open_volume)(struct efi_file_system *self, struct efi_file **root);
};

/* 12.9: graphics output */
struct efi_graphics_info {
    u32 version;
    u32 width;
    u32 height;
    u32 format;
    u32 red_mask;
    u32 green_mask;
    u32 blue_mask;
    u32 reserved_mask;
    u32 stride_pixels;
};

struct efi_graphics_mode {
    u32 mode_count;
    u32 mode;
    struct efi_graphics_info *info;
    u64 info_bytes;
    u64 framebuffer;
    u64 framebuffer_bytes;
};

struct efi_graphics {
    void *query_mode;
    void *set_mode;
    void *blit;
    struct efi_graphics_mode *mode;
};

enum efi_pixel_format { EFI_PIXEL_RGBX = 0, EFI_PIXEL_BGRX = 1, EFI_PIXEL_MASKS = 2 };

/* 37.5: random numbers */
struct efi_random {
    void *get_info;
    efi_status(EFIAPI *get_bytes)(struct efi_random *self, const struct efi_guid *algorithm,
                                  u64 size_bytes, u8 *bytes);
};

_Static_assert(sizeof(struct efi_memory_descriptor) == 40, "UEFI 7.2.3");
_Static_assert(offsetof(struct efi_boot_services, locate_protocol) == 320, "UEFI 4.4");
_Static_assert(offsetof(struct efi_boot_services, exit_boot_services) == 232, "UEFI 4.4");
_Static_assert(offsetof(struct efi_system_table, boot) == 96, "UEFI 4.3");
_Static_assert(offsetof(struct efi_file_info, attributes) == 72, "UEFI 13.5");

#endif
