/* kernel/dev/ports.c: each byte of an access lies within the capability's range of ports. */
#include "dev/ports.h"

/*@ requires \valid_read(ref) && \valid_read(ref->node);
    requires ref->node->range_end <= 65536;
    assigns \nothing;
    ensures width: \result != 0 ==> width == 1 || width == 2 || width == 4;
    ensures range: \result != 0 ==> ref->node->range_start <= port && port + width <=
   ref->node->range_end; ensures number: \result != 0 ==> port + width <= 65536; ensures complete:
   \result == 0 ==> !(width == 1 || width == 2 || width == 4) || port < ref->node->range_start ||
   port + width > ref->node->range_end; */
static bool access_is_allowed(const struct cap_ref *ref, u64 port, u64 width);

#include "kernel/dev/ports.c"
