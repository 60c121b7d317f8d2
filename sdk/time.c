/* The clock, read from the info page where the TSC serves, else by a call. */
#include "ferrous/time.h"

#include "ferrous/calls.h"
#include "ferrous/start.h"

u64 time_now_ns(void)
{
    const struct info_page *page = start_info_page();
    u64 now = 0;
    u64 unused = 0;

    if (page->tsc_usable != 0) {
        unsigned __int128 product =
            (unsigned __int128)(time_ticks() - page->tsc_base) * page->tsc_multiplier;

        return (u64)(product >> 32);
    }
    (void)ferrous_syscall_short(SYS_clock, 0, TIME_NEVER, &now, &unused);
    return now;
}

u64 time_after_ns(u64 delay_ns)
{
    u64 now = time_now_ns();

    return delay_ns > TIME_NEVER - now ? TIME_NEVER : now + delay_ns;
}

void time_sleep_ns(u64 delay_ns)
{
    u64 deadline = time_after_ns(delay_ns);
    u32 word = 0;

    /* Nobody wakes the word; a spurious return goes back to waiting. */
    while (time_now_ns() < deadline) {
        if (futex_wait(&word, 0, deadline) == STATUS_TIMED_OUT)
            return;
    }
}
