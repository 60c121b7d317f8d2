/*
 * The condition variable of sdk/lock.c: two threads wait for a flag, one with a deadline that may pass at any time; a third sets
 * the flag and broadcasts, or (-DSIGNAL) makes two single signals.
 *
 * Shown: a thread that waits without a deadline gets on once the flag is set and the signal is made; the mutex is held when
 * condition_wait returns.
 *
 * Broken: BREAK_SEQUENCE_LATE  the sequence is read after the mutex was given up
 *         BREAK_NO_SEQUENCE    a broadcast does not change the sequence
 */
#define THREADS 3
#define WORDS   2
#include "futex.inc"
#define MUTEX    0
#define SEQUENCE 1

bool flag;
byte inside, through;

inline condition_wait(me, can_end, sequence, old, found, k)
{
#ifndef BREAK_SEQUENCE_LATE
    sequence = word[SEQUENCE];
#endif
    inside--;
    mutex_unlock(MUTEX, old, found, k);
#ifdef BREAK_SEQUENCE_LATE
    sequence = word[SEQUENCE];
#endif
    futex_wait(me, SEQUENCE, sequence, can_end, k);
    sequence = 0;
    mutex_lock(me, MUTEX, old, k);
    inside++;
    assert(inside == 1)
}

inline bump()
{
#ifdef BREAK_NO_SEQUENCE
    skip
#else
    atomic { word[SEQUENCE]++ }
#endif
}

proctype waiter(byte me; bool can_end)
{
    byte old, k, sequence;
    bool found, late;

    mutex_lock(me, MUTEX, old, k);
    inside++;
    do
    :: flag || late -> break
    :: else -> condition_wait(me, can_end, sequence, old, found, k); late = timed_out[me]
    od;
    inside--;
    mutex_unlock(MUTEX, old, found, k);
    through++
}

proctype setter()
{
    byte old, k;
    bool found;

    mutex_lock(2, MUTEX, old, k);
    inside++;
    flag = true;
    inside--;
    mutex_unlock(MUTEX, old, found, k);
#ifdef SIGNAL
    bump();
    wake_one(SEQUENCE, found, k);
    bump();
    wake_one(SEQUENCE, found, k)
#else
    bump();
    do
    :: wake_one(SEQUENCE, found, k); if :: !found -> break :: else fi
    od
#endif
}

init
{
    atomic { run waiter(0, false); run waiter(1, true); run setter() }
    timeout;
    assert(through == 2)
}
