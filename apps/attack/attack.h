/*
 * Attacks on the kernel, one idea per file: each does what no program should be able to do, and
 * asserts that it was refused, that the refusal was counted, and that nothing was lost.
 *
 * `attack [FILTER] [seed=N] [forged=N] [calls=N] [rounds=N]` runs them; children play the other
 * side
 * (`attack --role NAME`, roles.c).
 */
#ifndef ATTACK_H
#define ATTACK_H

#include "ferrous/ipc.h"
#include "ferrous/start.h"
#include "ferrous/test_ground.h"
#include "ferrous/thread.h"
#include "lib/string.h"

extern struct test_ground attack;

/* How much is done; from the command line. */
struct attack_options {
    u64 seed;
    u64 forged; /* handles to forge */
    u64 calls;  /* random calls */
    u64 rounds; /* of each race */
};

extern struct attack_options options;

/* --- random numbers: SplitMix64 (Steele, Lea, Flood 2014), repeatable from a seed --- */
struct dice {
    u64 state;
};

u64 dice_next(struct dice *dice);
/* 0 to limit - 1. */
u64 dice_below(struct dice *dice, u64 limit);
/* A generator of its own for each place that wants one. */
struct dice dice_for(u64 place);

/* --- threads on chosen CPUs --- */
u32 cpu_count(void);
/* As thread_start; bound to CPU `cpu` modulo their number before it runs anything of `function`. */
enum status start_on(u32 cpu, struct thread *thread, u64 (*function)(void *),
                     void *argument) MUST_USE;
/* Binds the main thread of a held child, then starts it. */
enum status release_on(u32 cpu, const struct process *process) MUST_USE;

/* A message buffer that any thread of this process can be given. */
struct message_buffer *spare_buffer(void);

/* --- counts --- */
/* Refusals of capabilities and call numbers since boot, everywhere. */
u64 denials(void);

/* Statuses as sets. */
#define SET(name)            (1ull << STATUS_##name)
#define REFUSED              (SET(BAD_HANDLE) | SET(STALE_HANDLE))
#define IS_IN(status_, set_) (((set_) >> (status_)&1) != 0)

/* Fails the test unless the status is in the set. */
#define CHECK_IN(call, set_)                                                                       \
    do {                                                                                           \
        enum status check_status = (call);                                                         \
        if (!IS_IN(check_status, set_)) {                                                          \
            test_fail(__FILE__, __LINE__, "%s: %s", #call, status_text(check_status));             \
            return;                                                                                \
        }                                                                                          \
    } while (0)

/* --- calls with any registers --- */
/* Enters with a number, a handle and words; INFO_NONBLOCK; the deadline is SOON. */
enum status enter(u64 number, u64 handle, const u64 words[8]);
#define ENTER(number_, handle_, ...) enter((number_), (handle_), (const u64[8]){__VA_ARGS__})

static inline u64 address_of(const void *pointer)
{
    return (u64)(uintptr_t)pointer;
}

/* Destroys the group and closes the handle; false, with a reason, if it then still uses anything.
 */
bool end_group_empty(group_t group);

/* --- a victim: an echo server in a group and process of its own, whose calls must keep working ---
 */
struct victim {
    endpoint_t endpoint;
    struct process process;
    group_t group;
    u64 calls;
};

#define VICTIM_ADD  MESSAGE_LABEL(0x7661, 1) /* w0 + 1 comes back */
#define VICTIM_QUIT MESSAGE_LABEL(0x7661, 2)

enum status victim_start(struct victim *victim) MUST_USE;
/* `count` calls, each answered rightly? */
bool victim_works(struct victim *victim, u32 count);
/* Ends it; true if it exits by itself with code 0 and its group is empty then. */
bool victim_stop(struct victim *victim);
int role_victim(const char *argument);

/* --- roles, by file --- */
int role_reply(const char *argument);
int role_call(const char *argument);
int role_try(const char *argument);
int role_tell(const char *argument);
int role_deputy(const char *argument);
int role_touch(const char *argument);
int role_hog(const char *argument);
int role_random(const char *argument);
int role_register(const char *argument);
int role_vector(const char *argument);
int role_counter(const char *argument);
int role_leave(const char *argument);
int role_twin(const char *argument);
int role_sleep(const char *argument);

#endif
