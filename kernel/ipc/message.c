/* Moving messages between threads: words, inline bytes, capabilities. */
#include "cap/transfer.h"
#include "ipc/endpoint_internal.h"
#include "lib/string.h"
#include "trace/trace.h"

#define OUT_INFO_MASK 0x00000fffffffffffull /* label and length */

/* A capability that went while the message was on its way is delivered as CAP_NULL. */
static bool is_loss(enum status status)
{
    return status == STATUS_REVOKED || status == STATUS_STALE_HANDLE;
}

/* All or nothing as far as the caller's mistakes and the receiver's resources go: everything is
 * checked, room for the moves is reserved, copies are made, which can be undone, and then the
 * moves, which cannot fail but by the capability's own end. */
static enum status transfer_caps(struct thread *from, struct thread *to, u32 count, u64 *lost)
{
    struct message_cap wanted[MESSAGE_MAX_CAPS];
    struct cap_ref refs[MESSAGE_MAX_CAPS];
    cap_t received[MESSAGE_MAX_CAPS] = {CAP_NULL, CAP_NULL, CAP_NULL, CAP_NULL};
    memcpy(wanted, from->buffer->send_caps, sizeof(wanted));
    u32 moves = 0;
    enum status status = STATUS_OK;
    for (u32 i = 0; i < count && status == STATUS_OK; i++) {
        status = cap_check_transfer(from->space, &wanted[i], &refs[i]);
        moves += wanted[i].mode == CAP_SEND_MOVE;
    }
    if (status == STATUS_OK)
        status = cap_reserve(to->space, moves);
    if (status != STATUS_OK)
        return status;

    for (u32 i = 0; i < count && status == STATUS_OK; i++) {
        if (wanted[i].mode == CAP_SEND_COPY)
            status = cap_copy(to->space, &refs[i], wanted[i].rights, &received[i]);
        if (is_loss(status)) {
            *lost = INFO_CAPS_LOST;
            status = STATUS_OK;
        }
    }
    if (status != STATUS_OK) {
        for (u32 i = 0; i < count; i++) {
            if (received[i].bits)
                cap_undo_insert(to->space, received[i]);
        }
        cap_unreserve(to->space, moves);
        return status;
    }
    for (u32 i = 0; i < count; i++) {
        if (wanted[i].mode == CAP_SEND_MOVE &&
            cap_move(to->space, &refs[i], wanted[i].rights, &received[i]) != STATUS_OK)
            *lost = INFO_CAPS_LOST;
        TRACE(CAP_TRANSFER, refs[i].object->id, wanted[i].rights, to->space->process_id,
              wanted[i].mode);
    }
    memcpy(to->buffer->received_caps, received, sizeof(received));
    return STATUS_OK;
}

static void set_out(struct thread *to, u64 info, enum message_kind kind, u64 badge)
{
    to->context.number = STATUS_OK;
    to->context.info = info | (u64)kind << INFO_KIND_SHIFT;
    to->context.handle = badge;
}

enum status message_deliver(struct thread *from, struct thread *to, u64 info, u64 to_info,
                            enum message_kind kind, u64 badge)
{
    u32 cap_count = info_cap_count(info);
    u64 lost = 0;
    if (unlikely(cap_count > 0)) {
        if (cap_count > info_accept(to_info))
            return STATUS_NOT_ACCEPTED;
        enum status status = transfer_caps(from, to, cap_count, &lost);
        if (status != STATUS_OK)
            return status;
    }
    for (u32 i = 0; i < MESSAGE_WORDS; i++)
        to->context.words[i] = from->context.words[i];
    if (info_length(info) > 0)
        memcpy(to->buffer->data, from->buffer->data, info_length(info));
    bool request = kind == MESSAGE_SEND || kind == MESSAGE_CALL;
    to->context.aux = request ? from->activity->trace : 0;
    u64 out = (info & (OUT_INFO_MASK | INFO_FAILED)) | (u64)cap_count << INFO_CAPS_SHIFT | lost;
    set_out(to, out, kind, badge);
    return STATUS_OK;
}

void message_deliver_queued(const struct queued_message *message, struct thread *to)
{
    for (u32 i = 0; i < MESSAGE_WORDS; i++)
        to->context.words[i] = message->words[i];
    memcpy(to->buffer->data, message->data, info_length(message->info));
    set_out(to, message->info & OUT_INFO_MASK, MESSAGE_SEND, message->badge);
    to->context.aux = message->trace;
}
