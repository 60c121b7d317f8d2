#include "ioapic_entry.h"

#include "unit.h"

static const struct boot_irq_override overrides[] = {
    {.irq = 0, .gsi = 2, .flags = 0},      /* as the bus has it */
    {.irq = 9, .gsi = 9, .flags = 0x0d},   /* active high, level */
    {.irq = 10, .gsi = 10, .flags = 0x0f}, /* active low, level */
    {.irq = 11, .gsi = 20, .flags = 0x05}, /* active high, edge */
};

static struct irq_route route_of(u32 irq)
{
    return irq_route_of(overrides, sizeof(overrides) / sizeof(overrides[0]), irq);
}

static void expect_route(u32 irq, u32 gsi, bool level, bool active_low)
{
    struct irq_route route = route_of(irq);
    EXPECT_EQ(route.gsi, gsi);
    EXPECT_EQ(route.level, level);
    EXPECT_EQ(route.active_low, active_low);
}

TEST(a_legacy_irq_is_edge_and_active_high)
{
    expect_route(4, 4, false, false);
}

TEST(beyond_the_legacy_ones_it_is_level_and_active_low)
{
    expect_route(16, 16, true, true);
}

TEST(an_override_moves_an_irq_and_keeps_the_defaults_of_its_bus)
{
    expect_route(0, 2, false, false);
}

TEST(an_override_sets_polarity_and_trigger)
{
    expect_route(9, 9, true, false);
    expect_route(10, 10, true, true);
    expect_route(11, 20, false, false);
}

TEST(an_entry_has_its_fields_where_the_chip_wants_them)
{
    struct irq_route route = {.gsi = 4};
    EXPECT_EQ(ioapic_entry(&route, 0x34, 0, false), 0x34);
    EXPECT_EQ(ioapic_entry(&route, 0x34, 7, true), 0x0700000000010034);
    route.level = true;
    EXPECT_EQ(ioapic_entry(&route, 0x34, 0, false), 0x8034);
    route.active_low = true;
    EXPECT_EQ(ioapic_entry(&route, 0x34, 0xff, false), 0xff0000000000a034);
}
