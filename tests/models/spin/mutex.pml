/*
 * The mutex of sdk/lock.c over kernel/ipc/futex.c: three threads, each locks and unlocks twice.
 *
 * Shown: one thread at a time is inside; every thread gets in as often as it wants (no end without it: no wake-up is lost).
 *
 * Broken: BREAK_READ_BEFORE_LOCK  the kernel compares the word before it holds the bucket's lock
 *         BREAK_NOT_CONTENDED     a woken thread takes the mutex without saying that others may wait
 */
#define THREADS 3
#define WORDS   1
#include "futex.inc"

byte inside;

proctype thread(byte me)
{
    byte old, k, times;
    bool found;

    do
    :: times == 2 -> break
    :: else ->
       times++;
       mutex_lock(me, 0, old, k);
       inside++;
       assert(inside == 1);
       inside--;
       mutex_unlock(0, old, found, k)
    od
}

init { atomic { run thread(0); run thread(1); run thread(2) } }
