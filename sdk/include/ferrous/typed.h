/*
 * What generated code (tools/idl; docs/interfaces.md) stands on: putting values into a message, and
 * taking them out of one that nobody has vouched for. Programs use the generated functions; of this
 * they need cap_take.
 *
 * A message is taken in order: typed_in_begin looks at what every message must satisfy, each
 * typed_take_* checks one value and gives zero where it is wrong, typed_in_end says whether all of
 * it was right. The first mistake stays; after it nothing is read any more.
 */
#ifndef FERROUS_TYPED_H
#define FERROUS_TYPED_H

#include "abi/message.h"
#include "abi/rights.h"
#include "ferrous/ipc.h"

#define TYPED_NO_COUNTS MESSAGE_WORDS

/* What a message of one method must look like. */
struct typed_shape {
    u32 kind;          /* enum message_kind */
    u32 words;         /* that carry something; the others are zero */
    u32 counts_word;   /* where the counts of strings and arrays are; TYPED_NO_COUNTS: nowhere */
    u32 caps_required; /* capabilities that must be there */
    u32 caps;          /* and that may */
};

/* A message being put together. Inline data and capabilities go straight into the thread's message
 * buffer: nothing else may use it until the message is sent. */
struct typed_out {
    struct message message;
    u64 counts;         /* 16 bits for each string or array so far, the first lowest */
    u32 count_shift;    /* where the next goes */
    u32 size;           /* of the inline data so far */
    bool cap_left_out;  /* an optional capability is not there: no other may follow */
    enum status status; /* BAD_ARGUMENT: a value does not fit */
};

/* A message being taken apart. */
struct typed_in {
    const struct message *message; /* NULL: there is none */
    const u8 *data;
    u64 counts; /* of what has not been taken yet */
    u32 size;   /* of the inline data */
    u32 used;
    enum status status;
};

/* Whether the bytes at `at` are a value of a type that not all bytes are. */
typedef bool (*typed_check)(const u8 *at);

/* --- putting --- */

void typed_out_begin(struct typed_out *out, u32 label);
void typed_put_struct(struct typed_out *out, const void *value, u32 size);
void typed_put_array(struct typed_out *out, const void *elements, u32 count, u32 limit,
                     u32 element_size);
/* `text` ends with NUL, at most `limit` bytes before it. */
void typed_put_string(struct typed_out *out, const char *text, u32 limit);
/* A null capability is left out where it is optional. */
void typed_put_cap(struct typed_out *out, cap_t cap, u32 rights, u32 mode, bool optional);

/* --- taking --- */

void typed_in_begin(struct typed_in *in, const struct message *message,
                    const struct typed_shape *shape);
u64 typed_take_word(struct typed_in *in, u32 index, u64 max);
i64 typed_take_signed(struct typed_in *in, u32 index, i64 min, i64 max);
u64 typed_take_known(struct typed_in *in, u32 index, bool (*is_known)(u64 value));
/* `check`, where not NULL, is asked about the bytes before they are copied. */
void typed_take_struct(struct typed_in *in, void *to, u32 size, typed_check check);
/* Returns how many elements there are; fills as many of the `limit` places at `to`. */
u32 typed_take_array(struct typed_in *in, void *to, u32 limit, u32 element_size, typed_check check);
/* `to` has room for limit + 1 bytes. */
void typed_take_string(struct typed_in *in, char *to, u32 limit);
/* The kernel is asked for type and rights. CAP_NULL: an optional one that is not there. */
cap_t typed_take_cap(struct typed_in *in, u32 index, u32 type, u32 rights);
/* OK: the message was right to its end. Else what was wrong: BAD_MESSAGE, of a capability
 * WRONG_TYPE, MISSING_RIGHT or REVOKED (on its way), or why there is no message; its capabilities
 * are closed. */
enum status typed_in_end(struct typed_in *in);

/* The value of `size` (1, 2, 4 or 8) bytes at `at`, which need not be aligned. */
u64 typed_load(const u8 *at, u32 size);
bool typed_bool_is_valid(const u8 *at);
bool typed_text_has_end(const u8 *at, u32 size);
bool typed_status_is_known(u64 value);

/* --- a client --- */

/* Calls, and begins to take the reply, which must have the request's label and this shape. */
void typed_call(endpoint_t server, struct typed_out *out, const struct typed_shape *shape,
                u64 deadline_ns, struct typed_in *in);
enum status typed_send(endpoint_t server, struct typed_out *out, u64 deadline_ns) MUST_USE;
enum status typed_version(endpoint_t server, u32 interface_number, u64 deadline_ns,
                          u32 *version) MUST_USE;

/* --- a server --- */

/* Makes *message the reply that was put together; SERVER_ERROR where a value did not fit. */
void typed_answer(struct message *message, struct typed_out *out);
void typed_answer_version(struct message *message, u32 interface_number, u32 version);
/* Closes what came with the message and makes it a failure. */
void typed_refuse(struct message *message, enum status status);
/* A one-way message was served. */
void typed_done(struct message *message);

/* Closes a capability of a request unless it was taken. */
void typed_close(const cap_t *cap);

/* Takes a capability out of a request, which then does not close it. */
static inline cap_t cap_take(cap_t *cap)
{
    cap_t taken = *cap;

    *cap = CAP_NULL;
    return taken;
}

/* --- the way to the kernel (sdk/typed_transport.c): tests put their own in its place --- */

struct message_buffer *typed_buffer(void);
/* SYS_call or SYS_send with the registers of *message, in and out. */
enum status typed_enter(u64 number, endpoint_t endpoint, struct message *message,
                        u64 deadline_ns) MUST_USE;

#endif
