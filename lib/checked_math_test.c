#include "lib/checked_math.h"

#include "unit.h"

#define TOP UINT64_MAX

TEST(results_that_fit_are_written_and_others_are_not)
{
    u64 result = 99;

    EXPECT(checked_add(TOP - 1, 1, &result));
    EXPECT_EQ(result, TOP);
    result = 99;
    EXPECT(!checked_add(TOP, 1, &result));
    EXPECT_EQ(result, 99);
    EXPECT(checked_sub(5, 5, &result));
    EXPECT_EQ(result, 0);
    result = 99;
    EXPECT(!checked_sub(5, 6, &result));
    EXPECT_EQ(result, 99);
    EXPECT(checked_mul(1ull << 32, (1ull << 32) - 1, &result));
    EXPECT_EQ(result, 0xffffffff00000000ull);
    result = 99;
    EXPECT(!checked_mul(1ull << 32, 1ull << 32, &result));
    EXPECT_EQ(result, 99);
    EXPECT(checked_mul(TOP, 0, &result));
    EXPECT_EQ(result, 0);
}

TEST(alignment)
{
    u64 result = 99;

    EXPECT_EQ(align_down(4097, 4096), 4096);
    EXPECT_EQ(align_up(4097, 4096), 8192);
    EXPECT_EQ(align_up(4096, 4096), 4096);
    EXPECT_EQ(align_up(0, 4096), 0);
    EXPECT(is_aligned(0, 8));
    EXPECT(!is_aligned(4, 8));
    EXPECT(checked_align_up(TOP - 4095, 4096, &result));
    EXPECT_EQ(result, TOP - 4095);
    result = 99;
    EXPECT(!checked_align_up(TOP - 4094, 4096, &result));
    EXPECT_EQ(result, 99);
    EXPECT(is_power_of_two(1));
    EXPECT(is_power_of_two(1ull << 63));
    EXPECT(!is_power_of_two(0));
    EXPECT(!is_power_of_two(6));
}

TEST(containment_does_not_wrap)
{
    EXPECT(range_contains(10, 20, 10, 10));
    EXPECT(!range_contains(10, 20, 10, 11));
    EXPECT(!range_contains(10, 20, 9, 1));
    EXPECT(range_contains(10, 20, 20, 0));
    EXPECT(!range_contains(10, 20, 21, 0));
    EXPECT(!range_contains(10, 20, 15, TOP));
    EXPECT(range_fits(0, TOP, TOP));
    EXPECT(!range_fits(1, TOP, TOP));
    EXPECT(range_fits(7, 0, 7));
    EXPECT(!range_fits(8, 0, 7));
}

TEST(overlap_of_half_open_ranges)
{
    EXPECT(ranges_overlap(0, 10, 9, 20));
    EXPECT(!ranges_overlap(0, 10, 10, 20));
    EXPECT(ranges_overlap(5, 6, 0, 10));
    EXPECT(ranges_overlap(0, 10, 5, 6));
    EXPECT(!ranges_overlap(5, 5, 0, 10));
    EXPECT(!ranges_overlap(0, 10, 5, 5));
}
