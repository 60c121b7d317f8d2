/*
 * The semaphore of sdk/lock.c: two threads take one each, one of them with a deadline; two others post once each.
 *
 * Shown: no more is taken than was posted; who has no deadline gets one; nothing is lost when a deadline passes.
 *
 * Broken: BREAK_COUNT_LATE  the poster looks for waiters before it has counted up
 *         BREAK_NO_WAITERS  a waiter does not say that it waits
 */
#define THREADS 2
#define WORDS   2
#include "futex.inc"
#define COUNT   0
#define WAITERS 1

byte taken, gave_up, posts;

inline try_wait(old) { atomic { old = word[COUNT]; if :: old > 0 -> word[COUNT]-- :: else fi } }

proctype taker(byte me; bool can_end)
{
    byte old, k;

    do
    :: try_wait(old);
       if
       :: old > 0 -> taken++; break
       :: else
       fi;
#ifndef BREAK_NO_WAITERS
       atomic { word[WAITERS]++ }
#endif
       futex_wait(me, COUNT, 0, can_end, k);
#ifndef BREAK_NO_WAITERS
       atomic { word[WAITERS]-- }
#endif
       if
       :: timed_out[me] ->
          try_wait(old);
          if
          :: old > 0 -> taken++
          :: else -> gave_up++
          fi;
          break
       :: else
       fi
    od;
    assert(taken <= posts)
}

proctype poster()
{
    byte k, waiters;
    bool found;

#ifdef BREAK_COUNT_LATE
    waiters = word[WAITERS];
    atomic { posts++; word[COUNT]++ }
#else
    atomic { posts++; word[COUNT]++ }
    waiters = word[WAITERS];
#endif
    if
    :: waiters != 0 -> wake_one(COUNT, found, k)
    :: else
    fi
}

init
{
    atomic { run taker(0, false); run taker(1, true); run poster(); run poster() }
    timeout;
    assert(taken + gave_up == 2);
    assert(taken + word[COUNT] == 2)
}
