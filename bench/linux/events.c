/* What reaches a handler in user mode: a fault, a signal, a timer. */
#include "linux_bench.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define ROUNDS       256u
#define TIMER_ROUNDS 100u

static volatile uint64_t noted;
static volatile uint64_t taken;
static volatile unsigned arrived;

/* Goes on after the instruction that faulted: ud2 has two bytes. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
    ucontext_t *user = context;

    (void)signal;
    (void)info;
    user->uc_mcontext.gregs[REG_RIP] += 2;
}

static void on_signal(int signal)
{
    (void)signal;
}

static void on_alarm(int signal)
{
    taken = ticks() - noted;
    arrived++;
    (void)signal;
}

static void measure_alarm(void)
{
    struct itimerval when = {.it_value = {.tv_usec = 200}};

    for (unsigned i = 0; i < TIMER_ROUNDS + WARM_UP; i++) {
        unsigned seen = arrived;

        MUST(setitimer(ITIMER_REAL, &when, NULL) == 0);
        while (arrived == seen)
            noted = ticks();
        shared->samples[i] = taken;
    }
    report("timer_to_signal_handler", TIMER_ROUNDS, 1);
}

void bench_events(void)
{
    struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    struct sigaction user = {.sa_handler = on_signal};
    struct sigaction alarm = {.sa_handler = on_alarm};
    pid_t self = getpid();

    MUST(sigaction(SIGILL, &fault, NULL) == 0);
    MUST(sigaction(SIGUSR1, &user, NULL) == 0);
    MUST(sigaction(SIGALRM, &alarm, NULL) == 0);
    MEASURE("fault_signal", ROUNDS, 1, __asm__ volatile("ud2" : : : "memory"));
    MEASURE("signal_self", ROUNDS, 1, (void)call3(SYS_kill, self, SIGUSR1, 0));
    measure_alarm();
}
