#include "descriptors.h"

#include "offsets.h"
#include "unit.h"

/* Reads a gate field by field, as the CPU does (Intel SDM 3A, figure 6-8). */
static u64 gate_target(struct idt_gate gate)
{
    return (gate.low & 0xffff) | (gate.low >> 48) << 16 | gate.high << 32;
}

TEST(a_gate_holds_its_whole_address)
{
    const u64 addresses[] = {0, 0x1234, 0xffffffff80123456, 0x123456789abcdef0, ~0ull};
    for (u32 i = 0; i < ARRAY_SIZE(addresses); i++)
        EXPECT_EQ(gate_target(idt_gate_encode(addresses[i], 0, 0)), addresses[i]);
}

TEST(a_gate_is_a_present_interrupt_gate_in_the_kernel_segment)
{
    struct idt_gate gate = idt_gate_encode(~0ull, 0, 0);
    EXPECT_EQ(gate.low >> 16 & 0xffff, SELECTOR_KERNEL_CODE);
    EXPECT_EQ(gate.low >> 32 & 0xff, 0);
    EXPECT_EQ(gate.low >> 40 & 0xff, 0x8e);
}

TEST(stack_index_and_privilege_go_where_they_belong)
{
    struct idt_gate gate = idt_gate_encode(0, 5, 3);
    EXPECT_EQ(gate.low >> 32 & 7, 5);
    EXPECT_EQ(gate.low >> 45 & 3, 3);
    EXPECT_EQ(idt_gate_encode(0, 8, 4).low, idt_gate_encode(0, 0, 0).low);
}

TEST(a_tss_descriptor_holds_base_and_limit)
{
    u64 words[2];
    u64 base = 0xffffffff9abcdef0;
    tss_descriptor_encode(base, 0xabcde, words);
    EXPECT_EQ((words[0] >> 16 & 0xffffff) | (words[0] >> 56) << 24 | words[1] << 32, base);
    EXPECT_EQ((words[0] & 0xffff) | (words[0] >> 48 & 0xf) << 16, 0xabcde);
    EXPECT_EQ(words[0] >> 40 & 0xff, 0x89);
}

TEST(stacks_lie_in_the_tss_where_the_cpu_looks)
{
    struct tss tss = {0};
    tss_set_stack(&tss, 0x1122334455667788);
    tss_set_ist(&tss, 1, 0xa1a2a3a4a5a6a7a8);
    tss_set_ist(&tss, 7, 0xb1b2b3b4b5b6b7b8);
    u64 value;
    __builtin_memcpy(&value, (u8 *)&tss + 4, 8);
    EXPECT_EQ(value, 0x1122334455667788);
    __builtin_memcpy(&value, (u8 *)&tss + 36, 8);
    EXPECT_EQ(value, 0xa1a2a3a4a5a6a7a8);
    __builtin_memcpy(&value, (u8 *)&tss + 84, 8);
    EXPECT_EQ(value, 0xb1b2b3b4b5b6b7b8);
}
