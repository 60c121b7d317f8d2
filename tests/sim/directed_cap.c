/* Directed programs: capabilities. */
#include "directed.h"

SCENARIO(a_revoked_child_is_dead_and_its_parent_is_not)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 child = derive(init, endpoint, ~0ull, 0);
    u64 grandchild = derive(init, child, ~0ull, 0);
    CHECK_EQ(status_of(init, grandchild), STATUS_OK);
    CHECK_EQ(status_of_revoke(init, endpoint), STATUS_OK);
    CHECK_EQ(status_of(init, child), STATUS_REVOKED);
    CHECK_EQ(status_of(init, grandchild), STATUS_REVOKED);
    CHECK_EQ(status_of(init, endpoint), STATUS_OK);
}
