/* Capabilities: derive, grant, revoke, close, inspect. */
#include "systest.h"

BOOT_TEST(caps, inspect_tells_what_it_is)
{
    struct cap_facts facts;
    memory_t memory;

    CHECK_OK(memory_create(systest.group, 5 * PAGE_SIZE, 0, &memory));
    CHECK_OK(cap_inspect(memory.cap, &facts));
    CHECK_EQ(facts.type, OBJECT_MEMORY);
    CHECK_EQ(facts.range_start, 0);
    CHECK_EQ(facts.range_length, 5 * PAGE_SIZE);
    CHECK_EQ(facts.badge, 0);
    CHECK_EQ(facts.expiry_ns, TIME_NEVER);
    CHECK(facts.object_id != 0);
    CHECK((facts.rights & RIGHTS_MEMORY) != 0);
    CHECK_OK(cap_close(memory.cap));
}

BOOT_TEST(caps, derive_only_removes_rights)
{
    struct cap_facts facts;
    endpoint_t endpoint;
    cap_t child;
    cap_t grandchild;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(cap_derive_rights(endpoint.cap, RIGHT_SEND | RIGHT_DERIVE, &child));
    CHECK_OK(cap_inspect(child, &facts));
    CHECK_EQ(facts.rights, RIGHT_SEND | RIGHT_DERIVE);
    CHECK_OK(cap_derive_rights(child, UINT32_MAX, &grandchild));
    CHECK_OK(cap_inspect(grandchild, &facts));
    CHECK_EQ(facts.rights, RIGHT_SEND | RIGHT_DERIVE);
    CHECK_OK(cap_close(grandchild));
    CHECK_OK(cap_close(child));
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(caps, badge_is_set_once)
{
    struct cap_restriction restriction = CAP_DERIVE_ALL;
    struct cap_facts facts;
    endpoint_t endpoint;
    cap_t child;
    cap_t other;

    CHECK_OK(make_endpoint(0, &endpoint));
    restriction.badge = 41;
    CHECK_OK(cap_derive(endpoint.cap, &restriction, &child));
    CHECK_OK(cap_inspect(child, &facts));
    CHECK_EQ(facts.badge, 41);
    restriction.badge = 42;
    CHECK(cap_derive(child, &restriction, &other) != STATUS_OK);
    restriction.badge = 0;
    CHECK_OK(cap_derive(child, &restriction, &other));
    CHECK_OK(cap_inspect(other, &facts));
    CHECK_EQ(facts.badge, 41);
    CHECK_OK(cap_close(other));
    CHECK_OK(cap_close(child));
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(caps, badge_needs_mint)
{
    struct cap_restriction restriction = CAP_DERIVE_ALL;
    endpoint_t endpoint;
    cap_t child;
    cap_t other;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(cap_derive_rights(endpoint.cap, ~RIGHT_MINT, &child));
    restriction.badge = 1;
    CHECK_STATUS(cap_derive(child, &restriction, &other), STATUS_MISSING_RIGHT);
    CHECK_OK(cap_close(child));
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(caps, range_is_narrowed)
{
    struct cap_restriction restriction = CAP_DERIVE_ALL;
    struct cap_facts facts;
    memory_t memory;
    memory_t child;
    u64 address = 0;

    CHECK_OK(memory_create(systest.group, 8 * PAGE_SIZE, 0, &memory));
    restriction.range_offset = 2 * PAGE_SIZE;
    restriction.range_length = 3 * PAGE_SIZE;
    CHECK_OK(cap_derive(memory.cap, &restriction, &child.cap));
    CHECK_OK(cap_inspect(child.cap, &facts));
    CHECK_EQ(facts.range_length, 3 * PAGE_SIZE);
    CHECK(memory_map(child, 0, 4 * PAGE_SIZE, MAP_READ, &address) != STATUS_OK);
    CHECK_OK(memory_map(child, 0, 3 * PAGE_SIZE, MAP_READ | MAP_WRITE, &address));
    CHECK_OK(memory_unmap(address, 3 * PAGE_SIZE));
    restriction.range_offset = 0;
    restriction.range_length = 4 * PAGE_SIZE;
    CHECK(cap_derive(child.cap, &restriction, &memory.cap) != STATUS_OK);
    CHECK_OK(cap_close(child.cap));
    CHECK_OK(cap_close(memory.cap));
}

BOOT_TEST(caps, range_shows_the_right_pages)
{
    struct cap_restriction restriction = CAP_DERIVE_ALL;
    memory_t memory;
    memory_t child;
    u64 whole = 0;
    u64 part = 0;

    CHECK_OK(make_mapping(4 * PAGE_SIZE, MAP_READ | MAP_WRITE, &whole, &memory));
    for (u64 i = 0; i < 4; i++)
        *(u64 *)(uintptr_t)(whole + i * PAGE_SIZE) = 100 + i;
    restriction.range_offset = 2 * PAGE_SIZE;
    restriction.range_length = 2 * PAGE_SIZE;
    CHECK_OK(cap_derive(memory.cap, &restriction, &child.cap));
    CHECK_OK(memory_map(child, PAGE_SIZE, PAGE_SIZE, MAP_READ, &part));
    CHECK_EQ(*(u64 *)(uintptr_t)part, 103);
    CHECK_OK(memory_unmap(part, PAGE_SIZE));
    CHECK_OK(memory_unmap(whole, 4 * PAGE_SIZE));
    CHECK_OK(cap_close(child.cap));
    CHECK_OK(cap_close(memory.cap));
}

BOOT_TEST(caps, expiry_ends_it)
{
    struct cap_restriction restriction = CAP_DERIVE_ALL;
    endpoint_t endpoint;
    endpoint_t child;

    CHECK_OK(make_endpoint(0, &endpoint));
    restriction.expiry_ns = time_after_ns(20 * NS_PER_MS);
    CHECK_OK(cap_derive(endpoint.cap, &restriction, &child.cap));
    CHECK_OK(endpoint_signal(child));
    while (time_now_ns() <= restriction.expiry_ns)
        time_sleep_ns(5 * NS_PER_MS);
    CHECK_STATUS(endpoint_signal(child), STATUS_EXPIRED);
    CHECK_OK(endpoint_signal(endpoint));
    (void)cap_close(child.cap);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(caps, seals_hold)
{
    struct cap_restriction restriction = CAP_DERIVE_ALL;
    endpoint_t endpoint;
    cap_t sealed;
    cap_t child;
    enum status status;

    CHECK_OK(make_endpoint(0, &endpoint));
    restriction.flags = DERIVE_SEAL_DERIVE;
    CHECK_OK(cap_derive(endpoint.cap, &restriction, &sealed));
    status = cap_derive_rights(sealed, UINT32_MAX, &child);
    CHECK(status == STATUS_MISSING_RIGHT || status == STATUS_SEALED);
    CHECK_OK(cap_close(sealed));
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(caps, depth_is_bounded)
{
    endpoint_t endpoint;
    cap_t chain[CAP_MAX_DEPTH + 1];
    enum status status = STATUS_OK;
    u32 made = 0;

    CHECK_OK(make_endpoint(0, &endpoint));
    while (made <= CAP_MAX_DEPTH) {
        status =
            cap_derive_rights(made == 0 ? endpoint.cap : chain[made - 1], UINT32_MAX, &chain[made]);
        if (status != STATUS_OK)
            break;
        made++;
    }
    CHECK_STATUS(status, STATUS_TOO_DEEP);
    CHECK(made >= 8 && made <= CAP_MAX_DEPTH);
    while (made > 0)
        CHECK_OK(cap_close(chain[--made]));
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(caps, revoke_kills_all_descendants)
{
    endpoint_t endpoint;
    cap_t child;
    cap_t grandchild;
    cap_t sibling;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(cap_derive_rights(endpoint.cap, UINT32_MAX, &child));
    CHECK_OK(cap_derive_rights(child, UINT32_MAX, &grandchild));
    CHECK_OK(cap_derive_rights(endpoint.cap, UINT32_MAX, &sibling));
    CHECK_OK(cap_revoke(child));
    CHECK_REVOKED(endpoint_signal((endpoint_t){grandchild}));
    CHECK_OK(endpoint_signal((endpoint_t){child}));
    CHECK_OK(endpoint_signal((endpoint_t){sibling}));
    CHECK_OK(cap_revoke(endpoint.cap));
    CHECK_REVOKED(endpoint_signal((endpoint_t){child}));
    CHECK_REVOKED(endpoint_signal((endpoint_t){sibling}));
    CHECK_OK(endpoint_signal(endpoint));
    (void)cap_close(grandchild);
    (void)cap_close(child);
    (void)cap_close(sibling);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(caps, closing_a_parent_keeps_children)
{
    endpoint_t endpoint;
    cap_t child;
    cap_t grandchild;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(cap_derive_rights(endpoint.cap, UINT32_MAX, &child));
    CHECK_OK(cap_derive_rights(child, UINT32_MAX, &grandchild));
    CHECK_OK(cap_close(child));
    CHECK_OK(endpoint_signal((endpoint_t){grandchild}));
    CHECK_OK(cap_revoke(endpoint.cap));
    CHECK_REVOKED(endpoint_signal((endpoint_t){grandchild}));
    (void)cap_close(grandchild);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(caps, revoke_unmaps)
{
    memory_t memory;
    memory_t child;
    u64 address = 0;
    struct group_usage usage;

    CHECK_OK(memory_create(systest.group, PAGE_SIZE, 0, &memory));
    CHECK_OK(cap_derive_rights(memory.cap, UINT32_MAX, &child.cap));
    CHECK_OK(memory_map(child, 0, PAGE_SIZE, MAP_READ | MAP_WRITE, &address));
    *(volatile u64 *)(uintptr_t)address = 1;
    CHECK_OK(cap_revoke(memory.cap));
    /* The page is gone: the kernel cannot write there either. */
    CHECK_STATUS(ferrous_syscall_plain(SYS_group_info, systest.group.cap.bits, address, 0),
                 STATUS_BAD_ADDRESS);
    CHECK_OK(group_usage(systest.group, &usage));
    (void)cap_close(child.cap);
    CHECK_OK(cap_close(memory.cap));
}

BOOT_TEST(caps, grant_puts_it_into_a_process)
{
    struct process process;
    struct exit_record record;
    endpoint_t endpoint;
    cap_t remote;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(start_role(systest.group, "sleep", NULL, NULL, 0, &process));
    CHECK_OK(cap_grant(process.handle, endpoint.cap, RIGHT_SEND, CAP_SEND_COPY, &remote));
    CHECK(!cap_is_null(remote));
    /* The handle means nothing here. */
    CHECK(endpoint_signal((endpoint_t){remote}) != STATUS_OK);
    CHECK_OK(process_kill(process.handle, 0));
    CHECK_OK(end_of(&process, &record));
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(caps, grant_by_move_takes_it_away)
{
    struct process process;
    struct exit_record record;
    endpoint_t endpoint;
    cap_t child;
    cap_t remote;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(cap_derive_rights(endpoint.cap, UINT32_MAX, &child));
    CHECK_OK(start_role(systest.group, "sleep", NULL, NULL, 0, &process));
    CHECK_OK(cap_grant(process.handle, child, UINT32_MAX, CAP_SEND_MOVE, &remote));
    CHECK_STATUS(endpoint_signal((endpoint_t){child}), STATUS_STALE_HANDLE);
    CHECK_OK(process_kill(process.handle, 0));
    CHECK_OK(end_of(&process, &record));
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(caps, many_come_and_go)
{
    static cap_t children[500];
    endpoint_t endpoint;

    CHECK_OK(make_endpoint(0, &endpoint));
    for (u32 round = 0; round < 3; round++) {
        for (u32 i = 0; i < 500; i++)
            CHECK_OK(cap_derive_rights(endpoint.cap, RIGHT_SIGNAL, &children[i]));
        for (u32 i = 0; i < 500; i++)
            CHECK_OK(endpoint_signal((endpoint_t){children[i]}));
        if (round == 1)
            CHECK_OK(cap_revoke(endpoint.cap));
        for (u32 i = 0; i < 500; i++)
            (void)cap_close(children[i]);
    }
    CHECK_OK(cap_close(endpoint.cap));
}
