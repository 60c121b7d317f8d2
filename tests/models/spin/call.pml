/*
 * A call within a call, lent activities, and everything that can end a call: reply, deadline or cancel, the server's death.
 * Stands for kernel/ipc/send.c (endpoint_call), receive.c (complete, take_sender, endpoint_reply_receive), endpoint.c
 * (abort_reply), kernel/sched/lend.c, wait.c (end_if), the parts of sched.c and balance.c that move activities, and
 * process_end_thread in kernel/proc/end.c.
 *
 * Thread A calls B by endpoint 1; B may call C by endpoint 2 before it answers. Two CPUs run whatever is ready, preempt, and
 * send ready activities to each other. EVENTS times something ends from outside the wait that A or B is in with a call; with
 * KILL, B may be killed at any moment.
 *
 * Shown: A's call ends exactly once and A runs on its own activity again; an activity has one place: it runs on at most one
 * CPU, for the thread that says so; at the end every thread that is left has its own activity, nothing is lent, no mail is
 * under way; a reply that comes late finds no caller; nobody waits for ever.
 *
 * Broken: BREAK_NO_CLAIMS     taking back does not ask whether the lending stands
 *         BREAK_NO_COUNT      it does not ask whether the activity was lent on while it was looked at
 *         BREAK_CPU_LATE      lending counts before it says that the activity is here now
 *         BREAK_NO_LOCK       a blocked borrower's activity is taken without the lock of its wait
 *         BREAK_ABORT_LINKS   a caller that leaves does not cut the link from its server
 *         BREAK_NO_RECHECK    a thread that blocks does not look whether it has been killed
 */
#ifndef EVENTS
#define EVENTS 2
#endif

#define A    0
#define B    1
#define C    2
#define NONE 15
#define CPUS 2

#define IDLE    0
#define READY   1
#define RUNNING 2
#define MOVING  3

#define NOWHERE   0
#define SENDERS   1
#define RECEIVERS 2
#define SERVED    3

/* Threads. A thread's home activity has its number. */
byte activity[3], lent[3] = NONE, lent_number[3], lent_depth[3];
byte serving[3] = NONE, server[3] = NONE, call_endpoint[3] = NONE;
byte wait_lock[3];         /* endpoint; 0: not waiting */
byte list[3];
byte at[3];                /* how far its program is */
byte mail[3] = NONE;       /* the CPU in whose box its wake mail is */
bool killed[3], gone[3], failed[3];
byte ended;                /* how often A's call has ended */

/* Activities. */
byte on[3];                /* activity->thread */
byte cpu_of[3], state[3], depth[3], lendings[3];
byte claims[9];            /* three for each */

bit lock[3];               /* of endpoints 1 and 2 */
byte current[CPUS] = NONE, recheck[CPUS] = NONE;
byte events, kills;

inline spin_lock(which) { atomic { lock[which] == 0 -> lock[which] = 1 } }
inline spin_unlock(which) { lock[which] = 0 }

#define STANDS(t) (depth[lent[t]] > lent_depth[t] && claims[3 * lent[t] + lent_depth[t]] == lent_number[t])

#define CAN_RUN(a) (state[a] == READY && cpu_of[a] == me)

/* --- kernel/sched --- */

inline mailbox_post(t, where) { atomic { assert(mail[t] == NONE); mail[t] = where } }

inline enqueue(x) { d_step { assert(state[x] == IDLE && cpu_of[x] == me && on[x] != NONE && activity[on[x]] == x); state[x] = READY } }

inline go_home(t) { d_step { cpu_of[t] = me; state[t] = RUNNING } }

inline settle(t)
{
    if
    :: activity[t] == t
    :: else -> d_step { on[activity[t]] = NONE; state[activity[t]] = IDLE; activity[t] = t }; go_home(t)
    fi
}

inline lend(from, to)
{
    x = activity[from];
#ifndef BREAK_CPU_LATE
    cpu_of[x] = me;        /* before the count: see take_back */
#endif
    lendings[x]++;
    d_step {
        lent[from] = x; lent_number[from] = lendings[x]; lent_depth[from] = depth[x];
        claims[3 * x + depth[x]] = lendings[x]; depth[x]++
    }
    activity[from] = NONE;
    on[x] = to;
#ifdef BREAK_CPU_LATE
    cpu_of[x] = me;
#endif
    activity[to] = x
}

/* Whether `to` has its lent activity again, on this CPU, in `still`. `from` is current. */
inline give_back(from, to)
{
    d_step {
        x = activity[from];
        still = (lent[to] == x && STANDS(to));
        if
        :: still ->
           cpu_of[from] = me; state[from] = IDLE; activity[from] = from;
           claims[3 * x + lent_depth[to]] = 0;
           depth[x] = lent_depth[to]; on[x] = to; state[x] = IDLE; activity[to] = x
        :: else -> activity[to] = to
        fi;
        lent[to] = NONE; lent_number[to] = 0; lent_depth[to] = 0
    }
}

#ifdef BREAK_NO_COUNT
#define LENT_SINCE true
#else
#define LENT_SINCE (lendings[x] == n)
#endif

/* Whoever runs on activity x goes on with its own: `ok`. */
inline detach_borrower()
{
    s = state[x];
    b = on[x];
    ok = true;
    if
#ifndef BREAK_NO_COUNT
    :: lendings[x] != n -> ok = false /* another CPU has taken it over since it was found to be here */
#endif
    :: LENT_SINCE && b == NONE
    :: LENT_SINCE && b != NONE && s == IDLE ->
#ifndef BREAK_NO_LOCK
       l = wait_lock[b];
       if
       :: l != 0 -> spin_lock(l)
       :: else
       fi;
       ok = (wait_lock[b] == l && on[x] == b && cpu_of[x] == me);
#endif
       if
       :: ok -> cpu_of[b] = me; activity[b] = b
       :: else
       fi;
#ifndef BREAK_NO_LOCK
       if
       :: l != 0 -> spin_unlock(l)
       :: else
       fi;
       l = 0
#endif
    :: LENT_SINCE && b != NONE && s != IDLE ->
       d_step { state[x] = IDLE; cpu_of[b] = me; activity[b] = b }
       if
       :: s == RUNNING -> assert(current[me] == b); go_home(b)
       :: s == READY -> enqueue(b)
       :: else /* its wake mail is on the way here */
       fi
    fi;
    s = 0; b = 0
}

/* sched_wake_mail with take_back */
inline wake_mail(t)
{
    x = NONE;
    if
    :: activity[t] != NONE -> x = activity[t]
    :: else ->
       do
       :: x = lent[t];
          n = lendings[x];
          s = cpu_of[x];
          if
          :: s != me -> mailbox_post(t, s); x = NONE; break
          :: else
          fi;
#ifndef BREAK_NO_CLAIMS
          if
          :: !STANDS(t) -> activity[t] = t; x = t; break
          :: else
          fi;
#endif
          detach_borrower();
          if
          :: ok ->
             d_step {
                 do
                 :: depth[x] > lent_depth[t] -> depth[x]--; claims[3 * x + depth[x]] = 0
                 :: else -> break
                 od;
                 on[x] = t; state[x] = IDLE; activity[t] = x
             }
             break
          :: else
          fi
       od;
       s = 0;
       if
       :: x != NONE -> d_step { lent[t] = NONE; lent_number[t] = 0; lent_depth[t] = 0 }
       :: else
       fi
    fi;
    n = 0;
    if
    :: x == NONE
    :: x != NONE && cpu_of[x] != me -> mailbox_post(t, cpu_of[x])
    :: x != NONE && cpu_of[x] == me -> state[x] = IDLE; enqueue(x)
    fi;
    x = 0; ok = false
}

inline wake(t)
{
    x = activity[t];
    if
    :: x == NONE -> x = lent[t]
    :: else
    fi;
    s = cpu_of[x];
    if
    :: s == me -> s = 0; wake_mail(t)
    :: else -> mailbox_post(t, s); s = 0
    fi;
    x = 0
}

inline wait_begin(t, which, where)
{
    list[t] = where;
    if
    :: activity[t] != NONE -> state[activity[t]] = IDLE
    :: else
    fi;
    current[me] = NONE;
    wait_lock[t] = which;
#ifndef BREAK_NO_RECHECK
    if
    :: killed[t] -> recheck[me] = t
    :: else
    fi
#endif
}

inline wait_end(t) { d_step { list[t] = NOWHERE; wait_lock[t] = 0 } }

/* end_if: ends the wait that the thread is in, if it is in one and, with `calls_only`, it is that of a call. */
inline wait_cancel(t, calls_only)
{
    do
    :: l = wait_lock[t];
       if
       :: l == 0 -> break
       :: else
       fi;
       spin_lock(l);
       if
       :: wait_lock[t] == l ->
          ok = !(calls_only && list[t] == RECEIVERS);
          if
          :: ok ->
             if
             :: list[t] == SERVED -> /* abort_reply */
#ifdef BREAK_ABORT_LINKS
                server[t] = NONE
#else
                d_step { serving[server[t]] = NONE; server[t] = NONE; call_endpoint[t] = NONE }
#endif
             :: else
             fi;
             wait_end(t);
             failed[t] = true
          :: else
          fi;
          spin_unlock(l);
          l = 0;
          if
          :: ok -> ok = false; wake(t)
          :: else
          fi;
          break
       :: else -> spin_unlock(l)
       fi
    od;
    l = 0; ok = false
}

/* --- kernel/ipc --- */

inline begin_service(caller, to, which)
{
    d_step { server[caller] = to; serving[to] = caller; call_endpoint[caller] = which }
    lend(caller, to)
}

/* endpoint_call; `to` is who may wait there. */
inline call(caller, to, which)
{
    spin_lock(which);
    if
    :: wait_lock[to] == which && list[to] == RECEIVERS ->
       wait_end(to);
       begin_service(caller, to, which);
       wait_begin(caller, which, SERVED);
       at[to]++;
       spin_unlock(which);
       x = activity[to];
       assert(current[me] == NONE && cpu_of[x] == me); /* sched_switch_to */
       state[x] = RUNNING;
       current[me] = to
    :: else -> wait_begin(caller, which, SENDERS); spin_unlock(which)
    fi;
    x = 0
}

/* The caller that now has an answer, in `c`; NONE: there is none. */
inline complete(t)
{
    still = false;
    c = serving[t];
    l = (c == NONE -> NONE : call_endpoint[c]);
    if
    :: l == NONE -> c = NONE
    :: else ->
       spin_lock(l);
       if
       :: serving[t] != c || call_endpoint[c] != l -> c = NONE
       :: else ->
          d_step { serving[t] = NONE; server[c] = NONE; call_endpoint[c] = NONE }
          wait_end(c);
          give_back(t, c)
       fi;
       spin_unlock(l)
    fi;
    l = 0;
    if
    :: c == NONE -> settle(t)
    :: else
    fi
}

/* receive on an endpoint where only `from` sends */
inline receive(t, from, which)
{
    spin_lock(which);
    if
    :: wait_lock[from] == which && list[from] == SENDERS -> /* take_sender */
       list[from] = SERVED;
       settle(t);
       state[t] = IDLE;
       begin_service(from, t, which);
       state[activity[t]] = RUNNING;
       at[t] = 1
    :: else -> at[t] = 0; wait_begin(t, which, RECEIVERS)
    fi;
    spin_unlock(which);
    x = 0
}

inline reply_receive(t, from, which)
{
    complete(t);
    receive(t, from, which);
    if
    :: c != NONE && still && current[me] == NONE -> /* sched_switch_to */
       x = activity[c];
       assert(cpu_of[x] == me && on[x] == c);
       state[x] = RUNNING;
       current[me] = c
    :: c != NONE && still && current[me] != NONE -> x = activity[c]; enqueue(x)
    :: c != NONE && !still -> wake(c)
    :: c == NONE
    fi;
    if
    :: current[me] == t && activity[t] == t && state[t] != RUNNING -> go_home(t)
    :: else
    fi;
    x = 0; c = 0; still = false
}

/* process_end_thread */
inline end_thread(t)
{
    complete(t);
    if
    :: c != NONE && still -> failed[c] = true; go_home(t); x = activity[c]; enqueue(x)
    :: c != NONE && !still -> failed[c] = true; wake(c)
    :: c == NONE
    fi;
    /* complete has settled already if there was no caller. */
    d_step { current[me] = NONE; state[t] = IDLE; gone[t] = true; at[t] = 9 }
    x = 0; c = 0; still = false
}

/* One step of the current thread's program. */
inline step()
{
    assert(activity[t] != NONE && on[activity[t]] == t && state[activity[t]] == RUNNING && cpu_of[activity[t]] == me);
    assert(wait_lock[t] == 0 && !gone[t]);
    if
    :: killed[t] -> end_thread(t)
    :: !killed[t] && t == A && at[A] == 0 -> at[A] = 1; call(A, B, 1)
    :: !killed[t] && t == A && at[A] == 1 ->
       ended++;
       assert(ended == 1 && activity[A] == A && lent[A] == NONE);
       d_step { current[me] = NONE; state[A] = IDLE; gone[A] = true; at[A] = 9 }
    :: !killed[t] && t == B && at[B] == 0 -> receive(B, A, 1)
    :: !killed[t] && t == B && at[B] == 1 -> at[B] = 2; call(B, C, 2)
    :: !killed[t] && t == B && (at[B] == 1 || at[B] == 2) -> reply_receive(B, A, 1)
    :: !killed[t] && t == C && at[C] == 0 -> receive(C, B, 2)
    :: !killed[t] && t == C && at[C] == 1 -> reply_receive(C, B, 2)
    fi
}

proctype cpu(byte me)
{
    byte x, b, l, s, c, t, n;
    bool ok, still;

end:
    do
    /* sched_exit */
    :: recheck[me] != NONE -> t = recheck[me]; recheck[me] = NONE; wait_cancel(t, false); t = 0
    :: atomic { recheck[me] == NONE && mail[A] == me -> mail[A] = NONE }; wake_mail(A)
    :: atomic { recheck[me] == NONE && mail[B] == me -> mail[B] = NONE }; wake_mail(B)
    :: atomic { recheck[me] == NONE && mail[C] == me -> mail[C] = NONE }; wake_mail(C)
    :: atomic {
           recheck[me] == NONE && current[me] == NONE && (CAN_RUN(A) || CAN_RUN(B) || CAN_RUN(C));
           if
           :: CAN_RUN(A) -> x = A
           :: CAN_RUN(B) -> x = B
           :: CAN_RUN(C) -> x = C
           fi;
           state[x] = RUNNING;
           current[me] = on[x];
           assert(current[1 - me] != on[x]);
           x = 0
       }
    :: recheck[me] == NONE && current[me] != NONE && mail[A] != me && mail[B] != me && mail[C] != me ->
       t = current[me];
       step();
       t = 0
    /* preempt */
    :: atomic { recheck[me] == NONE && current[me] != NONE -> t = current[me]; current[me] = NONE; state[activity[t]] = READY; t = 0 }
#ifdef MOVES
    /* sched_send_to: the other CPU idles */
    :: atomic {
           recheck[me] == NONE && current[1 - me] == NONE && (CAN_RUN(A) || CAN_RUN(B) || CAN_RUN(C));
           if
           :: CAN_RUN(A) -> x = A
           :: CAN_RUN(B) -> x = B
           :: CAN_RUN(C) -> x = C
           fi;
           state[x] = MOVING; cpu_of[x] = 1 - me; assert(mail[on[x]] == NONE); mail[on[x]] = 1 - me;
           x = 0
       }
#endif
    /* a deadline, or somebody's cancel, handled on this CPU */
    :: atomic { events < EVENTS && recheck[me] == NONE && current[me] == NONE -> events++ }; wait_cancel(A, true)
    :: atomic { events < EVENTS && recheck[me] == NONE && current[me] == NONE -> events++ }; wait_cancel(B, true)
#ifdef KILL
    :: atomic { kills == 0 && recheck[me] == NONE && current[me] == NONE -> kills++ };
       killed[B] = true;
       wait_cancel(B, false)
#endif
    od
}

init
{
    atomic {
        activity[A] = A; activity[B] = B; activity[C] = C;
        on[A] = A; on[B] = B; on[C] = C;
        state[A] = READY; state[B] = READY; state[C] = READY;
        cpu_of[C] = 1; cpu_of[B] = 1;
        run cpu(0); run cpu(1)
    }
    /* Nothing moves any more. */
    timeout;
    assert(mail[A] == NONE && mail[B] == NONE && mail[C] == NONE);
    assert(lent[A] == NONE && lent[B] == NONE && lent[C] == NONE);
    assert(current[0] == NONE && current[1] == NONE);
    assert(state[A] == IDLE && state[B] == IDLE && state[C] == IDLE);
    assert(activity[A] == A && activity[B] == B && activity[C] == C);
    assert(ended == 1 && gone[A] || gone[B]);
    assert(!killed[B] || gone[B]);
    assert(depth[A] == 0 && depth[B] == 0 && depth[C] == 0);
    assert(gone[B] || (wait_lock[B] == 1 && list[B] == RECEIVERS));
    assert(wait_lock[C] == 2 && list[C] == RECEIVERS)
}
