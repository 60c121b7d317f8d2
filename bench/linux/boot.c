/*
 * From the kernel's entry to init's first instruction, without firmware and without the kernel's
 * unpacking of itself: by the clock of the kernel's log, which begins a little after its entry. It
 * counts microseconds by a rate that the kernel found out itself; where the counter counts
 * instructions, a microsecond is about a thousand of them.
 */
#include "linux_bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MARK "bench begins"

/* The time in the log's record of `text`, in microseconds; 0: it is not there. */
static unsigned long long stamp_of(int log, const char *text)
{
    unsigned long long stamp;
    char record[8192];
    ssize_t size;

    while ((size = read(log, record, sizeof(record) - 1)) > 0) {
        record[size] = '\0';
        if (strstr(record, text) != NULL && sscanf(record, "%*u,%*u,%llu", &stamp) == 1)
            return stamp;
    }
    return 0;
}

void report_boot(uint64_t first)
{
    int log = open("/dev/kmsg", O_RDWR | O_NONBLOCK);
    uint64_t since;
    uint64_t stamp;

    MUST(log >= 0);
    since = ticks() - first;
    MUST(write(log, "<7>" MARK "\n", sizeof("<7>" MARK "\n") - 1) > 0);
    stamp = stamp_of(log, MARK);
    MUST(stamp > 0);
    (void)close(log);
    print_value("power_on_to_init", first);
    print_value("kernel_entry_to_init", stamp * 1000 - since);
}
