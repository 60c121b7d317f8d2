/*
 * The reaper: long work in bounded slices.
 *
 * A job belongs to the CPU that started it and is run there, one slice at a time, between threads.
 * Its time is billed to its group. A job may ask to wait for a grace period before its next slice.
 * When it is done, `done` is called: whoever waits for it is woken there.
 *
 * Locks: none for the queue (per CPU, interrupts off).
 */
#ifndef GROUP_REAPER_H
#define GROUP_REAPER_H

#include "core/grace.h"
#include "lib/list.h"

struct group;

#define REAPER_SLICE 32u /* steps (nodes, page-table entries, frames) in one slice */

enum job_result {
    JOB_MORE = 0,  /* call again */
    JOB_GRACE = 1, /* call again after a grace period */
    JOB_DONE = 2,
};

struct job {
    struct list link;
    struct grace_node grace;
    enum job_result (*slice)(struct job *job);
    void (*done)(struct job *job); /* the job may be reused or freed in it */
    struct group *group;           /* borrowed: kept alive by what the job works on */
};

/* Starts a job on this CPU and runs its first slice; true if that was all (`done` is then not
 * called). */
bool job_start(struct job *job);

/* The same, without a first slice. */
void job_queue(struct job *job);

/* Runs one slice of this CPU's jobs; false if there was none ready. */
bool reaper_run(void);
bool reaper_has_work(void);

void reaper_init(void);

#endif
