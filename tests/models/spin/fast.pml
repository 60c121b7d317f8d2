/*
 * The fast path of call and reply_receive, against kill, revoke, close and another CPU's caller.
 * Stands for kernel/ipc/fast.c (find, upcall_fast_call, upcall_fast_reply_receive, hand_over), sched_lend_home and
 * sched_return_home in kernel/sched/sched.h, the port's release of the lock in entry.S; and for what meets them: process_kill_thread,
 * sched_kick, wait_cancel, the beginning of sched_exit (recheck), endpoint_revoked, cap_revoke_publish, take_back.
 *
 * A runs on CPU 0 and calls S, which waits at the endpoint; with SECOND, B on CPU 1 calls it too. S answers or does not. Somebody
 * on a third CPU does EVENTS times one of: kill A or S, cancel A, revoke the capability of A or S, clear A's slot. What the fast path does
 * not take (the general path, see call.pml) ends A's or B's call at once here.
 *
 * Memory: two stores by which others find a thread, `wait_lock` of who stops and `activity` of who goes on, may become visible as
 * late as the page-table register is written (a full barrier), whatever is read before; the rest is sequentially consistent.
 *
 * Shown: nothing commits by a capability after its revocation has returned; the server gets the words that were sent; a thread is
 * in one list or runs on one CPU; each call ends once; at rest nobody waits who was killed, or by a revoked capability, or for a
 * server that is gone, and nobody that was killed is left.
 *
 * Broken: BREAK_NO_EPOCH      the epoch is not compared under the lock
 *         BREAK_NO_BARRIER    flags are read before the stores are visible
 *         BREAK_NO_RECHECK    flags are not read again after the point of no return
 *         BREAK_EARLY_UNLOCK  the lock is released before the words have been taken
 *         BREAK_NO_CALLER     the reply does not ask whether the caller still waits
 */
#ifndef EVENTS
#define EVENTS 1
#endif

#define A    0
#define S    1
#define B    2
#define NONE 15

#define NOWHERE   0
#define RECEIVERS 1
#define SERVED    2

/* Threads; a home activity has its thread's number. */
byte activity[3];          /* as others see it */
bool wait_lock[3];         /* the endpoint's, as others see it */
byte list[3];
byte serving = NONE;       /* S's caller */
bool has_server[3];
bool killed[3], gone[3], ready[3], waits_for_home[3];
byte words[3];             /* what the registers hold: the thread's number + 1, or 0: a status */
byte ended[3], begun[3];

/* Capabilities: A's, S's, B's. */
bool slot[3], revoked[3], returned[3];
byte slot_epoch[3], mark[3], epoch = 1;

bool endpoint;             /* its lock */
byte current[2] = NONE, recheck[2] = NONE, mail[2] = NONE;
bool ipi[2];
bool over;

inline lock() { atomic { !endpoint -> endpoint = true } }
inline unlock() { endpoint = false }

#define HOME_CPU(x) (x == B -> 1 : 0)

/* The stores that may be late. */
inline become_visible()
{
    d_step {
        if
        :: late_wait != NONE -> wait_lock[late_wait] = true; late_wait = NONE
        :: else
        fi;
        if
        :: late_activity != NONE -> activity[late_activity] = late_value; late_activity = NONE
        :: else
        fi
    }
}

inline perhaps_visible() { if :: become_visible() :: skip fi }

/* Lock held: a wait ends from outside. The caller's link to its server is cut, its registers get a status. */
inline abort_wait(t)
{
    d_step {
        assert(list[t] != NOWHERE);
        list[t] = NOWHERE;
        wait_lock[t] = false;
        words[t] = 0;
        if
        :: has_server[t] -> serving = NONE; has_server[t] = false; waits_for_home[t] = true; ended[t]++
        :: else -> ready[t] = true
        fi
    }
}

/* After the lock: a caller whose activity somebody runs on is mail to that CPU. */
inline wake(t)
{
    if
    :: waits_for_home[t] -> mail[HOME_CPU(t)] = t; ipi[HOME_CPU(t)] = true
    :: else
    fi
}

/* wait_cancel: `found`: there was a wait to end. */
inline wait_cancel(t, found)
{
    found = false;
    if
    :: wait_lock[t] ->
       lock();
       if
       :: wait_lock[t] -> abort_wait(t); found = true
       :: else
       fi;
       unlock();
       if
       :: found -> wake(t)
       :: else
       fi
    :: else
    fi
}

/* Under the lock and the barrier: who stopped and who goes on. */
inline hand_over(from, to)
{
    current[me] = to;
#ifndef BREAK_NO_BARRIER
    become_visible();      /* vspace_switch */
#endif
    seen_killed = killed[from];
    seen_other = killed[to];
#ifndef BREAK_NO_RECHECK
    if
    :: seen_killed -> recheck[me] = from; ipi[me] = true
    :: !seen_killed && seen_other -> ipi[me] = true
    :: else
    fi;
#endif
#ifdef BREAK_EARLY_UNLOCK
    become_visible();
    unlock();
#endif
    /* The port takes the words from one register set into the other. */
    assert(words[from] == from + 1);
    become_visible();
#ifndef BREAK_EARLY_UNLOCK
    unlock();
#endif
    seen_killed = false; seen_other = false
}

inline fast_call(t)
{
    begun[t]++;
    words[t] = t + 1;
    took = false;
    if
    :: slot[t] ->
       mark[t] = slot_epoch[t];
       if
       :: slot[t] ->
          lock();
#ifdef BREAK_NO_EPOCH
          took = (list[S] == RECEIVERS && !killed[S]);
#else
          took = (list[S] == RECEIVERS && mark[t] == epoch && mark[S] == epoch && !killed[S]);
#endif
          if
          :: !took -> unlock()
          :: took ->
             assert(!returned[t] && !returned[S]);
             assert(serving == NONE && current[0] != S && current[1] != S);
             list[S] = NOWHERE; wait_lock[S] = false;
             serving = t; has_server[t] = true;
             late_activity = S; late_value = t;
             perhaps_visible();
             list[t] = SERVED;
             late_wait = t;
             perhaps_visible();
             hand_over(t, S)
          fi
       :: else
       fi
    :: else
    fi;
    if
    :: !took -> ended[t]++
    :: else
    fi;
    took = false
}

/* S runs on CPU `me`. */
inline fast_reply(t)
{
    words[S] = S + 1;
    lock();
#ifdef BREAK_NO_CALLER
    took = (t != NONE && mark[S] == epoch && !revoked[S]);
#else
    took = (serving == t && list[t] == SERVED && mark[S] == epoch && !revoked[S]);
#endif
    took = took && activity[S] == t && !killed[t];
    if
    :: took ->
       assert(!returned[S]);
       assert(list[t] == SERVED && current[me] == S && activity[S] == t);
       list[t] = NOWHERE; wait_lock[t] = false;
       serving = NONE; has_server[t] = false;
       ended[t]++;
       list[S] = RECEIVERS;
       late_activity = S; late_value = S;
       perhaps_visible();
       late_wait = S;
       perhaps_visible();
       hand_over(S, t)
    :: else ->
       /* The general path: the answer, if there is a caller, and S is done: it stays off the list. */
       if
       :: serving == t ->
          list[t] = NOWHERE; wait_lock[t] = false; serving = NONE; has_server[t] = false; ended[t]++;
          ready[t] = true
       :: else
       fi;
       activity[S] = S;
       unlock();
       current[me] = NONE;
       idle = true
    fi;
    took = false
}

/* sched_exit, as far as it matters */
inline kernel_exit(t)
{
    ipi[me] = false;
    if
    :: recheck[me] != NONE -> r = recheck[me]; recheck[me] = NONE; wait_cancel(r, found); r = 0; found = false
    :: else
    fi;
    if
    :: mail[me] != NONE -> /* take_back: whoever runs on the activity goes home */
       assert(mail[me] == t && waits_for_home[t]);
       mail[me] = NONE;
       if
       :: activity[S] == t -> activity[S] = S
       :: else
       fi;
       waits_for_home[t] = false; ready[t] = true
    :: else
    fi;
    if
    :: current[me] == S && killed[S] ->
       /* It ends: the call that it serves fails. */
       lock();
       if
       :: serving == t -> abort_wait(t); waits_for_home[t] = false; ready[t] = true
       :: else /* whoever has ended it has sent mail */
       fi;
       unlock();
       activity[S] = S; gone[S] = true; current[me] = NONE
    :: current[me] == t && killed[t] -> gone[t] = true; current[me] = NONE
    :: else
    fi
}

proctype cpu(byte me; byte t)
{
    byte late_wait = NONE, late_activity = NONE, late_value, r;
    bool seen_killed, seen_other, took, found, idle, silent;

    do
    :: ipi[me] -> kernel_exit(t)
    :: !ipi[me] && current[me] == t && begun[t] == 0 -> fast_call(t)
    :: !ipi[me] && current[me] == S && !silent ->
       if
       :: fast_reply(t)
       :: silent = true /* it works on for ever */
       fi
    :: !ipi[me] && (current[me] == NONE || current[me] == S && silent) && ready[t] ->
       ready[t] = false; current[me] = t; ipi[me] = true /* S, if it was here, is preempted for good */
    :: over && !ipi[me] && !(current[me] == t && begun[t] == 0) && !(current[me] == S && !silent) &&
       !((current[me] == NONE || current[me] == S) && ready[t]) -> break
    od
}

inline kill(t)
{
    killed[t] = true;      /* ATOMIC_OR */
    wait_cancel(t, found);
    if
    :: found && ready[t] && t == S -> ready[S] = false; gone[S] = true
    :: !found -> ipi[HOME_CPU(activity[t])] = true /* sched_kick: where its activity is */
    :: else
    fi;
    found = false
}

inline revoke(t)
{
    d_step { epoch++; revoked[t] = true } /* cap_revoke_publish */
    slot[t] = false;
    lock();                /* endpoint_revoked */
    if
    :: list[t] != NOWHERE -> abort_wait(t); found = true
    :: else
    fi;
    unlock();
    if
    :: found -> wake(t)
    :: else
    fi;
    found = false;
    returned[t] = true
}

proctype others()
{
    byte left = EVENTS;
    bool found;

    do
    :: left > 0 && !killed[A] -> left--; kill(A)
    :: left > 0 && !killed[S] -> left--; kill(S)
    :: left > 0 -> left--; wait_cancel(A, found); found = false
    :: left > 0 && !revoked[A] -> left--; revoke(A)
    :: left > 0 && !revoked[S] -> left--; revoke(S)
    :: left > 0 && slot[A] -> left--; slot[A] = false /* close: a wait goes on */
    :: break
    od;
    over = true
}

init
{
    atomic {
        activity[A] = A; activity[S] = S; activity[B] = B;
        slot[A] = true; slot[S] = true; slot[B] = true;
        slot_epoch[A] = 1; slot_epoch[S] = 1; slot_epoch[B] = 1; mark[S] = 1;
        list[S] = RECEIVERS; wait_lock[S] = true;
        current[0] = A;
        run cpu(0, A);
#ifdef SECOND
        current[1] = B;
        run cpu(1, B);
#endif
        run others()
    }
    /* Nothing can move any more. */
    timeout;
    assert(!endpoint && mail[0] == NONE && mail[1] == NONE && recheck[0] == NONE && recheck[1] == NONE);
    assert(!(killed[A] && list[A] != NOWHERE) && !(killed[S] && list[S] != NOWHERE));
    assert(!(revoked[A] && list[A] != NOWHERE) && !(revoked[S] && list[S] != NOWHERE));
    assert(!killed[A] || gone[A]);
    assert(list[A] != SERVED || (serving == A && !gone[S] && activity[S] == A));
    assert(list[B] != SERVED || (serving == B && !gone[S] && activity[S] == B));
    assert(ended[A] + (list[A] == SERVED -> 1 : 0) == begun[A] && ended[B] + (list[B] == SERVED -> 1 : 0) == begun[B])
}
