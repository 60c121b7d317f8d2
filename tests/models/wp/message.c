/* abi/message.h and the check of kernel/ipc/message.c: the fields of the info word do not touch
 * each other, and what passes the check fits the buffers that it is used for. */
#include "abi/message.h"

/*@ requires length < 4096 && cap_count < 16 && accept < 16;
    assigns \nothing;
    ensures \result == label + length * 0x100000000 + cap_count * 0x100000000000 + accept *
   0x1000000000000; */
static inline u64 message_info(u32 label, u32 length, u32 cap_count, u32 accept);

/*@ assigns \nothing;
    ensures \result == info % 0x100000000; */
static inline u32 info_label(u64 info);

/*@ assigns \nothing;
    ensures \result == (info / 0x100000000) % 4096; */
static inline u32 info_length(u64 info);

/*@ assigns \nothing;
    ensures \result == (info / 0x100000000000) % 16; */
static inline u32 info_cap_count(u64 info);

/*@ assigns \nothing;
    ensures \result == (info / 0x1000000000000) % 16; */
static inline u32 info_accept(u64 info);

/*@ assigns \nothing;
    ensures \result == (info / 0x10000000000000) % 16; */
static inline u32 info_kind(u64 info);

#include "kernel/ipc/endpoint_internal.h"

/* Length and count index the message buffer's data and lists. */
/*@ assigns \nothing;
    ensures bounds: \result != 0 ==>
        (info / 0x100000000) % 4096 <= sizeof(((struct message_buffer *)0)->data) &&
        (info / 0x100000000000) % 16 <= MESSAGE_MAX_CAPS && (info / 0x1000000000000) % 16 <=
   MESSAGE_MAX_CAPS; ensures complete: \result == 0 ==> (info / 0x100000000) % 4096 >
   MESSAGE_MAX_INLINE || (info / 0x100000000000) % 16 > MESSAGE_MAX_CAPS || (info / 0x1000000000000)
   % 16 > MESSAGE_MAX_CAPS; */
bool message_info_is_sane(u64 info);

#include "kernel/ipc/message.c"
