/* Failures of a run, and the last lines of what its programs did. */
#include "simulator.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "run_state.h"

#define TRACE_LINES 48u
#define TRACE_WIDTH 240u

static char lines[TRACE_LINES][TRACE_WIDTH];
static u64 line_count;
static bool print_lines;

void history_reset(bool print)
{
    line_count = 0;
    print_lines = print;
}

void history_line(const char *format, ...)
{
    char *line = lines[line_count++ % TRACE_LINES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, TRACE_WIDTH, format, arguments);
    va_end(arguments);
    if (print_lines)
        printf("%s\n", line);
}

void history_print(void)
{
    u64 start = line_count > TRACE_LINES ? line_count - TRACE_LINES : 0;
    for (u64 i = start; i < line_count; i++)
        printf("    %s\n", lines[i % TRACE_LINES]);
}

void violated(const char *invariant, const char *format, ...)
{
    struct run_result *result = run_current();
    if (result->failed)
        return;
    result->failed = true;
    snprintf(result->invariant, sizeof(result->invariant), "%s", invariant);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(result->message, sizeof(result->message), format, arguments);
    va_end(arguments);
}

bool run_has_failed(void)
{
    return run_current()->failed;
}

u64 mix(u64 a, u64 b)
{
    struct sim_random random = {.state = a * 0x9e3779b97f4a7c15ull ^ b};
    (void)sim_random_next(&random);
    return sim_random_next(&random);
}
