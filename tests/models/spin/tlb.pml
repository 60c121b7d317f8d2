/*
 * TLB shootdown by generations and grace periods against the reuse of a frame.
 * Stands for vspace_flush, vspace_load and vspace_exit_check (kernel/mm/vspace.c, vspace.h), the order in which
 * report_quiescent, come_to and idle_enter call them (kernel/sched/sched.c), and kernel/core/grace.c.
 *
 * CPU 0 unmaps the one page of space V, asks for the flush and gives the frame to somebody else after one grace period (the
 * kernel waits for more than one; one must do). CPU 1 runs user code in V, enters the kernel whenever it likes, changes to
 * another space, idles, comes back. Its TLB may take in the translation at any moment while V's tables are loaded, in the
 * kernel too. Either CPU may have begun grace periods for something else.
 *
 * Shown: user code never reaches the frame by an old translation once it has been given away, nor once the unmapping has
 * returned: at once if vspace_flush found that nobody has the space loaded, else after the grace period. The interrupt that is
 * sent may take its time: nothing but speed depends on it.
 *
 * Broken: BREAK_LOAD_ORDER    the tables are loaded before the CPU publishes that it has them
 *         BREAK_IDLE_LOADED   an idle CPU keeps the user's tables, and counts as quiescent
 *         BREAK_NO_GRACE      the frame is given away right after the flush was asked for
 *         BREAK_PERIOD_LATE   the period that is reported is read after the translations were dropped
 *         BREAK_SECOND_REPORT a period that began meanwhile is reported without another look at the generation
 *         BREAK_OWN_REPORT    the same, only of a period that the CPU began itself (another CPU may wait for it, too)
 */
#define NOBODY 0
#define V      1
#define OTHER  2

bool pte = true;           /* the entry maps the frame */
bool tlb[2];               /* the CPU has the translation */
byte loaded[2];            /* the tables the walker uses: CR3 */
bool loaded_on[2];         /* V's mask */
byte generation;           /* V's */
byte loaded_generation[2];
bool flying, ipi;          /* sent to CPU 1; pending there */
bool given_away, returned;
bool finished;

/* core/grace.c */
byte current, completed, seen[2];
bool idle[2];

inline try_complete(period, done)
{
    period = current;
    done = completed;
    if
    :: done < period ->
       if
       :: seen[0] >= period || idle[0] ->
          if
          :: seen[1] >= period || idle[1] -> atomic { if :: completed == done -> completed = period :: else fi }
          :: else
          fi
       :: else
       fi
    :: else
    fi;
    period = 0; done = 0
}

/* `read` is the period that is reported. */
inline quiescent(cpu, reported, period, done)
{
    if
    :: seen[cpu] != reported -> seen[cpu] = reported; try_complete(period, done)
    :: else
    fi
}

/* In `begun` the number of a period that begins now or later: begin_period and advance. */
inline begin_period(period, begun, mine)
{
    period = current;
    if
    :: completed < period -> begun = (begun == 0 -> period + 1 : begun)
    :: else ->
       atomic {
           if
           :: current == period -> current = period + 1; mine = true; begun = (begun == 0 -> period + 1 : begun)
           :: else -> begun = (begun == 0 -> period + 2 : begun)
           fi
       }
    fi;
    period = 0
}

/* Switches the hardware: other translations go. */
inline root_load(cpu, space) { d_step { loaded[cpu] = space; tlb[cpu] = false } }

inline space_load(cpu, space)
{
    if
    :: loaded[cpu] == space
    :: else ->
#ifdef BREAK_LOAD_ORDER
       if
       :: space == V ->
          loaded_generation[cpu] = generation;
          root_load(cpu, V);
          loaded_on[cpu] = true
       :: else -> root_load(cpu, space); loaded_on[cpu] = false
       fi
#else
       if
       :: space == V ->
          loaded_on[cpu] = true;
          loaded_generation[cpu] = generation;
          root_load(cpu, V)
       :: else ->
          root_load(cpu, space);
          loaded_on[cpu] = false /* after the load: until then the old translations are there */
       fi
#endif
    fi
}

inline exit_check(cpu)
{
    if
    :: loaded[cpu] == V && loaded_generation[cpu] != generation ->
       loaded_generation[cpu] = generation;
       tlb[cpu] = false
    :: else
    fi
}

proctype walker()
{
end:
    do
    :: atomic { loaded[1] == V && pte && !tlb[1] -> tlb[1] = true }
    od
}

/* Delivery of the interrupt. */
proctype wire()
{
end:
    do
    :: atomic { flying -> flying = false; ipi = true }
    od
}

proctype unmapper()
{
    byte period, done, target, reported;
    bool mine;

    if                                             /* something else waits for a period already */
    :: begin_period(period, target, mine); reported = current; quiescent(0, reported, period, done)
    :: true
    fi;
    target = 0; reported = 0;
    pte = false;                                   /* region_clear_entries, under the space's lock */
    generation++;                                  /* vspace_flush */
    if
    :: loaded_on[1] -> flying = true               /* arch_ipi_send */
    :: else -> returned = true                     /* nobody to wait for */
    fi;
#ifndef BREAK_NO_GRACE
    /* grace_defer has been called; advance() at each kernel exit until a period of ours has begun. */
    do
    :: target != 0 && completed >= target -> break
    :: else ->
       reported = current;
       quiescent(0, reported, period, done);
       if
       :: target == 0 || current < target -> begin_period(period, target, mine)
       :: else
       fi;
       reported = 0
    od;
#endif
    returned = true;
    given_away = true;
    finished = true
}

/* report_quiescent, with a callback of its own at some time. */
inline report(own, mine, begun, reported, period, done)
{
#ifndef BREAK_PERIOD_LATE
    reported = current;
#endif
    exit_check(1);
#ifdef BREAK_PERIOD_LATE
    reported = current;
#endif
    quiescent(1, reported, period, done);
    if
    :: own < 2 && !finished -> begin_period(period, begun, mine); own++; begun = 0
    :: true
    fi;
    if
#ifdef BREAK_OWN_REPORT
    :: current != reported && current == reported + 1 && mine ->
#else
    :: current != reported ->                      /* a second time */
#endif
       reported = current;
#if !defined(BREAK_SECOND_REPORT) && !defined(BREAK_OWN_REPORT)
       exit_check(1);
#endif
       quiescent(1, reported, period, done)
    :: else
    fi;
    reported = 0; mine = false
}

proctype runner()
{
    byte period, done, reported, begun;
    byte own;
    bool mine;

    do
    :: skip;
       report(own, mine, begun, reported, period, done);
       if
       :: true -> space_load(1, V)                 /* come_to */
       :: true -> space_load(1, OTHER)
       :: true ->                                  /* idle_enter */
#ifndef BREAK_IDLE_LOADED
          space_load(1, NOBODY);
#endif
          idle[1] = true;
          try_complete(period, done);
end_idle:
          if
          :: ipi -> ipi = false
          :: true                                  /* another interrupt */
          fi;
          idle[1] = false;                         /* grace_idle_leave, first thing in the entry */
          seen[1] = current;
#ifdef BREAK_IDLE_LOADED
          goto user;
#endif
          goto entered
       fi;
#ifdef BREAK_IDLE_LOADED
user:
#endif
       do
       :: atomic { !ipi && loaded[1] == V && tlb[1] -> assert(!given_away && !returned) } /* a user access */
       :: atomic { ipi -> ipi = false; break }     /* taken as soon as user code would run */
       :: true -> break                            /* a system call, a fault, the timer */
       od;
entered:
       skip
    :: finished -> break
    od
}

init
{
    atomic { loaded[0] = NOBODY; run walker(); run wire(); run unmapper(); run runner() }
}
