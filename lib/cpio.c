/* The cpio "newc" reader; see cpio.h. Invariant: `position` never passes the archive's size. */
#include "lib/cpio.h"

#include "lib/checked_math.h"
#include "lib/string.h"

#define FIELD_DIGITS 8u
#define MAGIC_DIGITS 6u
#define HEADER_BYTES 110u

/* Fields of the header, in order after the magic. */
enum header_field {
    FIELD_INODE,
    FIELD_MODE,
    FIELD_UID,
    FIELD_GID,
    FIELD_LINKS,
    FIELD_TIME,
    FIELD_FILE_SIZE,
    FIELD_DEVICE_MAJOR,
    FIELD_DEVICE_MINOR,
    FIELD_SPECIAL_MAJOR,
    FIELD_SPECIAL_MINOR,
    FIELD_NAME_SIZE,
    FIELD_CHECK,
    FIELD_COUNT
};

_Static_assert(MAGIC_DIGITS + FIELD_COUNT * FIELD_DIGITS == HEADER_BYTES, "newc header");

static const char trailer_name[] = "TRAILER!!!";

static bool parse_hex(const u8 *digits, u32 *value)
{
    u32 result = 0;
    for (u32 i = 0; i < FIELD_DIGITS; i++) {
        u8 c = digits[i];
        u32 digit;
        if (c >= '0' && c <= '9')
            digit = c - (u32)'0';
        else if (c >= 'a' && c <= 'f')
            digit = c - (u32)'a' + 10;
        else if (c >= 'A' && c <= 'F')
            digit = c - (u32)'A' + 10;
        else
            return false;
        result = result << 4 | digit;
    }
    *value = result;
    return true;
}

/* All fields are checked, used or not, so that a damaged header never passes. */
static enum cpio_error read_header(const u8 *header, u32 *fields)
{
    static const u8 magic[MAGIC_DIGITS] = {'0', '7', '0', '7', '0', '1'};
    for (u32 i = 0; i < MAGIC_DIGITS; i++) {
        if (header[i] != magic[i])
            return CPIO_BAD_MAGIC;
    }
    for (u32 i = 0; i < FIELD_COUNT; i++) {
        if (!parse_hex(header + MAGIC_DIGITS + i * FIELD_DIGITS, &fields[i]))
            return CPIO_BAD_FIELD;
    }
    return CPIO_OK;
}

/* The name field ends in at least one NUL and holds nothing behind its first. */
static enum cpio_error check_name(const char *name, u64 field_bytes, u64 *length)
{
    u64 end = 0;
    while (end < field_bytes && name[end] != '\0')
        end++;
    if (end == 0 || end == field_bytes || end > CPIO_NAME_MAX)
        return CPIO_BAD_NAME;
    for (u64 i = end; i < field_bytes; i++) {
        if (name[i] != '\0')
            return CPIO_BAD_NAME;
    }
    *length = end;
    return CPIO_OK;
}

enum cpio_error cpio_next(const void *archive, u64 size_bytes, u64 *position,
                          struct cpio_entry *entry)
{
    const u8 *bytes = archive;
    u32 fields[FIELD_COUNT];
    u64 at = *position;

    if (!range_fits(at, HEADER_BYTES, size_bytes))
        return CPIO_CUT_SHORT;
    enum cpio_error error = read_header(bytes + at, fields);
    if (error != CPIO_OK)
        return error;

    u64 name_field = fields[FIELD_NAME_SIZE];
    if (name_field == 0 || name_field > CPIO_NAME_FIELD_MAX)
        return CPIO_BAD_NAME;
    at += HEADER_BYTES;
    if (!range_fits(at, name_field, size_bytes))
        return CPIO_CUT_SHORT;
    const char *name = (const char *)bytes + at;
    u64 name_length;
    error = check_name(name, name_field, &name_length);
    if (error != CPIO_OK)
        return error;
    if (string_equal(name, trailer_name))
        return CPIO_END;

    at = align_up(at + name_field, 4);
    u64 data_bytes = fields[FIELD_FILE_SIZE];
    if (!range_fits(at, data_bytes, size_bytes))
        return CPIO_CUT_SHORT;
    *entry = (struct cpio_entry){
        .name = name,
        .data = bytes + at,
        .name_length = name_length,
        .size_bytes = data_bytes,
        .offset = at,
        .mode = fields[FIELD_MODE],
    };
    *position = min_u64(align_up(at + data_bytes, 4), size_bytes);
    return CPIO_OK;
}

enum cpio_error cpio_find(const void *archive, u64 size_bytes, const char *name,
                          struct cpio_entry *entry)
{
    struct cpio_entry found;
    u64 position = 0;
    for (;;) {
        enum cpio_error error = cpio_next(archive, size_bytes, &position, &found);
        if (error == CPIO_END)
            return CPIO_NOT_FOUND;
        if (error != CPIO_OK)
            return error;
        if ((found.mode & CPIO_MODE_TYPE) == CPIO_MODE_FILE && string_equal(found.name, name)) {
            *entry = found;
            return CPIO_OK;
        }
    }
}

const char *cpio_error_text(enum cpio_error error)
{
    static const char *const texts[CPIO_ERROR_COUNT] = {
        [CPIO_OK] = "is well formed",
        [CPIO_END] = "has no further entry",
        [CPIO_NOT_FOUND] = "does not hold that file",
        [CPIO_CUT_SHORT] = "is cut short",
        [CPIO_BAD_MAGIC] = "is not a cpio newc archive, or is damaged",
        [CPIO_BAD_FIELD] = "has a header with a damaged field",
        [CPIO_BAD_NAME] = "has an entry with a damaged name",
    };
    if ((u32)error >= CPIO_ERROR_COUNT)
        return "has an unknown error";
    return texts[error];
}
