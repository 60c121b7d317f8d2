/* What the process that makes random calls and the one that watches it share. */
#ifndef ATTACK_RANDOM_H
#define ATTACK_RANDOM_H

#include "attack.h"

/* One page, mapped into both. */
struct random_log {
    u64 calls;   /* made by all threads */
    u64 main;    /* made by the main thread: the watchdog's sign of life */
    u64 last[8]; /* of the main thread: number, info, handle, deadline, w0-w3 */
};

/* A life ends by itself after so many calls of its main thread. */
#define RANDOM_LIFE 4000u

#endif
