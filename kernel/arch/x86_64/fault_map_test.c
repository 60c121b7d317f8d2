#include "fault_map.h"

#include "unit.h"

TEST(a_page_fault_is_named_by_what_was_tried)
{
    EXPECT_EQ(fault_reason_of(14, 0x4), FAULT_PAGE_READ);
    EXPECT_EQ(fault_reason_of(14, 0x5), FAULT_PAGE_READ);
    EXPECT_EQ(fault_reason_of(14, 0x6), FAULT_PAGE_WRITE);
    EXPECT_EQ(fault_reason_of(14, 0x7), FAULT_PAGE_WRITE);
    EXPECT_EQ(fault_reason_of(14, 0x14), FAULT_PAGE_EXECUTE);
    EXPECT_EQ(fault_reason_of(14, 0x15), FAULT_PAGE_EXECUTE);
}

TEST(a_refused_access_with_supervisor_rights_is_no_page_fault)
{
    EXPECT_EQ(fault_reason_of(14, 0x1), FAULT_PRIVILEGED);
    EXPECT_EQ(fault_reason_of(14, 0x3), FAULT_PRIVILEGED);
    EXPECT_EQ(fault_reason_of(14, 0x0), FAULT_PAGE_READ);
}

TEST(each_exception_has_its_reason)
{
    EXPECT_EQ(fault_reason_of(0, 0), FAULT_DIVIDE);
    EXPECT_EQ(fault_reason_of(1, 0), FAULT_DEBUG);
    EXPECT_EQ(fault_reason_of(3, 0), FAULT_BREAKPOINT);
    EXPECT_EQ(fault_reason_of(6, 0), FAULT_ILLEGAL);
    EXPECT_EQ(fault_reason_of(13, 0), FAULT_PRIVILEGED);
    EXPECT_EQ(fault_reason_of(16, 0), FAULT_FLOATING_POINT);
    EXPECT_EQ(fault_reason_of(17, 0), FAULT_ALIGNMENT);
    EXPECT_EQ(fault_reason_of(19, 0), FAULT_FLOATING_POINT);
    EXPECT_EQ(fault_reason_of(12, 0), FAULT_OTHER);
}
