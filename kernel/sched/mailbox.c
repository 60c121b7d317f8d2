/* Mailboxes: a stack by compare-and-swap, reversed by the reader. */
#include "sched/mailbox.h"

void mailbox_post(u32 cpu_index, struct mail *mail)
{
    struct cpu *cpu = cpu_at(cpu_index);
    struct mail *head = ATOMIC_LOAD(&cpu->mailbox);
    do {
        mail->next = head;
    } while (!ATOMIC_CAS(&cpu->mailbox, &head, mail));
    if (cpu == this_cpu())
        cpu->attention.look = 1;
    else if (head == NULL)
        arch_ipi_send(cpu_index);
}

void mailbox_drain(struct cpu *cpu)
{
    struct mail *stack = ATOMIC_EXCHANGE(&cpu->mailbox, NULL);
    struct mail *oldest = NULL;
    while (stack) {
        struct mail *next = stack->next;
        stack->next = oldest;
        oldest = stack;
        stack = next;
    }
    while (oldest) {
        struct mail *mail = oldest;
        oldest = mail->next;
        mail->handle(mail);
    }
}
