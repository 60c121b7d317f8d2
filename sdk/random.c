/*
 * The seed is the secret halves of this process's capability handles (each 32 bits from the
 * kernel's generator), the places where the kernel put things, RDRAND where the CPU has it, and the
 * time-stamp counter.
 */
#include "ferrous/random.h"

#include "abi/info_page.h"
#include "ferrous/lock.h"
#include "ferrous/start.h"
#include "ferrous/time.h"
#include "lib/chacha.h"
#include "lib/string.h"

#define CPUID_FEATURES   1u
#define CPUID_ECX_RDRAND (1u << 30)
#define RDRAND_WORDS     8u
#define RDRAND_TRIES     10u

struct seed {
    cap_t caps[SPAWN_MAX_CAPS + 2];
    u64 addresses[4];
    u64 hardware[RDRAND_WORDS];
    u64 ticks;
    u64 boot_id;
};

static struct mutex lock = MUTEX_INIT;
static struct random generator;
static bool seeded;

static bool has_rdrand(void)
{
    u32 a = CPUID_FEATURES;
    u32 b;
    u32 c = 0;
    u32 d;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return (c & CPUID_ECX_RDRAND) != 0;
}

static u64 rdrand(void)
{
    u64 value = 0;

    for (u32 i = 0; i < RDRAND_TRIES; i++) {
        u8 ok;

        __asm__ volatile("rdrand %0\n\tsetc %1" : "=r"(value), "=qm"(ok) : : "cc");
        if (ok != 0)
            break;
    }
    return value;
}

static void seed_generator(void)
{
    const struct start_info *info = start_info();
    struct seed seed;

    memset(&seed, 0, sizeof(seed));
    memcpy(seed.caps, info->caps, sizeof(info->caps));
    seed.caps[SPAWN_MAX_CAPS] = info->self;
    seed.caps[SPAWN_MAX_CAPS + 1] = info->main_thread;
    seed.addresses[0] = info->message_buffer;
    seed.addresses[1] = info->info_page;
    seed.addresses[2] = info->stack_top;
    seed.addresses[3] = (u64)(uintptr_t)&seed_generator;
    if (has_rdrand()) {
        for (u32 i = 0; i < RDRAND_WORDS; i++)
            seed.hardware[i] = rdrand();
    }
    seed.ticks = time_ticks();
    seed.boot_id = start_info_page()->boot_id;
    random_init(&generator, &seed, sizeof(seed));
    memory_wipe(&seed, sizeof(seed));
    seeded = true;
}

void random_fix(u64 seed)
{
    mutex_lock(&lock);
    random_init(&generator, &seed, sizeof(seed));
    seeded = true;
    mutex_unlock(&lock);
}

void random_bytes(void *out, size_t size_bytes)
{
    mutex_lock(&lock);
    if (!seeded)
        seed_generator();
    random_fill(&generator, out, size_bytes);
    mutex_unlock(&lock);
}

u64 random_value(void)
{
    u64 value;

    random_bytes(&value, sizeof(value));
    return value;
}

u64 random_value_below(u64 limit)
{
    u64 value;

    mutex_lock(&lock);
    if (!seeded)
        seed_generator();
    value = random_below(&generator, limit);
    mutex_unlock(&lock);
    return value;
}
