/*
 * What a program of booted tests stands on: the capabilities that it was started with, children
 * that play the other side (`PROGRAM --role NAME [ARGUMENT]`), and counts of the machine, which
 * every test must leave as it found them.
 */
#ifndef FERROUS_TEST_GROUND_H
#define FERROUS_TEST_GROUND_H

#include "ferrous/archive.h"
#include "ferrous/calls.h"
#include "ferrous/test.h"
#include "ferrous/time.h"

struct test_ground {
    group_t group;
    machine_t machine;
    ports_t ports; /* may be null */
    struct archive archive;
    struct process_image image; /* of this program */
};

/* Finds the capabilities `group`, `machine`, `archive` (all needed) and `ports`, and the program's
 * own file `program` in the archive. False, with a line printed, if one is missing. *ground is
 * remembered by the functions below. */
bool test_ground_open(struct test_ground *ground, const char *program);

/* Runs the tests whose "family.name" begins with `filter` (NULL: all), comparing counts; prints the
 * closing line "PROGRAM: N passed, N failed" and returns main's result. */
int test_ground_run(const char *filter);

/* Reads the machine's counts; zeros if it may not. */
void test_read_counts(struct machine_counts *counts);

/* --- children --- */

struct test_role {
    const char *name;
    int (*run)(const char *argument); /* returns the exit code */
};

/* The main function of a child: plays argv[2] with argv[3]; 255 if there is no such role. */
int test_play_role(const struct test_role *roles, size_t count, int argc, char **argv);

/* Starts a child in a role; `group` pays. The role finds the capabilities by name. `argument` may
 * be NULL. On success the handles in *process are the caller's. */
enum status start_role(group_t group, const char *role, const char *argument,
                       const struct process_cap *caps, u32 cap_count,
                       struct process *process) MUST_USE;
/* The same with a fault endpoint and, if asked, held. */
enum status start_role_with(const struct process_spec *more, group_t group, const char *role,
                            const char *argument, struct process *process) MUST_USE;

/* Waits for its end within PATIENCE (kills it otherwise) and closes the handles. */
enum status end_of(struct process *process, struct exit_record *record) MUST_USE;

/* A capability to give: `handle` under its name with these rights. */
#define GIVE(name_, handle_, rights_)                                                              \
    ((struct process_cap){                                                                         \
        .name = (name_), .cap = (handle_).cap, .rights = (rights_), .mode = CAP_SEND_COPY})

/* --- small parts of tests --- */

/* A deadline that no working kernel reaches: a test that meets it fails instead of hanging. */
#define PATIENCE_NS (5 * NS_PER_S)
#define PATIENCE    time_after_ns(PATIENCE_NS)
/* A deadline that is meant to pass. */
#define SOON        time_after_ns(2 * NS_PER_MS)

/* An endpoint with a queue of `depth` and no grace time, paid by the ground's group. */
enum status make_endpoint(u32 depth, endpoint_t *endpoint) MUST_USE;

/* A mapping of `size` fresh bytes; *memory, where not NULL, is the object, else its handle is
 * closed.
 */
enum status make_mapping(u64 size, u32 flags, u64 *address, memory_t *memory) MUST_USE;

/* A group under `parent` in which one resource is limited. */
enum status make_group(group_t parent, enum group_resource resource, u64 limit,
                       group_t *group) MUST_USE;

/* Destroys it and closes the handle. */
enum status end_group(group_t group) MUST_USE;

/* Revoked: a handle says so until clean-up has emptied its slot, and then that it is stale. */
#define CHECK_REVOKED(call)                                                                        \
    do {                                                                                           \
        enum status check_status = (call);                                                         \
        if (check_status != STATUS_REVOKED && check_status != STATUS_STALE_HANDLE) {               \
            test_fail(__FILE__, __LINE__, "%s: %s, not revoked", #call,                            \
                      status_text(check_status));                                                  \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#endif
