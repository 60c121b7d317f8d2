/* Random bits from the CPU, else from the jitter of its time-stamp counter. */
#include "arch/time.h"
#include "cpu_features.h"
#include "x86.h"

#define HARDWARE_TRIES 32u
#define JITTER_ROUNDS  64u

/* SAFETY (this file): RDSEED and RDRAND change a register and the carry flag only. */
static bool rdseed(u64 *value)
{
    bool ok;
    __asm__ volatile("rdseed %0" : "=r"(*value), "=@ccc"(ok));
    return ok;
}

static bool rdrand(u64 *value)
{
    bool ok;
    __asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(ok));
    return ok;
}

/* Each round adds what memory and pipeline made of the time since the last. */
static u64 jitter(void)
{
    static volatile u64 work[64];
    u64 pool = x86_rdtsc();
    for (u32 i = 0; i < JITTER_ROUNDS; i++) {
        work[(pool >> 7) % ARRAY_SIZE(work)] += pool;
        pool ^= x86_rdtsc() + (pool << 13);
        pool *= 0x9e3779b97f4a7c15ull; /* spreads low bits over the word */
        pool ^= pool >> 29;
    }
    return pool;
}

u64 arch_entropy(void)
{
    u64 value;
    for (u32 i = 0; i < HARDWARE_TRIES && cpu_has(FEATURE_RDSEED); i++)
        if (rdseed(&value))
            return value;
    for (u32 i = 0; i < HARDWARE_TRIES && cpu_has(FEATURE_RDRAND); i++)
        if (rdrand(&value))
            return value;
    return jitter();
}
