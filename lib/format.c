/* The formatter: reads one conversion after the other into a struct spec, then prints it. No state.
 */
#include "lib/format.h"

#include "lib/string.h"

struct output {
    char *buffer;
    size_t size;
    size_t length;
};

/* One conversion as it stands in the format. */
struct spec {
    bool left;
    bool zero;
    bool alternate;
    char plus; /* what stands before a non-negative signed number; 0: nothing */
    size_t width;
    bool has_precision;
    size_t precision;
    u32 long_count;  /* 1: long or size_t, 2: long long; the same size here */
    u32 short_count; /* 1: short, 2: char */
    char conversion;
};

#define DIGITS_MAX 20u /* of a 64-bit number in base 10 */

static void put(struct output *out, char character)
{
    if (out->length + 1 < out->size)
        out->buffer[out->length++] = character;
}

static void put_repeated(struct output *out, char character, size_t count)
{
    for (; count != 0 && out->length + 1 < out->size; count--)
        put(out, character);
}

/* `prefix` and `text` in a field: padded before the prefix, with zeros after it, or behind the
 * text. */
static void put_field(struct output *out, const struct spec *spec, const char *prefix, size_t zeros,
                      const char *text, size_t length)
{
    size_t used = strlen(prefix) + zeros + length;
    size_t padding = spec->width > used ? spec->width - used : 0;

    if (!spec->left && !spec->zero)
        put_repeated(out, ' ', padding);
    for (; *prefix != '\0'; prefix++)
        put(out, *prefix);
    if (!spec->left && spec->zero)
        put_repeated(out, '0', padding);
    put_repeated(out, '0', zeros);
    for (size_t i = 0; i < length; i++)
        put(out, text[i]);
    if (spec->left)
        put_repeated(out, ' ', padding);
}

static void put_number(struct output *out, struct spec *spec, const char *prefix, u64 value,
                       u32 base)
{
    const char *digits = spec->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[DIGITS_MAX];
    size_t at = DIGITS_MAX;
    size_t zeros = 0;

    for (u64 rest = value; rest != 0; rest /= base)
        text[--at] = digits[rest % base];
    if (value == 0 && !(spec->has_precision && spec->precision == 0))
        text[--at] = '0';
    if (spec->has_precision) {
        spec->zero = false;
        if (spec->precision > DIGITS_MAX - at)
            zeros = spec->precision - (DIGITS_MAX - at);
    }
    put_field(out, spec, prefix, zeros, text + at, DIGITS_MAX - at);
}

static void put_signed(struct output *out, struct spec *spec, i64 value)
{
    char prefix[2] = {value < 0 ? '-' : spec->plus, '\0'};

    put_number(out, spec, prefix, value < 0 ? 0 - (u64)value : (u64)value, 10);
}

static void put_string(struct output *out, struct spec *spec, const char *text)
{
    size_t limit = spec->has_precision ? spec->precision : SIZE_MAX;

    if (text == NULL)
        text = "(null)";
    spec->zero = false;
    put_field(out, spec, "", 0, text, string_length_bounded(text, limit));
}

static size_t parse_number(const char **format)
{
    size_t value = 0;

    for (; **format >= '0' && **format <= '9'; (*format)++)
        if (value < UINT16_MAX)
            value = value * 10 + (size_t)(**format - '0');
    return value;
}

static void parse_flags(const char **format, struct spec *spec)
{
    for (;; (*format)++) {
        if (**format == '-')
            spec->left = true;
        else if (**format == '0')
            spec->zero = true;
        else if (**format == '#')
            spec->alternate = true;
        else if (**format == '+')
            spec->plus = '+';
        else if (**format == ' ')
            spec->plus = spec->plus == '+' ? '+' : ' ';
        else
            return;
    }
}

static void parse_length(const char **format, struct spec *spec)
{
    for (;; (*format)++) {
        if (**format == 'l' || **format == 'z' || **format == 'j' || **format == 't')
            spec->long_count++;
        else if (**format == 'h')
            spec->short_count++;
        else
            return;
    }
}

/* va_list is passed by address: what a helper takes from it is taken for its caller too. */
struct arguments {
    va_list list;
};

static void parse_width(const char **format, struct spec *spec, struct arguments *arguments)
{
    if (**format == '*') {
        int width = va_arg(arguments->list, int);

        (*format)++;
        if (width < 0)
            spec->left = true;
        spec->width = (size_t)(width < 0 ? 0 - (i64)width : width);
    } else {
        spec->width = parse_number(format);
    }
    if (**format != '.')
        return;
    (*format)++;
    spec->has_precision = true;
    if (**format == '*') {
        int precision = va_arg(arguments->list, int);

        (*format)++;
        spec->has_precision = precision >= 0;
        spec->precision = precision < 0 ? 0 : (size_t)precision;
    } else {
        spec->precision = parse_number(format);
    }
}

static i64 take_signed(const struct spec *spec, struct arguments *arguments)
{
    if (spec->long_count != 0)
        return va_arg(arguments->list, long long);

    int value = va_arg(arguments->list, int);

    if (spec->short_count == 1)
        return (short)value;
    return spec->short_count == 0 ? value : (signed char)value;
}

static u64 take_unsigned(const struct spec *spec, struct arguments *arguments)
{
    if (spec->long_count != 0)
        return va_arg(arguments->list, unsigned long long);

    unsigned int value = va_arg(arguments->list, unsigned int);

    if (spec->short_count == 1)
        return (unsigned short)value;
    return spec->short_count == 0 ? value : (unsigned char)value;
}

/* False: not a conversion that is known here. */
static bool put_conversion(struct output *out, struct spec *spec, struct arguments *arguments)
{
    char character;
    u64 value;

    switch (spec->conversion) {
    case '%':
        put(out, '%');
        return true;
    case 'c':
        character = (char)va_arg(arguments->list, int);
        spec->zero = false;
        put_field(out, spec, "", 0, &character, 1);
        return true;
    case 's':
        put_string(out, spec, va_arg(arguments->list, const char *));
        return true;
    case 'd':
    case 'i':
        put_signed(out, spec, take_signed(spec, arguments));
        return true;
    case 'u':
        put_number(out, spec, "", take_unsigned(spec, arguments), 10);
        return true;
    case 'x':
    case 'X':
        value = take_unsigned(spec, arguments);
        put_number(out, spec,
                   !spec->alternate || value == 0 ? "" : (spec->conversion == 'x' ? "0x" : "0X"),
                   value, 16);
        return true;
    case 'p':
        value = (u64)(uintptr_t)va_arg(arguments->list, void *);
        put_number(out, spec, "0x", value, 16);
        return true;
    default:
        return false;
    }
}

size_t format_to_va(char *buffer, size_t size, const char *format, va_list list)
{
    struct output out = {.buffer = buffer, .size = size};
    struct arguments arguments;

    va_copy(arguments.list, list);
    while (*format != '\0') {
        struct spec spec = {0};
        const char *start = format;

        if (*format++ != '%') {
            put(&out, *start);
            continue;
        }
        parse_flags(&format, &spec);
        parse_width(&format, &spec, &arguments);
        parse_length(&format, &spec);
        spec.conversion = *format;
        if (*format != '\0')
            format++;
        if (!put_conversion(&out, &spec, &arguments))
            for (; start < format; start++)
                put(&out, *start);
    }
    va_end(arguments.list);
    if (size != 0)
        buffer[out.length] = '\0';
    return out.length;
}

size_t format_to(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    size_t length;

    va_start(arguments, format);
    length = format_to_va(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}
