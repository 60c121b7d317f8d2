#include "clock_scale.h"

#include "unit.h"

#define SECOND 1000000000ull
#define YEAR   (365 * 24 * 3600 * SECOND)

TEST(a_counter_of_one_tick_per_nanosecond_is_its_own_clock)
{
    u64 factor = scale_factor(2000000, 2000000);
    EXPECT_EQ(factor, 1ull << 32);
    EXPECT_EQ(scale(YEAR * 100, factor), YEAR * 100);
}

TEST(an_hpet_period_of_ten_nanoseconds_is_exact)
{
    u64 factor = scale_of_period_fs(10000000);
    EXPECT_EQ(scale(123456789, factor), 1234567890);
}

TEST(the_longest_hpet_period_fits)
{
    EXPECT_EQ(scale_of_period_fs(100000000), 100ull << 32);
}

TEST(scaling_loses_less_than_a_tenth_of_a_millisecond_a_day)
{
    u64 hz = 2596123457;
    u64 factor = scale_factor(SECOND, hz);
    u64 day = 24 * 3600;
    u64 measured = scale(hz * day, factor);
    EXPECT_LE(measured, day * SECOND);
    EXPECT_LT(day * SECOND - measured, 100000);
}

TEST(scaling_is_monotonic)
{
    u64 factor = scale_factor(2000000, 5192247);
    u64 last = 0;
    for (u64 i = 0; i < 100000; i++) {
        u64 now = scale(i, factor);
        EXPECT_LE(last, now);
        last = now;
    }
}

TEST(a_timer_never_gets_zero_ticks_and_never_fires_early)
{
    u64 one = 1ull << 32;
    EXPECT_EQ(timer_ticks(0, one), 1);
    EXPECT_LE(1000, timer_ticks(1000, one));
    EXPECT_LE(62, timer_ticks(1000, one / 16));
}

TEST(a_delay_too_long_for_the_timer_is_cut)
{
    EXPECT_EQ(timer_ticks(UINT64_MAX, 1ull << 32), UINT32_MAX);
    EXPECT_EQ(timer_ticks(UINT64_MAX, UINT64_MAX), UINT32_MAX);
    EXPECT_EQ(timer_ticks(UINT32_MAX, 1ull << 32), UINT32_MAX);
}
