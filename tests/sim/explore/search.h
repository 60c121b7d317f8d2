/* Breadth-first search over the world's states. */
#ifndef SEARCH_H
#define SEARCH_H

#include "race.h"

struct search_limits {
    u64 states;      /* distinct ones; 0: as many as there are */
    u64 seconds;     /* of processor time; 0: no limit */
    u32 depth;       /* 0: no limit */
    u32 preemptions; /* two CPUs: in each state all pairs of calls at once, with so many switches;
                        0: no */
    u32 race_one_in; /* such pairs in one of so many states alone, by chance; 0: in all */
    u32 sample; /* one in so many reached-again states is compared in all its next steps; 0: none */
};

struct search_totals {
    u64 states;
    u64 expanded;    /* all of whose next steps have been tried */
    u64 transitions; /* in this run */
    u64 compared;    /* pairs of states whose next steps have been compared */
    u32 depth;       /* all states up to here have been found */
    bool fixed_point;
    double seconds;
    u64 new_states; /* in this run */
    u64 raced;      /* states in which calls were made at once */
    struct race_totals races;
};

/* Searches from the world's start. `path` (may be NULL): a file that keeps what has been found from
 * run to run of the same program and world. False: something was wrong; it has been printed. */
bool search_run(const struct search_limits *limits, const char *path, struct search_totals *totals);

/* One random walk of `steps` steps. False: something was wrong; it has been printed. */
bool search_walk(u64 seed, u32 steps, u64 *transitions);

#endif
