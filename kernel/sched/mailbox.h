/*
 * Mailboxes: what one CPU asks of another. Lock-free, many writers, one reader; the mail is
 * embedded in what it is about and is in at most one mailbox.
 */
#ifndef SCHED_MAILBOX_H
#define SCHED_MAILBOX_H

#include "core/cpu.h"

struct mail {
    struct mail *next;
    void (*handle)(struct mail *mail); /* on the receiving CPU, at its next kernel exit */
};

/* Taken until `handle` is called. Interrupts the CPU if its box was empty. */
void mailbox_post(u32 cpu_index, struct mail *mail);

/* Handles all mail of this CPU, oldest first. */
void mailbox_drain(struct cpu *cpu);

static inline bool mailbox_is_empty(const struct cpu *cpu)
{
    return ATOMIC_LOAD(&cpu->mailbox) == NULL;
}

#endif
