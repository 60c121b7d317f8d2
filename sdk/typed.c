/*
 * Typed messages: see ferrous/typed.h and docs/interfaces.md. Whatever arrives is taken for
 * hostile: no length, count, value, text or capability is used before it was looked at.
 */
#include "ferrous/typed.h"

#include "ferrous/calls.h"
#include "lib/string.h"

#define COUNT_BITS 16u
#define COUNT_MASK 0xffffu

/* --- putting --- */

void typed_out_begin(struct typed_out *out, u32 label)
{
    *out = (struct typed_out){.message = MESSAGE_INIT(label), .status = STATUS_OK};
}

/* Room for `size` more bytes; NULL: there is none. */
static u8 *reserve(struct typed_out *out, u32 size)
{
    u8 *place;

    if (out->status != STATUS_OK || size > MESSAGE_MAX_INLINE - out->size) {
        out->status = STATUS_BAD_ARGUMENT;
        return NULL;
    }
    place = typed_buffer()->data + out->size;
    out->size += size;
    return place;
}

void typed_put_struct(struct typed_out *out, const void *value, u32 size)
{
    u8 *place = reserve(out, size);

    if (place != NULL)
        memcpy(place, value, size);
}

void typed_put_array(struct typed_out *out, const void *elements, u32 count, u32 limit,
                     u32 element_size)
{
    u8 *place = NULL;

    if (count <= limit)
        place = reserve(out, count * element_size);
    else
        out->status = STATUS_BAD_ARGUMENT;
    if (place != NULL && count > 0)
        memcpy(place, elements, (size_t)count * element_size);
    out->counts |= (u64)(count & COUNT_MASK) << out->count_shift;
    out->count_shift += COUNT_BITS;
}

void typed_put_string(struct typed_out *out, const char *text, u32 limit)
{
    typed_put_array(out, text, (u32)string_length_bounded(text, (size_t)limit + 1), limit, 1);
}

void typed_put_cap(struct typed_out *out, cap_t cap, u32 rights, u32 mode, bool optional)
{
    u32 index = message_cap_count(&out->message);

    if (cap_is_null(cap) && optional) {
        out->cap_left_out = true;
        return;
    }
    if (cap_is_null(cap) || out->cap_left_out || index >= MESSAGE_MAX_CAPS) {
        out->status = STATUS_BAD_ARGUMENT;
        return;
    }
    typed_buffer()->send_caps[index] =
        (struct message_cap){.cap = cap, .rights = rights, .mode = mode};
    out->message.info += 1ull << INFO_CAPS_SHIFT;
}

static void finish(struct typed_out *out)
{
    out->message.info |= (u64)out->size << INFO_LENGTH_SHIFT;
}

/* --- taking --- */

static void wrong(struct typed_in *in, enum status status)
{
    if (in->status == STATUS_OK)
        in->status = status;
}

static void drop_caps(const struct message *message)
{
    u32 count = message_cap_count(message);

    for (u32 i = 0; i < count && i < MESSAGE_MAX_CAPS; i++)
        (void)cap_close(typed_buffer()->received_caps[i]);
}

void typed_in_begin(struct typed_in *in, const struct message *message,
                    const struct typed_shape *shape)
{
    u32 caps = message_cap_count(message);

    *in = (struct typed_in){
        .message = message,
        .data = typed_buffer()->data,
        .counts = shape->counts_word < MESSAGE_WORDS ? message->words[shape->counts_word] : 0,
        .size = info_length(message->info),
        .status = STATUS_OK};
    if (message_kind(message) != shape->kind || in->size > MESSAGE_MAX_INLINE ||
        caps < shape->caps_required || caps > shape->caps)
        wrong(in, STATUS_BAD_MESSAGE);
    for (u32 i = shape->words; i < MESSAGE_WORDS; i++) {
        if (message->words[i] != 0)
            wrong(in, STATUS_BAD_MESSAGE);
    }
}

u64 typed_take_word(struct typed_in *in, u32 index, u64 max)
{
    if (in->status != STATUS_OK)
        return 0;
    if (in->message->words[index] <= max)
        return in->message->words[index];
    wrong(in, STATUS_BAD_MESSAGE);
    return 0;
}

i64 typed_take_signed(struct typed_in *in, u32 index, i64 min, i64 max)
{
    i64 value = (i64)typed_take_word(in, index, UINT64_MAX);

    if (value >= min && value <= max)
        return value;
    wrong(in, STATUS_BAD_MESSAGE);
    return 0;
}

u64 typed_take_known(struct typed_in *in, u32 index, bool (*is_known)(u64 value))
{
    u64 value = typed_take_word(in, index, UINT64_MAX);

    if (in->status == STATUS_OK && is_known(value))
        return value;
    wrong(in, STATUS_BAD_MESSAGE);
    return 0;
}

/* The next `size` bytes of inline data; NULL: there are not so many. */
static const u8 *advance(struct typed_in *in, u64 size)
{
    if (in->status != STATUS_OK)
        return NULL;
    if (size > in->size - in->used) {
        wrong(in, STATUS_BAD_MESSAGE);
        return NULL;
    }
    in->used += (u32)size;
    return in->data + in->used - size;
}

void typed_take_struct(struct typed_in *in, void *to, u32 size, typed_check check)
{
    const u8 *place = advance(in, size);

    if (place == NULL)
        return;
    if (check != NULL && !check(place))
        wrong(in, STATUS_BAD_MESSAGE);
    else
        memcpy(to, place, size);
}

/* The next count, and the bytes that it announces; NULL: one of them is wrong. */
static const u8 *take_counted(struct typed_in *in, u32 limit, u32 element_size, u32 *count)
{
    *count = (u32)(in->counts & COUNT_MASK);
    in->counts >>= COUNT_BITS;
    if (*count > limit)
        wrong(in, STATUS_BAD_MESSAGE);
    return advance(in, (u64)*count * element_size);
}

u32 typed_take_array(struct typed_in *in, void *to, u32 limit, u32 element_size, typed_check check)
{
    u32 count;
    const u8 *place = take_counted(in, limit, element_size, &count);

    if (place == NULL)
        return 0;
    for (u32 i = 0; check != NULL && i < count; i++) {
        if (!check(place + (size_t)i * element_size)) {
            wrong(in, STATUS_BAD_MESSAGE);
            return 0;
        }
    }
    memcpy(to, place, (size_t)count * element_size);
    return count;
}

void typed_take_string(struct typed_in *in, char *to, u32 limit)
{
    u32 length;
    const u8 *place = take_counted(in, limit, 1, &length);

    to[0] = '\0';
    if (place == NULL)
        return;
    if (string_length_bounded((const char *)place, length) != length) {
        wrong(in, STATUS_BAD_MESSAGE);
        return;
    }
    memcpy(to, place, length);
    to[length] = '\0';
}

cap_t typed_take_cap(struct typed_in *in, u32 index, u32 type, u32 rights)
{
    struct cap_facts facts;
    cap_t cap;

    if (in->status != STATUS_OK || index >= message_cap_count(in->message))
        return CAP_NULL;
    cap = typed_buffer()->received_caps[index];
    /* Null: it was revoked on its way. It may also go now: then the inspection says so. */
    if (cap_is_null(cap) || cap_inspect(cap, &facts) != STATUS_OK)
        wrong(in, STATUS_REVOKED);
    else if (facts.type != type)
        wrong(in, STATUS_WRONG_TYPE);
    else if ((facts.rights & rights) != rights)
        wrong(in, STATUS_MISSING_RIGHT);
    return in->status == STATUS_OK ? cap : CAP_NULL;
}

enum status typed_in_end(struct typed_in *in)
{
    if (in->used != in->size || in->counts != 0)
        wrong(in, STATUS_BAD_MESSAGE);
    if (in->status != STATUS_OK && in->message != NULL)
        drop_caps(in->message);
    return in->status;
}

u64 typed_load(const u8 *at, u32 size)
{
    u64 value = 0;

    memcpy(&value, at, size);
    return value;
}

bool typed_bool_is_valid(const u8 *at)
{
    return *at <= 1;
}

bool typed_text_has_end(const u8 *at, u32 size)
{
    return string_length_bounded((const char *)at, size) < size;
}

bool typed_status_is_known(u64 value)
{
    switch (value) {
#define STATUS(number, name, text) case number:
#include "abi/status.def"
#undef STATUS
        return true;
    default:
        return false;
    }
}

/* --- a client --- */

/* What the call came to, apart from the reply's contents. */
static enum status outcome(const struct message *message, u32 label, enum status status)
{
    u32 answer = message_label(message);

    if (status != STATUS_OK)
        return status;
    if ((message->info & INFO_FAILED) == 0)
        return answer == label ? STATUS_OK : STATUS_BAD_MESSAGE;
    return answer != STATUS_OK && typed_status_is_known(answer) ? (enum status)answer
                                                                : STATUS_BAD_MESSAGE;
}

void typed_call(endpoint_t server, struct typed_out *out, const struct typed_shape *shape,
                u64 deadline_ns, struct typed_in *in)
{
    u32 label = message_label(&out->message);
    enum status status = out->status;

    *in = (struct typed_in){.status = status};
    if (status != STATUS_OK)
        return;
    finish(out);
    message_accept(&out->message, shape->caps);
    status = typed_enter(SYS_call, server, &out->message, deadline_ns);
    if (status == STATUS_OK)
        typed_in_begin(in, &out->message, shape);
    status = outcome(&out->message, label, status);
    if (status != STATUS_OK)
        in->status = status;
}

enum status typed_send(endpoint_t server, struct typed_out *out, u64 deadline_ns)
{
    if (out->status != STATUS_OK)
        return out->status;
    finish(out);
    return typed_enter(SYS_send, server, &out->message, deadline_ns);
}

enum status typed_version(endpoint_t server, u32 interface_number, u64 deadline_ns, u32 *version)
{
    static const struct typed_shape shape = {
        .kind = MESSAGE_REPLY, .words = 2, .counts_word = TYPED_NO_COUNTS};
    struct typed_out out;
    struct typed_in in;
    u64 number;
    u64 found;
    enum status status;

    typed_out_begin(&out, MESSAGE_LABEL(interface_number, 0));
    typed_call(server, &out, &shape, deadline_ns, &in);
    number = typed_take_word(&in, 0, UINT16_MAX);
    found = typed_take_word(&in, 1, UINT16_MAX);
    status = typed_in_end(&in);
    if (status == STATUS_OK && number != interface_number)
        status = STATUS_BAD_MESSAGE;
    if (status == STATUS_OK)
        *version = (u32)found;
    return status;
}

/* --- a server --- */

void typed_answer(struct message *message, struct typed_out *out)
{
    if (out->status != STATUS_OK) {
        message_fail(message, STATUS_SERVER_ERROR);
        return;
    }
    finish(out);
    message->info = out->message.info;
    memcpy(message->words, out->message.words, sizeof(message->words));
}

void typed_answer_version(struct message *message, u32 interface_number, u32 version)
{
    static const struct typed_shape shape = {.kind = MESSAGE_CALL, .counts_word = TYPED_NO_COUNTS};
    struct typed_out out;
    struct typed_in in;
    enum status status;

    typed_in_begin(&in, message, &shape);
    status = typed_in_end(&in);
    if (status != STATUS_OK) {
        message_fail(message, status);
        return;
    }
    typed_out_begin(&out, message_label(message));
    out.message.words[0] = interface_number;
    out.message.words[1] = version;
    typed_answer(message, &out);
}

void typed_refuse(struct message *message, enum status status)
{
    drop_caps(message);
    message_fail(message, status);
}

void typed_done(struct message *message)
{
    message->info = message_info(message_label(message), 0, 0, 0);
}

void typed_close(const cap_t *cap)
{
    (void)cap_close(*cap);
}
