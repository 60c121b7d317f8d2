/* Handing a capability to another space. */
#include "cap/transfer.h"

enum status cap_check_transfer(struct cap_space *space, const struct message_cap *wanted,
                               struct cap_ref *ref)
{
    if (wanted->mode != CAP_SEND_MOVE && wanted->mode != CAP_SEND_COPY)
        return STATUS_BAD_ARGUMENT;
    u32 needed = RIGHT_TRANSFER;
    if (wanted->mode == CAP_SEND_COPY)
        needed |= RIGHT_DERIVE;
    enum status status = cap_lookup(space, wanted->cap.bits, OBJECT_NONE, needed, ref);
    if (status != STATUS_OK)
        return status;
    u64 seals = CAP_FLAG_SEAL_TRANSFER;
    if (wanted->mode == CAP_SEND_COPY)
        seals |= CAP_FLAG_SEAL_DERIVE;
    return ref->meta & seals ? STATUS_SEALED : STATUS_OK;
}

enum status cap_copy(struct cap_space *to, const struct cap_ref *ref, u32 rights, cap_t *handle)
{
    struct cap_grant grant = {
        .rights = cap_ref_rights(ref) & rights,
        .badge = ref->badge,
        .flags = ref->meta & CAP_FLAGS_MASK,
        .expires_ns = ref->expires_ns,
        .range_start = ref->node->range_start,
        .range_end = ref->node->range_end,
    };
    return cap_insert_child(to, ref, &grant, handle);
}
