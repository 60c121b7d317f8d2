/* Timer queues. */
#include "sched/timer.h"

#include "arch/time.h"

#define RUN_LIMIT 32u

struct timer_queue {
    struct spinlock lock;
    struct tree tree;
};

KERNEL_STATE static struct timer_queue queues[CPU_MAX];

u64 deadline_after(u64 ns)
{
    u64 now = arch_clock_ns();
    return ns < TIME_NEVER - now ? now + ns : TIME_NEVER;
}

void timer_subsystem_init(void)
{
    for (u32 i = 0; i < CPU_MAX; i++) {
        spinlock_init(&queues[i].lock, RANK_TIMER);
        if (i < cpu_count())
            cpu_at(i)->timer_next_ns = TIME_NEVER;
    }
}

void timer_init(struct timer *timer, void (*fire)(struct timer *timer, u64 now_ns))
{
    *timer = (struct timer){.fire = fire};
}

/* Queue lock held. */
static void update_next(struct timer_queue *queue)
{
    struct tree_node *first = tree_first(&queue->tree);
    struct cpu *cpu = cpu_at((u32)(queue - queues));
    ATOMIC_STORE(&cpu->timer_next_ns, first ? first->key : TIME_NEVER);
}

void timer_arm(struct timer *timer, u64 deadline_ns)
{
    u32 cpu = this_cpu()->index;
    struct timer_queue *queue = &queues[cpu];
    spin_lock(&queue->lock);
    timer->link.key = deadline_ns;
    ATOMIC_STORE(&timer->cpu, cpu);
    tree_insert(&queue->tree, &timer->link);
    ATOMIC_STORE(&timer->armed, 1);
    update_next(queue);
    this_cpu()->attention.look = 1;
    spin_unlock(&queue->lock);
}

void timer_cancel(struct timer *timer)
{
    while (ATOMIC_LOAD(&timer->armed)) {
        u32 cpu = ATOMIC_LOAD(&timer->cpu);
        struct timer_queue *queue = &queues[cpu];
        spin_lock(&queue->lock);
        /* It may have fired and been armed anew, elsewhere, before we had the lock. */
        if (timer->armed && timer->cpu == cpu) {
            tree_remove(&queue->tree, &timer->link);
            ATOMIC_STORE(&timer->armed, 0);
            update_next(queue);
        }
        spin_unlock(&queue->lock);
    }
}

static struct timer *take_due(struct timer_queue *queue, u64 now_ns)
{
    struct timer *timer = NULL;
    spin_lock(&queue->lock);
    struct tree_node *first = tree_first(&queue->tree);
    if (first && first->key <= now_ns) {
        timer = TREE_ENTRY(first, struct timer, link);
        tree_remove(&queue->tree, first);
        ATOMIC_STORE(&timer->armed, 0);
        update_next(queue);
    }
    spin_unlock(&queue->lock);
    return timer;
}

bool timer_run(u64 now_ns)
{
    const struct cpu *cpu = this_cpu();
    for (u32 i = 0; i < RUN_LIMIT && ATOMIC_LOAD(&cpu->timer_next_ns) <= now_ns; i++) {
        struct timer *timer = take_due(&queues[cpu->index], now_ns);
        if (timer)
            timer->fire(timer, now_ns);
    }
    return ATOMIC_LOAD(&cpu->timer_next_ns) <= now_ns;
}
