#include "leak.h"

#include "unit.h"

#define SKYLAKE     0x5e
#define CASCADELAKE 0x55
#define BONNELL     0x1c

static const char *leak_of(bool intel, u32 family, u32 model, u64 capabilities)
{
    struct leak_facts facts = {intel, family, model, capabilities};
    const char *leak = cpu_leak_of(&facts);
    return leak ? leak : "none";
}

TEST(an_intel_cpu_that_says_nothing_is_taken_to_leak)
{
    EXPECT_STR_EQ(leak_of(true, 6, SKYLAKE, 0), "Meltdown");
}

TEST(other_capability_bits_do_not_clear_it)
{
    u64 others = ~(ARCH_CAPABILITY_RDCL_NO | ARCH_CAPABILITY_MDS_NO);
    EXPECT_STR_EQ(leak_of(true, 6, SKYLAKE, others), "Meltdown");
    EXPECT_STR_EQ(leak_of(true, 6, SKYLAKE, others | ARCH_CAPABILITY_MDS_NO), "Meltdown");
}

TEST(fixed_against_meltdown_only_it_still_leaks_by_mds)
{
    EXPECT_STR_EQ(leak_of(true, 6, CASCADELAKE, ARCH_CAPABILITY_RDCL_NO), "MDS");
}

TEST(fixed_against_both_it_is_accepted)
{
    u64 fixed = ARCH_CAPABILITY_RDCL_NO | ARCH_CAPABILITY_MDS_NO;
    EXPECT_STR_EQ(leak_of(true, 6, CASCADELAKE, fixed), "none");
}

TEST(in_order_atoms_and_other_makers_are_accepted)
{
    EXPECT_STR_EQ(leak_of(true, 6, BONNELL, 0), "none");
    EXPECT_STR_EQ(leak_of(false, 6, SKYLAKE, 0), "none");
    EXPECT_STR_EQ(leak_of(false, 0x17, 1, 0), "none");
    EXPECT_STR_EQ(leak_of(true, 15, 4, 0), "none");
}
