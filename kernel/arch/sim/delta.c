/*
 * States as differences from a base; see port/sim.h.
 *
 *   pages   of the sections kstate and simstate, and of physical memory: read-only until the first
 *           write, which the fault handler lets pass after it has kept a copy of the page (hot)
 *   lines   of hot pages: those that have ever differed from the copy are hot and make up an image
 *
 * A section begins with a line, and may end within one, beside other data of the program: then the
 * line is cut.
 */
#include "sim_internal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LINE_BYTES     64u
#define LINES_PER_PAGE (PAGE_SIZE / LINE_BYTES)
#define MAX_PAGES      4096u
#define MAX_LINES      65536u

extern char __start_kstate[] __attribute__((weak));
extern char __stop_kstate[] __attribute__((weak));
extern char __start_simstate[];
extern char __stop_simstate[];

struct range {
    u64 start;
    u64 end;
};

struct hot_page {
    u64 address;
    u64 hot; /* mask of hot lines */
    u64 own; /* mask of lines that are state, wholly or in part */
    u8 *base;
};

struct hot_line {
    u8 *address;
    u32 length;
    u8 base[LINE_BYTES];
};

static struct range ranges[3];
static struct hot_page pages[MAX_PAGES];
static u32 page_count;
static struct hot_line *lines;
static u32 line_count;

u32 sim_delta_lines(void)
{
    return line_count;
}

u32 sim_delta_pages(void)
{
    return page_count;
}

/* What a parked CPU has on its stack: always the same, but for a step that ends in the middle of
 * the kernel (a panic) and is taken back. */
static struct {
    void *start;
    size_t size_bytes;
    u8 bytes[PAGE_SIZE];
} stacks[SIM_MAX_CPUS];

static void save_stack(u32 cpu)
{
    u64 top = SIM_STACK_BASE + cpu * SIM_STACK_STRIDE + SIM_STACK_BYTES;
    stacks[cpu].start = sim_machine()->cpus[cpu].stack_pointer;
    stacks[cpu].size_bytes = top - (u64)(uintptr_t)stacks[cpu].start;
    if (stacks[cpu].size_bytes > sizeof(stacks[cpu].bytes))
        abort();
    memcpy(stacks[cpu].bytes, stacks[cpu].start, stacks[cpu].size_bytes);
}

static u64 page_of(u64 address)
{
    return address & ~(PAGE_SIZE - 1);
}

/* The part of the line [start, end) that is state: one at most, since each range begins with a
 * line. */
static struct range clip(u64 start, u64 end)
{
    for (u32 i = 0; i < ARRAY_SIZE(ranges); i++) {
        u64 from = start > ranges[i].start ? start : ranges[i].start;
        u64 to = end < ranges[i].end ? end : ranges[i].end;
        if (from < to)
            return (struct range){from, to};
    }
    return (struct range){0, 0};
}

static bool is_tracked_page(u64 page)
{
    for (u32 i = 0; i < ARRAY_SIZE(ranges); i++)
        if (page < ranges[i].end && page + PAGE_SIZE > ranges[i].start)
            return true;
    return false;
}

static NORETURN void give_up(const char *text)
{
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    _exit(written < 0 ? 4 : 3);
}

/* The first write to a page since the base. The handler runs in the middle of kernel code: it
 * allocates nothing but fresh mappings. */
static void on_fault(int signal_number, siginfo_t *info, void *context)
{
    (void)signal_number, (void)context;
    u64 page = page_of((u64)(uintptr_t)info->si_addr);
    if (!is_tracked_page(page)) {
        fprintf(stderr, "the program touched %p, where nothing is\n", info->si_addr);
        signal(SIGSEGV, SIG_DFL); /* the access is made again, and ends the program */
        return;
    }
    if (page_count == MAX_PAGES)
        give_up("too many pages of state were written\n");
    struct hot_page *hot = &pages[page_count++];
    void *copy = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED)
        give_up("no memory for a copy of a page\n");
    void *there = (void *)(uintptr_t)page;
    memcpy(copy, there, PAGE_SIZE);
    *hot = (struct hot_page){.address = page, .base = copy};
    for (u32 i = 0; i < LINES_PER_PAGE; i++) {
        u64 start = page + i * LINE_BYTES;
        if (clip(start, start + LINE_BYTES).end != 0)
            hot->own |= 1ull << i;
    }
    if (mprotect(there, PAGE_SIZE, PROT_READ | PROT_WRITE) != 0)
        give_up("a page cannot be made writable\n");
}

void sim_delta_begin(void)
{
    ranges[0] = (struct range){(u64)(uintptr_t)__start_kstate, (u64)(uintptr_t)__stop_kstate};
    ranges[1] = (struct range){(u64)(uintptr_t)__start_simstate, (u64)(uintptr_t)__stop_simstate};
    ranges[2] = (struct range){SIM_DIRECT_MAP, SIM_DIRECT_MAP + sim_memory_bytes()};
    for (u32 i = 0; i < ARRAY_SIZE(ranges); i++)
        if (ranges[i].start % LINE_BYTES != 0)
            abort();
    lines = calloc(MAX_LINES, sizeof(*lines));
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    if (!lines || sigaction(SIGSEGV, &action, NULL) != 0)
        abort();
    for (u32 i = 0; i < SIM_MAX_CPUS; i++)
        if (sim_machine()->cpus[i].started)
            save_stack(i);
    for (u32 i = 0; i < ARRAY_SIZE(ranges); i++) {
        u64 start = page_of(ranges[i].start);
        u64 size = page_of(ranges[i].end + PAGE_SIZE - 1) - start;
        if (size > 0 && mprotect((void *)(uintptr_t)start, size, PROT_READ) != 0)
            abort();
    }
}

static void add_line(struct hot_page *page, u32 index)
{
    if (line_count == MAX_LINES)
        abort();
    u64 start = page->address + index * LINE_BYTES;
    struct range part = clip(start, start + LINE_BYTES);
    struct hot_line *line = &lines[line_count++];
    line->address = (u8 *)(uintptr_t)part.start;
    line->length = (u32)(part.end - part.start);
    memcpy(line->base, page->base + (part.start - page->address), line->length);
    page->hot |= 1ull << index;
}

/* Lines that are not hot but differ from the base become hot; how many. */
static u32 find_new_lines(void)
{
    u32 before = line_count;
    for (u32 i = 0; i < page_count; i++) {
        struct hot_page *page = &pages[i];
        const u8 *now = (const u8 *)(uintptr_t)page->address;
        for (u64 cold = page->own & ~page->hot; cold != 0; cold &= cold - 1) {
            u32 index = (u32)__builtin_ctzll(cold);
            struct range part =
                clip(page->address + index * LINE_BYTES, page->address + (index + 1) * LINE_BYTES);
            u64 offset = part.start - page->address;
            if (memcmp(now + offset, page->base + offset, part.end - part.start) != 0)
                add_line(page, index);
        }
    }
    return line_count - before;
}

static void copy_line(u8 *to, const u8 *from, u32 length)
{
    if (likely(length == LINE_BYTES))
        memcpy(to, from, LINE_BYTES);
    else
        memcpy(to, from, length);
}

void sim_delta_capture(struct sim_image *image)
{
    (void)find_new_lines();
    if (image->room < line_count) {
        free(image->bytes);
        image->room = line_count + line_count / 4 + 64;
        image->bytes = malloc((size_t)image->room * LINE_BYTES);
        if (!image->bytes)
            abort();
    }
    image->line_count = line_count;
    for (u32 i = 0; i < line_count; i++)
        copy_line(image->bytes + (size_t)i * LINE_BYTES, lines[i].address, lines[i].length);
}

void sim_delta_restore(const struct sim_image *image)
{
    u32 known = image->line_count;
    for (u32 i = 0; i < known; i++)
        copy_line(lines[i].address, image->bytes + (size_t)i * LINE_BYTES, lines[i].length);
    for (u32 i = known; i < line_count; i++)
        copy_line(lines[i].address, lines[i].base, lines[i].length);
    for (u32 i = 0; i < SIM_MAX_CPUS; i++)
        if (stacks[i].start)
            memcpy(stacks[i].start, stacks[i].bytes, stacks[i].size_bytes);
}

bool sim_delta_verify(void)
{
    u32 first = line_count;
    if (find_new_lines() == 0)
        return true;
    for (u32 i = first; i < line_count; i++)
        copy_line(lines[i].address, lines[i].base, lines[i].length);
    return false;
}

void sim_image_free(struct sim_image *image)
{
    free(image->bytes);
    *image = (struct sim_image){0};
}
