/* Serial port and screen; see console.h. Holds the loader's only global state. */
#include "console.h"

#include "cpu.h"
#include "lib/format.h"
#include "lib/string.h"

#define COM1           0x3f8u
#define UART_DATA      (COM1 + 0)
#define UART_INTERRUPT (COM1 + 1)
#define UART_FIFO      (COM1 + 2)
#define UART_LINE      (COM1 + 3)
#define UART_MODEM     (COM1 + 4)
#define UART_STATUS    (COM1 + 5)

#define UART_LINE_8N1        0x03u
#define UART_LINE_DIVISOR    0x80u
#define UART_FIFO_ON         0x07u
#define UART_MODEM_READY     0x03u
#define UART_STATUS_CAN_SEND 0x20u
#define UART_WAIT_LIMIT      100000u /* reads of the status; then the port is taken for dead */

#define LINE_CHARACTERS 200u

static const struct efi_guid text_output_guid = {
    0x387477c2, 0x69c7, 0x11d2, {0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
static const struct efi_guid device_path_guid = {
    0x09576e91, 0x6d3f, 0x11d2, {0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};

static struct efi_system_table *firmware; /* NULL when its services are gone */

void console_init(struct efi_system_table *system)
{
    firmware = system;
    port_write(UART_INTERRUPT, 0);
    port_write(UART_LINE, UART_LINE_DIVISOR);
    port_write(UART_DATA, 1); /* divisor 1: 115200 */
    port_write(UART_INTERRUPT, 0);
    port_write(UART_LINE, UART_LINE_8N1);
    port_write(UART_FIFO, UART_FIFO_ON);
    port_write(UART_MODEM, UART_MODEM_READY);
}

void console_leave_firmware(void)
{
    firmware = NULL;
}

static void serial_write(const char *text)
{
    for (; *text != '\0'; text++) {
        u32 tries = 0;
        while (!(port_read(UART_STATUS) & UART_STATUS_CAN_SEND)) {
            if (++tries == UART_WAIT_LIMIT)
                return;
        }
        port_write(UART_DATA, (u8)*text);
    }
}

/* True behind a serial port, and for what is no device (the firmware's splitter). */
static bool is_serial_or_virtual(struct efi_boot_services *boot, efi_handle handle)
{
    void *interface = NULL;
    if (boot->handle_protocol(handle, &device_path_guid, &interface) != EFI_SUCCESS ||
        interface == NULL)
        return true;
    const struct efi_device_path *node = interface;
    while (node->type != EFI_PATH_END || node->subtype != EFI_PATH_END_ENTIRE) {
        u32 length = node->length[0] | (u32)node->length[1] << 8;
        if (length < sizeof(*node))
            return true;
        if (node->type == EFI_PATH_MESSAGING && node->subtype == EFI_PATH_MESSAGING_UART)
            return true;
        node = (const void *)((const u8 *)node + length);
    }
    return false;
}

static void screen_write(const char *text)
{
    efi_char wide[LINE_CHARACTERS + 4];
    u32 length = 0;
    for (; *text != '\0' && length < LINE_CHARACTERS + 3; text++)
        wide[length++] = (u8)*text;
    wide[length] = 0;

    struct efi_boot_services *boot = firmware->boot;
    u64 count = 0;
    efi_handle *handles = NULL;
    if (boot->locate_handle_buffer(EFI_LOCATE_BY_PROTOCOL, &text_output_guid, NULL, &count,
                                   &handles) != EFI_SUCCESS)
        return;
    for (u64 i = 0; i < count; i++) {
        void *interface = NULL;
        if (is_serial_or_virtual(boot, handles[i]) ||
            boot->handle_protocol(handles[i], &text_output_guid, &interface) != EFI_SUCCESS)
            continue;
        struct efi_text_output *output = interface;
        output->output_string(output, wide);
    }
    (void)boot->free_pool(handles);
}

static void write_line(const char *prefix, const char *format, va_list arguments)
{
    char line[LINE_CHARACTERS + 4];
    size_t length = string_copy(line, LINE_CHARACTERS, prefix);
    length += format_to_va(line + length, LINE_CHARACTERS - length, format, arguments);
    string_copy(line + length, sizeof(line) - length, "\r\n");
    serial_write(line);
    if (firmware != NULL)
        screen_write(line);
}

void console_print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line("ferrous loader: ", format, arguments);
    va_end(arguments);
}

void console_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line("ferrous loader: error: ", format, arguments);
    va_end(arguments);
    cpu_stop();
}
