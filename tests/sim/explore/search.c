/*
 * Breadth-first search over canonical states.
 *
 * A state that has been found is a record: its fingerprint, the state it was found from and the
 * action that led there. To go on from it, the actions on the way from the start are done again;
 * the images of the states on the way to the last one are kept, and since records are gone through
 * in the order in which they were found, most of the way is usually shared.
 *
 * Each action is done in the kernel and in the specification, which are compared; a state that is
 * new is also checked by all invariants. One that was known must be the same in the specification
 * as when it was found first (else the fingerprint merges what differs), and of a sample of those
 * all next steps are compared.
 */
#include "search.h"

#include "tests/sim/run_state.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MAX_DEPTH    4096u
#define FILE_MAGIC   0x3130746c70784546ull
#define RECORD_LIMIT (400ull << 20) /* address space is cheap: pages come as they are used */
#define NO_RECORD    UINT32_MAX
#define REPORT_EVERY 200000u
#define CAREFUL      300u /* states from which each step is verified: the hot lines are being found */

struct record {
    u64 fingerprint;
    u32 parent;
    u32 spec; /* part of the specification's hash */
    struct action action;
    u16 depth;
};

_Static_assert(sizeof(struct record) == 24, "many of them are kept");

struct header {
    u64 magic;
    u64 program; /* hash of the program and of the world's name */
    u64 count;
    u64 expanded;
};

/* What an action led to. */
struct outcome {
    u64 fingerprint;
    u64 spec;
    struct action action;
    bool known;
};

struct level {
    u32 record;
    struct sim_image image;
};

static struct record *records;
static struct header *header;
static struct header own_header;
static u32 *table;
static u64 table_mask;
static struct level levels[MAX_DEPTH];
static u32 level_count;
static u64 expanded_here; /* in this run */
static struct search_totals totals;
static struct action actions[MAX_ACTIONS];
static struct outcome outcomes[MAX_ACTIONS];

/* --- Records --- */

/* Its place in the table; *found: the record that is there, or NO_RECORD. */
static u64 place_of(u64 fingerprint, u32 *found)
{
    u64 place = fingerprint & table_mask;
    while (table[place] != NO_RECORD && records[table[place]].fingerprint != fingerprint)
        place = (place + 1) & table_mask;
    *found = table[place];
    return place;
}

static void make_table(u64 size)
{
    free(table);
    table = malloc(size * sizeof(*table));
    if (!table)
        abort();
    memset(table, 0xff, size * sizeof(*table));
    table_mask = size - 1;
    for (u64 i = 0; i < header->count; i++) {
        u32 found;
        table[place_of(records[i].fingerprint, &found)] = (u32)i;
    }
}

static void add_record(const struct outcome *outcome, u32 parent)
{
    u32 found;
    if (header->count * 2 > table_mask)
        make_table((table_mask + 1) * 2);
    u64 place = place_of(outcome->fingerprint, &found);
    if (found != NO_RECORD || header->count == RECORD_LIMIT)
        return;
    table[place] = (u32)header->count;
    records[header->count++] = (struct record){
        .fingerprint = outcome->fingerprint,
        .parent = parent,
        .spec = (u32)outcome->spec,
        .action = outcome->action,
        .depth = (u16)(parent == NO_RECORD ? 0 : records[parent].depth + 1),
    };
    totals.new_states++;
}

/* Of this program: a record means nothing to another. */
static u64 program_hash(void)
{
    u64 hash = 0xcbf29ce484222325ull;
    for (const char *at = world.config->name; *at; at++)
        hash = (hash ^ (u8)*at) * 0x100000001b3ull;
    FILE *file = fopen("/proc/self/exe", "rb");
    static u8 bytes[65536];
    size_t got;
    while (file && (got = fread(bytes, 1, sizeof(bytes), file)) > 0)
        for (size_t i = 0; i < got; i++)
            hash = (hash ^ bytes[i]) * 0x100000001b3ull;
    if (file)
        (void)fclose(file);
    return hash;
}

static void *map_file(int fd, size_t size)
{
    int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_NORESERVE, fd, 0);
    if (mapped == MAP_FAILED) {
        perror("explorer: records");
        exit(2);
    }
    return mapped;
}

/* The records, in memory or in a file, which is sparse beyond its last record. */
static void open_records(const char *path)
{
    size_t size = PAGE_SIZE + RECORD_LIMIT * sizeof(struct record);
    int fd = path ? open(path, O_RDWR | O_CREAT, 0666) : -1;
    if (path && (fd < 0 || ftruncate(fd, (off_t)size) != 0)) {
        perror(path);
        exit(2);
    }
    char *mapped = map_file(fd, size);
    header = path ? (struct header *)(void *)mapped : &own_header;
    records = (struct record *)(void *)(mapped + PAGE_SIZE);
    u64 program = program_hash();
    if (header->magic != FILE_MAGIC || header->program != program)
        *header = (struct header){.magic = FILE_MAGIC, .program = program};
    u64 wanted = 1ull << 20;
    while (wanted < header->count * 2)
        wanted *= 2;
    make_table(wanted);
}

/* --- Going to a state --- */

static u32 list_path(u32 record, u32 *path)
{
    u32 length = records[record].depth + 1u;
    for (u32 at = record, i = length; i-- > 0; at = records[at].parent)
        path[i] = at;
    return length;
}

/* Makes the record's state the present one, and the top of `levels`. */
static void go_to(u32 record)
{
    static u32 path[MAX_DEPTH];
    u32 length = list_path(record, path);
    u32 shared = 0;
    while (shared < length && shared < level_count && levels[shared].record == path[shared])
        shared++;
    sim_delta_restore(&levels[shared - 1].image);
    for (u32 i = shared; i < length && !run_has_failed(); i++) {
        alphabet_do(&records[path[i]].action);
        levels[i].record = path[i];
        sim_delta_capture(&levels[i].image);
    }
    level_count = length;
}

static void print_path(u32 record, const struct action *last)
{
    static u32 path[MAX_DEPTH];
    char text[160];
    struct run_result failure = *run_current();
    *run_current() = (struct run_result){0};
    u32 length = list_path(record, path);
    printf("  the way there:\n");
    sim_delta_restore(&levels[0].image);
    for (u32 i = 1; i < length; i++) {
        alphabet_describe(&records[path[i]].action, text, sizeof(text));
        printf("    %s\n", text);
        alphabet_do(&records[path[i]].action);
    }
    if (last) {
        alphabet_describe(last, text, sizeof(text));
        printf("    %s\n", text);
    }
    level_count = 1;
    *run_current() = failure;
}

static bool report(u32 record, const struct action *last)
{
    const struct run_result *failure = run_current();
    printf("FAILED world %s invariant %s: %s\n", world.config->name, failure->invariant,
           failure->message);
    print_path(record, last);
    (void)fflush(stdout);
    return false;
}

/* --- Going on from a state --- */

static bool try_action(const struct action *action, struct outcome *outcome)
{
    alphabet_do(action);
    totals.transitions++;
    if (run_has_failed())
        return false;
    u32 found;
    *outcome = (struct outcome){
        .fingerprint = canonical_fingerprint(), .spec = spec_hash(), .action = *action};
    (void)place_of(outcome->fingerprint, &found);
    outcome->known = found != NO_RECORD;
    if (!outcome->known)
        invariants_check();
    return !run_has_failed();
}

enum tried { TRIED_ALL, TRIED_AGAIN, TRIED_FAILED };

/* Does all actions of the list, from the state of the image, which is present before and after. A
 * step that is not taken back wholly spoils those after it: AGAIN. FAILED: the action at *count has
 * broken something. */
static enum tried try_actions(const struct sim_image *image, const struct action *list, u32 *count,
                              struct outcome *out)
{
    for (u32 i = 0; i < *count; i++) {
        bool good = try_action(&list[i], &out[i]);
        struct run_result failure = *run_current();
        sim_delta_restore(image);
        if (good && expanded_here >= CAREFUL)
            continue;
        *run_current() = (struct run_result){0};
        if (!sim_delta_verify())
            return TRIED_AGAIN;
        if (good)
            continue;
        *run_current() = failure;
        *count = i;
        return TRIED_FAILED;
    }
    return sim_delta_verify() ? TRIED_ALL : TRIED_AGAIN;
}

/* What the next steps of a state lead to, in no order. */
struct future {
    u64 ends[MAX_ACTIONS];
    u32 count;
    u64 sum;
};

/* Of the present state, whose image is given. */
static bool next_steps(const struct sim_image *image, struct future *future)
{
    static struct action list[MAX_ACTIONS];
    static struct outcome out[MAX_ACTIONS];
    enum tried tried;
    do {
        future->count = alphabet_list(list);
        tried = try_actions(image, list, &future->count, out);
    } while (tried == TRIED_AGAIN);
    if (tried == TRIED_FAILED) {
        char text[160];
        alphabet_describe(&list[future->count], text, sizeof(text));
        printf("of the next steps compared, %s (after the way below):\n", text);
        return false;
    }
    future->sum = 0;
    for (u32 i = 0; i < future->count; i++) {
        future->ends[i] =
            mix(mix(out[i].fingerprint, out[i].spec), list[i].entry * 8 + list[i].thread);
        future->sum += future->ends[i];
    }
    return true;
}

static void print_difference(const struct future *here, const struct future *there)
{
    static struct action list[MAX_ACTIONS];
    char text[160];
    (void)alphabet_list(list);
    for (u32 i = 0; i < there->count; i++) {
        bool both = false;
        for (u32 j = 0; j < here->count; j++)
            both |= here->ends[j] == there->ends[i];
        if (both)
            continue;
        alphabet_describe(&list[i], text, sizeof(text));
        printf("  differs: %s\n", text);
    }
}

/* A state was reached that had been found on another way: do both go on alike? */
static bool compare_next_steps(u32 from, const struct outcome *outcome)
{
    static struct sim_image image;
    static struct future here;
    static struct future there;
    u32 found;
    (void)place_of(outcome->fingerprint, &found);
    if (found == NO_RECORD)
        return true;
    go_to(from);
    alphabet_do(&outcome->action);
    sim_delta_capture(&image);
    if (!next_steps(&image, &here))
        return false;
    go_to(found);
    if (run_has_failed() || !next_steps(&levels[level_count - 1].image, &there))
        return false;
    totals.compared++;
    if (here.sum == there.sum)
        return true;
    print_path(found, NULL);
    print_difference(&here, &there);
    EXPECT("fingerprint", here.sum == there.sum,
           "two states with fingerprint %016llx do not go on alike (record %u)",
           (unsigned long long)outcome->fingerprint, found);
    return !run_has_failed();
}

static bool merge(u32 record, const struct outcome *outcome)
{
    u32 found;
    (void)place_of(outcome->fingerprint, &found);
    if (found == NO_RECORD) {
        add_record(outcome, record);
        return true;
    }
    if (records[found].spec == (u32)outcome->spec)
        return true;
    print_path(found, NULL);
    EXPECT("fingerprint", records[found].spec == (u32)outcome->spec,
           "fingerprint %016llx merges states that the specification tells apart (record %u)",
           (unsigned long long)outcome->fingerprint, found);
    return !run_has_failed();
}

static bool expand(u32 record, const struct search_limits *limits)
{
    static u64 reached_again;
    u32 count;
    go_to(record);
    if (run_has_failed())
        return report(record, NULL);
    enum tried tried;
    do {
        count = alphabet_list(actions);
        tried = try_actions(&levels[level_count - 1].image, actions, &count, outcomes);
    } while (tried == TRIED_AGAIN);
    if (tried == TRIED_FAILED)
        return report(record, &actions[count]);
    bool races = limits->preemptions && (limits->race_one_in == 0 ||
                                         records[record].fingerprint % limits->race_one_in == 0);
    totals.raced += races;
    if (races &&
        !race_all_pairs(&levels[level_count - 1].image, limits->preemptions, &totals.races)) {
        history_print();
        return report(record, NULL);
    }
    for (u32 i = 0; i < count; i++)
        if (!merge(record, &outcomes[i]))
            return report(record, &outcomes[i].action);
    for (u32 i = 0; i < count && limits->sample; i++)
        if (outcomes[i].known && ++reached_again % limits->sample == 0 &&
            !compare_next_steps(record, &outcomes[i]))
            return report(record, &outcomes[i].action);
    return true;
}

static double seconds_used(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static void begin(void)
{
    invariants_check();
    sim_delta_capture(&levels[0].image);
    levels[0].record = 0;
    level_count = 1;
    spec_use(world_spec(), NULL);
    const struct outcome start = {.fingerprint = canonical_fingerprint(), .spec = spec_hash()};
    if (header->count == 0)
        add_record(&start, NO_RECORD);
}

static bool is_over(const struct search_limits *limits)
{
    return header->expanded == header->count ||
           (limits->states && header->count >= limits->states) ||
           (limits->seconds && seconds_used() >= (double)limits->seconds) ||
           (limits->depth && records[header->expanded].depth >= limits->depth);
}

bool search_run(const struct search_limits *limits, const char *path, struct search_totals *out)
{
    bool good = true;
    totals = (struct search_totals){0};
    open_records(path);
    begin();
    good = !run_has_failed() || report(0, NULL);
    while (good && !is_over(limits)) {
        good = expand((u32)header->expanded, limits);
        header->expanded++;
        expanded_here++;
        if (header->expanded % REPORT_EVERY == 0)
            printf("  %llu states expanded, %llu found\n", (unsigned long long)header->expanded,
                   (unsigned long long)header->count);
    }
    totals.states = header->count;
    totals.expanded = header->expanded;
    totals.fixed_point = header->expanded == header->count;
    totals.depth = records[totals.fixed_point ? header->count - 1 : header->expanded].depth;
    totals.seconds = seconds_used();
    *out = totals;
    return good;
}

/* --- Random walks --- */

#define WALK_LIMIT 65536u

static struct action way[WALK_LIMIT];

/* One random step that leaves something to do; the last one is then in way[done]. False: none was
 * found, or something broke. */
static bool walk_on(struct sim_random *random, u32 done, u64 *transitions)
{
    static struct sim_image before;
    static struct action list[MAX_ACTIONS];
    u32 count = alphabet_list(list);
    sim_delta_capture(&before);
    for (u32 tries = 0; tries < 64 && count > 0; tries++) {
        way[done] = list[sim_random_below(random, count)];
        /* Threads and processes seldom end. */
        if (alphabet_ends_something(&way[done]) && sim_random_below(random, 30) != 0)
            continue;
        alphabet_do(&way[done]);
        *transitions += 1;
        if (!run_has_failed())
            invariants_check();
        if (run_has_failed())
            return false;
        if (alphabet_list(actions) > 0)
            return true;
        do
            sim_delta_restore(&before);
        while (!sim_delta_verify());
    }
    return false;
}

static void print_walk(const struct sim_image *start, u32 length)
{
    char text[160];
    *run_current() = (struct run_result){0};
    sim_delta_restore(start);
    (void)sim_delta_verify();
    for (u32 i = 0; i < length; i++) {
        alphabet_describe(&way[i], text, sizeof(text));
        if (i + 40 >= length)
            printf("    %s\n", text);
        if (i + 1 < length)
            alphabet_do(&way[i]);
    }
}

bool search_walk(u64 seed, u32 steps, u64 *transitions)
{
    struct sim_random random = {.state = seed * 77 + 1};
    static struct sim_image start;
    if (!start.bytes)
        sim_delta_capture(&start);
    for (u32 left = steps; left > 0 && !run_has_failed();) {
        u32 done = 0;
        sim_delta_restore(&start);
        (void)sim_delta_verify();
        while (left > 0 && done < WALK_LIMIT - 1 && walk_on(&random, done, transitions)) {
            done++;
            left--;
        }
        left -= left > 0;
        if (!run_has_failed())
            continue;
        printf("FAILED walk %llu of world %s step %u invariant %s: %s\n", (unsigned long long)seed,
               world.config->name, done, run_current()->invariant, run_current()->message);
        dump_state();
        print_walk(&start, done + 1);
        return false;
    }
    return true;
}
