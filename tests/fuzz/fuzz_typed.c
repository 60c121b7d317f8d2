/*
 * Generated code given any message: the dispatch of the sample interface (tests/idl/sample.idl) a
 * request, and its client functions a reply. What a handler gets must keep its bounds and, packed
 * again, give the very message that came; whatever happens, no capability stays behind.
 *
 * Input: struct input, as far as there is any; the rest is inline data.
 */
#include "tests/idl/fake.h"
#include "tests/idl/sample_server.h"

#include "ferrous/calls.h"
#include "lib/string.h"
#include "seeds.h"

struct input {
    u16 method;
    u8 is_reply; /* odd: given to a client */
    u8 kind;     /* of a request */
    u8 caps;
    u8 failed; /* odd: INFO_FAILED */
    u16 length;
    u64 words[MESSAGE_WORDS];
    struct {
        u32 type;
        u32 rights;
    } cap[MESSAGE_MAX_CAPS];
};

static const endpoint_t server = {{1}};

/* What was put in, and whether a handler saw it. */
static struct message original;
static u8 original_data[MESSAGE_MAX_INLINE];
static bool handled;

static void request_is_the_original(enum status status)
{
    fuzz_require(status == STATUS_CANCELLED, "what was taken can be put again");
    fuzz_require((fake.sent.info & 0xfffffffffffull) == (original.info & 0xfffffffffffull),
                 "label and length are the same");
    fuzz_require(message_cap_count(&fake.sent) == message_cap_count(&original),
                 "as many capabilities");
    fuzz_require(memcmp(fake.sent.words, original.words, sizeof(original.words)) == 0,
                 "the words are the same");
    fuzz_require(memcmp(fake.sent_buffer.data, original_data, message_length(&original)) == 0,
                 "the data are the same");
    handled = true;
}

static bool is_text(const char *text, size_t size)
{
    return string_length_bounded(text, size) < size;
}

static bool is_colour(u64 value)
{
    return value == 1 || value == 2 || value == 250;
}

static bool is_item(const struct sample_item *item)
{
    bool ok = is_text(item->name, 16) && item->hidden <= 1 &&
              (item->wide == 0 || item->wide == UINT32_MAX) && item->status <= STATUS_SERVER_ERROR;

    for (u32 i = 0; i < 3; i++)
        ok = ok && is_colour(item->colours[i]);
    return ok && is_text(item->labels[0], 8) && is_text(item->labels[1], 8);
}

static enum status on_integers(void *context, u64 badge, struct sample_integers_request *r,
                               struct sample_integers_reply *reply)
{
    (void)context;
    (void)badge;
    request_is_the_original(
        sample_integers(server, r->a, r->b, r->c, r->d, r->e, r->f, r->g, r->h, 0, reply));
    return STATUS_OK;
}

static enum status on_values(void *context, u64 badge, struct sample_values_request *r,
                             struct sample_values_reply *reply)
{
    (void)context;
    (void)badge;
    fuzz_require(is_colour(r->colour) && (r->wide == 0 || r->wide == SAMPLE_WIDE_LAST) &&
                     (u32)r->status <= STATUS_SERVER_ERROR,
                 "values are known");
    request_is_the_original(sample_values(server, r->yes, r->colour, r->wide, r->status, 0, reply));
    return STATUS_OK;
}

static enum status on_texts(void *context, u64 badge, struct sample_texts_request *r,
                            struct sample_texts_reply *reply)
{
    (void)context;
    (void)badge;
    fuzz_require(is_text(r->first, 16) && is_text(r->last, 41) && r->middle_count <= 100,
                 "texts and bytes keep their bounds");
    request_is_the_original(
        sample_texts(server, r->first, r->middle, r->middle_count, r->last, 0, reply));
    return STATUS_OK;
}

static enum status on_items(void *context, u64 badge, struct sample_items_request *r,
                            struct sample_items_reply *reply)
{
    (void)context;
    (void)badge;
    fuzz_require(r->points_count <= 4 && r->colours_count <= 5 && r->flags_count <= 3 &&
                     r->numbers_count <= 4,
                 "arrays keep their bounds");
    for (u32 i = 0; i < r->colours_count; i++)
        fuzz_require(is_colour(r->colours[i]), "elements are known");
    for (u32 i = 0; i < r->flags_count; i++)
        fuzz_require(r->flags[i] <= 1, "bools are bools");
    fuzz_require(is_item(&r->item), "a structure is right in all its fields");
    request_is_the_original(sample_items(server, r->before, &r->item, r->points, r->points_count,
                                         r->colours, r->colours_count, r->flags, r->flags_count,
                                         r->numbers, r->numbers_count, &r->last, 0, reply));
    return STATUS_OK;
}

static bool is_cap(cap_t cap, u32 type, u32 rights, bool optional)
{
    struct cap_facts facts;

    if (cap_is_null(cap))
        return optional;
    return cap_inspect(cap, &facts) == STATUS_OK && facts.type == type &&
           (facts.rights & rights) == rights;
}

static enum status on_capabilities(void *context, u64 badge, struct sample_capabilities_request *r,
                                   struct sample_capabilities_reply *reply)
{
    (void)context;
    (void)badge;
    fuzz_require(is_cap(r->first.cap, OBJECT_ENDPOINT, RIGHT_SEND | RIGHT_SIGNAL, false) &&
                     is_cap(r->second.cap, OBJECT_MEMORY, RIGHT_READ, false) &&
                     is_cap(r->third.cap, OBJECT_PROCESS, RIGHT_WAIT, true) &&
                     is_cap(r->fourth.cap, OBJECT_GROUP, RIGHT_SPAWN | RIGHT_GROUP_INFO, true),
                 "capabilities are what they should be");
    request_is_the_original(
        sample_capabilities(server, r->first, r->second, r->third, r->fourth, 0, reply));
    return STATUS_NOT_FOUND;
}

static void on_note(void *context, u64 badge, struct sample_note_request *r)
{
    (void)context;
    (void)badge;
    fuzz_require(is_text(r->text, 21) &&
                     is_cap(r->listener.cap, OBJECT_ENDPOINT, RIGHT_SIGNAL, true),
                 "a one-way message is checked too");
    request_is_the_original(sample_note(server, r->number, r->text, r->listener, 0));
}

static enum status on_nothing(void *context, u64 badge)
{
    (void)context;
    (void)badge;
    request_is_the_original(sample_nothing(server, 0));
    return STATUS_OK;
}

static enum status on_choosy(void *context, u64 badge, struct sample_choosy_request *r)
{
    (void)context;
    (void)badge;
    request_is_the_original(sample_choosy(server, r->wanted, 0));
    return (enum status)r->wanted;
}

static enum status on_largest(void *context, u64 badge, struct sample_largest_request *r,
                              struct sample_largest_reply *reply)
{
    (void)context;
    (void)badge;
    fuzz_require(r->data_count <= MESSAGE_MAX_INLINE, "bytes keep their bounds");
    request_is_the_original(sample_largest(server, r->data, r->data_count, 0, reply));
    return STATUS_OK;
}

static const struct sample_ops ops = {
    .integers = on_integers,
    .values = on_values,
    .texts = on_texts,
    .items = on_items,
    .capabilities = on_capabilities,
    .note = on_note,
    .nothing = on_nothing,
    .choosy = on_choosy,
    .largest = on_largest,
};

/* Lays the message out in `buffer`, capabilities as the kernel hands them to a receiver, or as a
 * sender names them. */
static struct message make(const struct input *input, struct message_buffer *buffer, bool receives)
{
    u32 caps = input->caps % (MESSAGE_MAX_CAPS + 1);
    struct message message = {.info = message_info(MESSAGE_LABEL(SAMPLE_INTERFACE, input->method),
                                                   input->length & 0x1ff, caps, 0)};

    memcpy(message.words, input->words, sizeof(message.words));
    for (u32 i = 0; i < caps; i++) {
        cap_t cap = input->cap[i].type == 0
                        ? CAP_NULL
                        : fake_cap(input->cap[i].type % OBJECT_TYPE_COUNT, input->cap[i].rights);

        if (receives)
            buffer->received_caps[i] = cap;
        else
            buffer->send_caps[i] =
                (struct message_cap){.cap = cap, .rights = UINT32_MAX, .mode = CAP_SEND_MOVE};
    }
    memcpy(buffer->data, original_data, sizeof(buffer->data));
    return message;
}

static void serve_request(const struct input *input)
{
    struct message message;

    handled = false;
    fake.transport = STATUS_CANCELLED; /* for the handlers, which pack the request again */
    message = make(input, fake_use_server_buffer(), true);
    message.info |= (u64)(input->kind & 0xfu) << INFO_KIND_SHIFT;
    original = message;
    sample_dispatch(&ops, NULL, &message);
    fuzz_require(message_length(&message) <= MESSAGE_MAX_INLINE &&
                     message_cap_count(&message) <= MESSAGE_MAX_CAPS,
                 "a reply is one that the kernel takes");
    if ((message.info & INFO_FAILED) != 0)
        fuzz_require(message_label(&message) != STATUS_OK &&
                         typed_status_is_known(message_label(&message)),
                     "a failure is a status");
    else if (input->method != 0)
        fuzz_require(handled, "what was not handled is refused");
    fuzz_require(fake_live_caps() == 0, "all capabilities are closed");
}

static const struct input *reply_input;

static void answer_anything(struct message *message)
{
    *message = make(reply_input, typed_buffer(), false);
    if ((reply_input->failed & 1) != 0)
        message->info |= INFO_FAILED;
}

static void check_texts(void)
{
    struct sample_texts_reply reply;

    if (sample_texts(server, "a", "b", 1, "c", 0, &reply) == STATUS_OK)
        fuzz_require(is_text(reply.first, 16) && is_text(reply.last, 41) &&
                         reply.middle_count <= 100,
                     "texts of a reply keep their bounds");
}

static void check_items(void)
{
    static const struct sample_item item = {.colours = {1, 1, 1}};
    static const struct sample_point point;
    struct sample_items_reply reply;

    if (sample_items(server, 0, &item, NULL, 0, NULL, 0, NULL, 0, NULL, 0, &point, 0, &reply) !=
        STATUS_OK)
        return;
    fuzz_require(reply.points_count <= 4 && reply.colours_count <= 5 && reply.flags_count <= 3 &&
                     reply.numbers_count <= 4 && is_item(&reply.item),
                 "arrays and structures of a reply are right");
}

static void check_capabilities(void)
{
    endpoint_t first = {fake_cap(OBJECT_ENDPOINT, RIGHTS_ENDPOINT)};
    memory_t second = {fake_cap(OBJECT_MEMORY, RIGHTS_MEMORY)};
    process_t third = {CAP_NULL};
    group_t fourth = {CAP_NULL};
    struct sample_capabilities_reply reply;
    enum status status = sample_capabilities(server, first, second, third, fourth, 0, &reply);

    (void)cap_close(first.cap);
    if (status != STATUS_OK)
        return;
    fuzz_require(is_cap(reply.first.cap, OBJECT_ENDPOINT, RIGHT_SEND, false) &&
                     is_cap(reply.second.cap, OBJECT_MEMORY, RIGHT_READ, false) &&
                     is_cap(reply.third.cap, OBJECT_PROCESS, RIGHT_WAIT, true),
                 "capabilities of a reply are what they should be");
    (void)cap_close(reply.first.cap);
    (void)cap_close(reply.second.cap);
    (void)cap_close(reply.third.cap);
}

static void check_values(void)
{
    struct sample_values_reply reply;

    if (sample_values(server, true, SAMPLE_COLOUR_RED, SAMPLE_WIDE_ZERO, STATUS_OK, 0, &reply) ==
        STATUS_OK)
        fuzz_require(is_colour(reply.colour), "values of a reply are known");
}

static void drop_sent(struct message *message, struct message_buffer *buffer)
{
    for (u32 i = 0; i < message_cap_count(message); i++)
        (void)cap_close(buffer->received_caps[i]);
}

/* What the server still has after its reply: only what was not delivered. */
static void close_unsent(void)
{
    const struct message_buffer *buffer = fake_use_server_buffer();
    struct cap_facts facts;

    for (u32 i = 0; i < reply_input->caps % (MESSAGE_MAX_CAPS + 1); i++) {
        if (cap_inspect(buffer->send_caps[i].cap, &facts) == STATUS_OK)
            (void)cap_close(buffer->send_caps[i].cap);
    }
}

static void take_reply(const struct input *input)
{
    static void (*const checks[])(void) = {check_texts, check_items, check_capabilities,
                                           check_values};

    reply_input = input;
    fake.server = answer_anything;
    fake.on_request = drop_sent;
    checks[input->kind % 4]();
    close_unsent();
    fuzz_require(fake_live_caps() == 0, "all capabilities of a reply are closed");
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct input input = {0};
    size_t head = size < sizeof(input) ? size : sizeof(input);
    size_t rest = size - head;

    memcpy(&input, data, head);
    memset(original_data, 0, sizeof(original_data));
    memcpy(original_data, data + head, rest < sizeof(original_data) ? rest : sizeof(original_data));
    fake_reset();
    if ((input.is_reply & 1) != 0)
        take_reply(&input);
    else
        serve_request(&input);
    return 0;
}

/* --- corpus: a right message for each method, as the client's functions make them --- */

static void write_sent(const char *folder, const char *name, enum status status)
{
    struct input input = {.method = (u16)message_label(&fake.sent),
                          .kind = MESSAGE_CALL,
                          .caps = (u8)message_cap_count(&fake.sent),
                          .length = (u16)info_length(fake.sent.info)};
    u8 bytes[sizeof(input) + MESSAGE_MAX_INLINE];
    struct cap_facts facts;

    fuzz_require(status == STATUS_CANCELLED, name);
    if (input.method == (u16)SAMPLE_NOTE)
        input.kind = MESSAGE_SEND;
    memcpy(input.words, fake.sent.words, sizeof(input.words));
    for (u32 i = 0; i < input.caps; i++) {
        fuzz_require(cap_inspect(fake.sent_buffer.send_caps[i].cap, &facts) == STATUS_OK, name);
        input.cap[i].type = facts.type;
        input.cap[i].rights = facts.rights & fake.sent_buffer.send_caps[i].rights;
    }
    memcpy(bytes, &input, sizeof(input));
    memcpy(bytes + sizeof(input), fake.sent_buffer.data, MESSAGE_MAX_INLINE);
    seed_write(folder, name, bytes, sizeof(input) + input.length);
}

static void write_seeds(const char *folder)
{
    static const struct sample_item item = {.name = "one", .colours = {1, 2, 250}};
    static const struct sample_point points[2] = {{1, 2}, {3, 4}};
    static union {
        struct sample_integers_reply integers;
        struct sample_values_reply values;
        struct sample_texts_reply texts;
        struct sample_items_reply items;
        struct sample_capabilities_reply capabilities;
        struct sample_largest_reply largest;
    } reply;
    endpoint_t endpoint;
    memory_t memory;
    process_t process;
    group_t group;

    fake_reset();
    fake.transport = STATUS_CANCELLED;
    endpoint.cap = fake_cap(OBJECT_ENDPOINT, RIGHTS_ENDPOINT);
    memory.cap = fake_cap(OBJECT_MEMORY, RIGHTS_MEMORY);
    process.cap = fake_cap(OBJECT_PROCESS, RIGHTS_PROCESS);
    group.cap = fake_cap(OBJECT_GROUP, RIGHTS_GROUP);
    write_sent(folder, "integers",
               sample_integers(server, 1, 2, 3, 4, -5, -6, -7, -8, 0, &reply.integers));
    write_sent(folder, "values",
               sample_values(server, true, SAMPLE_COLOUR_BLUE, SAMPLE_WIDE_LAST, STATUS_FULL, 0,
                             &reply.values));
    write_sent(folder, "texts",
               sample_texts(server, "first", "middle", 6, "last", 0, &reply.texts));
    write_sent(folder, "items",
               sample_items(server, 1, &item, points, 2, (const u8 *)"\1\2", 2, (const u8 *)"\1", 1,
                            &item.id, 1, points, 0, &reply.items));
    write_sent(
        folder, "capabilities",
        sample_capabilities(server, endpoint, memory, process, group, 0, &reply.capabilities));
    write_sent(folder, "note", sample_note(server, 7, "text", endpoint, 0));
    write_sent(folder, "nothing", sample_nothing(server, 0));
    write_sent(folder, "choosy", sample_choosy(server, STATUS_FULL, 0));
    write_sent(folder, "largest", sample_largest(server, points, 16, 0, &reply.largest));
}

SEEDS_WRITTEN_BY(write_seeds)
