/*
 * Cross-CPU wake: mailbox and interrupt against idling, entering user mode and leaving it.
 * Stands for kernel/sched/mailbox.c (mailbox_post, mailbox_drain) and the end of sched_exit and idle_enter in
 * kernel/sched/sched.c.
 *
 * One CPU receives, two others post; each mail is posted twice. Handling the first mail of the receiver may post one of its
 * own to itself, for which no interrupt is sent (endpoint_holders_gone does so).
 *
 * Shown: no mail is lost whatever the receiver is doing; one sender's mails are handled in order; a mail is handled once for
 * each post; when nothing more happens the box is empty and the CPU idles or runs user code.
 *
 * Broken: BREAK_IPI_FIRST   the interrupt is sent before the mail is in the box
 *         BREAK_NO_RECHECK  the box is not looked at between the work and idling or user mode
 *         BREAK_NO_CAS      the mail is put in with a plain store
 */
#define POSTERS 2
#define SELF    3 /* the receiver's own mail; mails 1 and 2 are the posters' */
#define MAILS   4
#define NONE    0

byte mailbox;              /* head of the stack; NONE: empty */
byte next[MAILS];
bool ipi;                  /* an interrupt is pending at the receiver */
bool asleep;               /* the receiver waits for an interrupt, in idle or in user mode */
byte posted[MAILS], handled[MAILS];
bool self_used;

/* mailbox_post: true in `first` if the box was empty. */
inline push(mail, head, first)
{
    head = mailbox;        /* ATOMIC_LOAD */
    do
    :: next[mail] = head;
#ifdef BREAK_NO_CAS
       mailbox = mail;
       break
#else
       atomic {            /* ATOMIC_CAS */
           if
           :: mailbox == head -> mailbox = mail; break
           :: else -> head = mailbox
           fi
       }
#endif
    od;
    first = (head == NONE)
}

proctype poster(byte mail)
{
    byte head, times;
    bool first;

    do
    :: times == 2 -> break
    :: times < 2 ->
       times++;
       posted[mail]++;
#ifdef BREAK_IPI_FIRST
       if
       :: mailbox == NONE -> ipi = true
       :: else
       fi;
       push(mail, head, first);
#else
       push(mail, head, first);
       if
       :: first -> ipi = true /* arch_ipi_send */
       :: else
       fi;
#endif
       handled[mail] == times /* a mail is in one box at a time: posted again only when it was handled */
    od
}

proctype receiver()
{
    byte stack, oldest, mail, head, after;
    bool first;

entry:
    skip;                  /* mailbox_drain */
    d_step { stack = mailbox; mailbox = NONE; oldest = NONE } /* ATOMIC_EXCHANGE */
    do
    :: stack == NONE -> break
    :: else ->
       d_step { after = next[stack]; next[stack] = oldest; oldest = stack; stack = after }
    od;
    do
    :: oldest == NONE -> break
    :: else ->
       mail = oldest;
       oldest = next[mail];
       handled[mail]++;
       assert(handled[mail] <= posted[mail]);
       if
       :: mail != SELF && !self_used ->
          self_used = true;
          posted[SELF]++;
          push(SELF, head, first) /* to its own CPU: no interrupt */
       :: true
       fi
    od;
    if
    :: skip -> /* a thread to run: sched_exit looks into the box before it returns to user mode */
#ifndef BREAK_NO_RECHECK
       if
       :: mailbox != NONE -> goto entry
       :: else
       fi
#endif
    :: skip -> /* nothing to run: idle_enter */
#ifndef BREAK_NO_RECHECK
       if
       :: mailbox != NONE -> goto entry
       :: else
       fi
#endif
    fi;
    asleep = true;
end_wait:
    atomic { ipi -> ipi = false; asleep = false } /* interrupts are on only here */
    goto entry
}

init
{
    atomic { run receiver(); run poster(1); run poster(2) }
    /* Nothing can move any more. */
    timeout;
    assert(mailbox == NONE);
    assert(handled[1] == 2 && handled[2] == 2 && handled[SELF] == posted[SELF]);
    assert(asleep)
}
