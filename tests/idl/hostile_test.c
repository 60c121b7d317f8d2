/* Messages as no generated function would make them, one wrong thing at a time: none reaches a
 * handler or a caller, each has its status, and no capability stays behind. */
#include "echo.h"
#include "fake.h"
#include "unit.h"

#include "abi/rights.h"
#include "ferrous/calls.h"
#include "lib/string.h"

static const endpoint_t server = {{1}};
static const struct sample_item good_item = {.colours = {1, 1, 1}};

/* What the hooks do to the next message. */
static struct {
    u32 word;
    u64 value;
    u32 length; /* put into the info word; LENGTH_SAME: left as it is */
    u32 byte;   /* of the inline data */
    i32 byte_value;
    u32 label;    /* 0: left as it is */
    u32 kind;     /* 0: left as it is */
    u64 flags;    /* of the info word */
    u32 lost_cap; /* CAP_NULL in its place; NO_CAP: none */
} change;

#define LENGTH_SAME UINT32_MAX
#define WORD_SAME   UINT32_MAX
#define BYTE_SAME   UINT32_MAX
#define NO_CAP      UINT32_MAX

static void set_up(void)
{
    fake_reset();
    memset(&echo, 0, sizeof(echo));
    memset(&change, 0, sizeof(change));
    change.word = WORD_SAME;
    change.length = LENGTH_SAME;
    change.byte = BYTE_SAME;
    change.lost_cap = NO_CAP;
    fake.server = echo_serve;
}

static void apply(struct message *message, struct message_buffer *buffer)
{
    if (change.word != WORD_SAME)
        message->words[change.word] = change.value;
    if (change.length != LENGTH_SAME) {
        message->info &= ~(0xfffull << INFO_LENGTH_SHIFT);
        message->info |= (u64)change.length << INFO_LENGTH_SHIFT;
    }
    if (change.byte != BYTE_SAME)
        buffer->data[change.byte] = (u8)change.byte_value;
    if (change.label != 0)
        message->info = (message->info & ~0xffffffffull) | change.label;
    if (change.kind != 0)
        message->info = (message->info & ~(0xfull << INFO_KIND_SHIFT)) | (u64)change.kind
                                                                             << INFO_KIND_SHIFT;
    if (change.lost_cap != NO_CAP) {
        (void)cap_close(buffer->received_caps[change.lost_cap]);
        buffer->received_caps[change.lost_cap] = CAP_NULL;
    }
    message->info |= change.flags;
}

static void word_is(u32 word, u64 value)
{
    set_up();
    change.word = word;
    change.value = value;
    fake.on_request = apply;
}

static void length_is(u32 length)
{
    set_up();
    change.length = length;
    fake.on_request = apply;
}

static void byte_is(u32 byte, u8 value)
{
    set_up();
    change.byte = byte;
    change.byte_value = value;
    fake.on_request = apply;
}

static enum status integers(void)
{
    struct sample_integers_reply reply;

    return sample_integers(server, 1, 2, 3, 4, 5, 6, 7, 8, 9, &reply);
}

static enum status values(void)
{
    struct sample_values_reply reply;

    return sample_values(server, true, SAMPLE_COLOUR_RED, SAMPLE_WIDE_LAST, STATUS_OK, 9, &reply);
}

static enum status texts(void)
{
    struct sample_texts_reply reply;

    return sample_texts(server, "abc", "defg", 4, "hi", 9, &reply);
}

static enum status items(const struct sample_item *item)
{
    static const struct sample_point points[2];
    static const u8 colours[2] = {1, 2};
    static const u8 flags[2] = {0, 1};
    static const u64 numbers[1];
    struct sample_items_reply reply;

    return sample_items(server, 1, item, points, 2, colours, 2, flags, 2, numbers, 1, points, 9,
                        &reply);
}

#define EXPECT_REFUSED(call)                                                                       \
    do {                                                                                           \
        EXPECT_EQ(call, STATUS_BAD_MESSAGE);                                                       \
        EXPECT_EQ(echo.calls, 0);                                                                  \
    } while (0)

TEST(words_out_of_range_are_refused)
{
    static const struct {
        u32 word;
        u64 value;
    } wrong[] = {{0, 256},         {1, 65536},      {2, 1ull << 32},
                 {4, 128},         {4, (u64)-129},  {5, 32768},
                 {5, (u64)-32769}, {6, 1ull << 31}, {6, (u64)INT32_MIN - 1},
                 {4, 1ull << 63},  {6, 0xffffffff}, {0, UINT64_MAX}};

    for (u32 i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        word_is(wrong[i].word, wrong[i].value);
        EXPECT_REFUSED(integers());
    }
    /* The last word of each range is right. */
    word_is(4, (u64)-128);
    EXPECT_EQ(integers(), STATUS_OK);
    word_is(3, UINT64_MAX);
    EXPECT_EQ(integers(), STATUS_OK);
}

TEST(unknown_values_are_refused)
{
    static const u64 no_colours[] = {0, 3, 249, 251, 257, 1ull << 32 | 1};

    for (u32 i = 0; i < sizeof(no_colours) / sizeof(no_colours[0]); i++) {
        word_is(1, no_colours[i]);
        EXPECT_REFUSED(values());
    }
    word_is(0, 2);
    EXPECT_REFUSED(values());
    word_is(2, 1);
    EXPECT_REFUSED(values());
    word_is(3, 9999);
    EXPECT_REFUSED(values());
    word_is(3, 1ull << 32);
    EXPECT_REFUSED(values());
}

TEST(words_that_no_method_uses_are_zero)
{
    for (u32 word = 4; word < MESSAGE_WORDS; word++) {
        word_is(word, 1);
        EXPECT_REFUSED(values());
    }
    word_is(0, 1);
    EXPECT_REFUSED(sample_nothing(server, 9));
}

TEST(counts_and_length_agree)
{
    /* abc defg hi: 9 bytes. */
    static const u64 wrong[] = {
        16 | 4ull << 16 | 2ull << 32,             /* the first is longer than it may be */
        3 | 101ull << 16 | 2ull << 32,            /* the second */
        3 | 4ull << 16 | 41ull << 32,             /* the third */
        3 | 4ull << 16 | 3ull << 32,              /* one byte more than there is */
        3 | 4ull << 16 | 1ull << 32,              /* one less */
        3 | 4ull << 16 | 2ull << 32 | 1ull << 48, /* an array that the method does not have */
        3 | 6ull << 16,                           /* right together, but see below */
        0xffff | 0xffffull << 16 | 0xffffull << 32,
    };

    for (u32 i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        word_is(0, wrong[i]);
        if (i == 6)
            EXPECT_EQ(texts(), STATUS_OK);
        else
            EXPECT_REFUSED(texts());
    }
    for (u32 length = 0; length <= 20; length++) {
        length_is(length);
        if (length == 9)
            EXPECT_EQ(texts(), STATUS_OK);
        else
            EXPECT_REFUSED(texts());
    }
    length_is(MESSAGE_MAX_INLINE);
    EXPECT_REFUSED(texts());
    length_is(0xfff);
    EXPECT_REFUSED(texts());
    length_is(1);
    EXPECT_REFUSED(sample_nothing(server, 9));
}

/* The bytes are there, but the method takes fewer. */
TEST(counts_keep_their_limits)
{
    static const struct {
        u64 counts;
        u32 length;
    } wrong[] = {
        {16, 16},          {80, 80},           {256, 256}, {101ull << 16, 101}, {180ull << 16, 180},
        {41ull << 32, 41}, {120ull << 32, 120}};

    for (u32 i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        word_is(0, wrong[i].counts);
        change.length = wrong[i].length;
        EXPECT_REFUSED(texts());
    }
    word_is(1, 5); /* points, of 8 bytes each */
    change.length = 80 + 5 * 8;
    EXPECT_REFUSED(items(&good_item));
}

TEST(texts_have_no_end_inside)
{
    byte_is(1, 0);
    EXPECT_REFUSED(texts());
    byte_is(8, 0);
    EXPECT_REFUSED(texts());
    byte_is(4, 0); /* of the bytes, where it means nothing */
    EXPECT_EQ(texts(), STATUS_OK);
}

TEST(structures_are_looked_at_field_by_field)
{
    set_up();
    EXPECT_EQ(items(&good_item), STATUS_OK);
    byte_is(44, 0); /* colours[0] */
    EXPECT_REFUSED(items(&good_item));
    byte_is(46, 3); /* colours[2] */
    EXPECT_REFUSED(items(&good_item));
    byte_is(47, 2); /* hidden */
    EXPECT_REFUSED(items(&good_item));
    byte_is(48, 1); /* wide */
    EXPECT_REFUSED(items(&good_item));
    byte_is(55, 1); /* status */
    EXPECT_REFUSED(items(&good_item));
    for (u32 at = 80; at < 80 + 16; at++) { /* points: any bits are integers */
        byte_is(at, 0xff);
        EXPECT_EQ(items(&good_item), STATUS_OK);
    }
    byte_is(80 + 16, 0); /* the array of colours */
    EXPECT_REFUSED(items(&good_item));
    byte_is(80 + 16 + 1, 77);
    EXPECT_REFUSED(items(&good_item));
    byte_is(80 + 16 + 2, 2); /* the array of bools */
    EXPECT_REFUSED(items(&good_item));
}

TEST(texts_in_structures_have_an_end)
{
    struct sample_item item = good_item;

    set_up();
    memset(item.name, 'x', sizeof(item.name));
    EXPECT_REFUSED(items(&item));
    item.name[15] = '\0';
    EXPECT_EQ(items(&item), STATUS_OK);
    set_up();
    memset(item.labels[1], 'x', sizeof(item.labels[1]));
    EXPECT_REFUSED(items(&item));
}

TEST(methods_that_are_not_there_are_refused)
{
    static const u32 labels[] = {MESSAGE_LABEL(0x5a5a, 14), MESSAGE_LABEL(0x5a5a, 0xffff),
                                 MESSAGE_LABEL(0x5a5b, 1), MESSAGE_LABEL(0xffff, 7), 7};

    for (u32 i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        set_up();
        change.label = labels[i];
        fake.on_request = apply;
        EXPECT_EQ(sample_nothing(server, 9), STATUS_NO_METHOD);
        EXPECT_EQ(echo.calls, 0);
    }
}

TEST(kinds_do_not_mix)
{
    static const u32 kinds[] = {MESSAGE_SIGNAL, MESSAGE_FAULT, MESSAGE_REPLY, 15};

    for (u32 i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        set_up();
        change.kind = kinds[i];
        fake.on_request = apply;
        EXPECT_REFUSED(sample_nothing(server, 9));
    }
    /* A call sent one way, and the other way round. */
    set_up();
    change.label = SAMPLE_NOTHING;
    change.word = 0;
    change.length = 0;
    fake.on_request = apply;
    EXPECT_EQ(sample_note(server, 0, "", (endpoint_t){CAP_NULL}, 9), STATUS_OK);
    EXPECT_EQ(echo.calls, 0);
    set_up();
    change.label = SAMPLE_NOTE;
    fake.on_request = apply;
    EXPECT_REFUSED(sample_nothing(server, 9));
}

/* --- capabilities --- */

static endpoint_t first;
static memory_t second;
static process_t third;
static group_t fourth;

static void set_up_caps(void)
{
    set_up();
    first.cap = fake_cap(OBJECT_ENDPOINT, RIGHTS_ENDPOINT);
    second.cap = fake_cap(OBJECT_MEMORY, RIGHTS_MEMORY);
    third.cap = fake_cap(OBJECT_PROCESS, RIGHTS_PROCESS);
    fourth.cap = fake_cap(OBJECT_GROUP, RIGHTS_GROUP);
}

static enum status capabilities(void)
{
    struct sample_capabilities_reply reply;

    return sample_capabilities(server, first, second, third, fourth, 9, &reply);
}

/* Only the client's are left: first, third and fourth; the second was moved to its end. */
#define EXPECT_CAPS_REFUSED(status)                                                                \
    do {                                                                                           \
        EXPECT_EQ(capabilities(), status);                                                         \
        EXPECT_EQ(echo.calls, 0);                                                                  \
        EXPECT_EQ(fake_live_caps(), 3);                                                            \
    } while (0)

TEST(capabilities_of_another_type_are_refused)
{
    set_up_caps();
    (void)cap_close(first.cap);
    first.cap = fake_cap(OBJECT_MEMORY, UINT32_MAX);
    EXPECT_CAPS_REFUSED(STATUS_WRONG_TYPE);
    set_up_caps();
    (void)cap_close(fourth.cap);
    fourth.cap = fake_cap(OBJECT_ENDPOINT, UINT32_MAX);
    EXPECT_CAPS_REFUSED(STATUS_WRONG_TYPE);
}

TEST(capabilities_without_a_right_are_refused)
{
    set_up_caps();
    (void)cap_close(first.cap);
    first.cap = fake_cap(OBJECT_ENDPOINT, RIGHT_SEND | RIGHT_RECEIVE);
    EXPECT_CAPS_REFUSED(STATUS_MISSING_RIGHT);
    set_up_caps();
    (void)cap_close(third.cap);
    third.cap = fake_cap(OBJECT_PROCESS, 0);
    EXPECT_CAPS_REFUSED(STATUS_MISSING_RIGHT);
}

TEST(capabilities_lost_on_the_way_are_refused)
{
    for (u32 i = 0; i < 4; i++) {
        set_up_caps();
        change.lost_cap = i;
        change.flags = INFO_CAPS_LOST;
        fake.on_request = apply;
        EXPECT_CAPS_REFUSED(STATUS_REVOKED);
    }
}

static void revoke_third(struct message *message, struct message_buffer *buffer)
{
    (void)message;
    fake_revoke(buffer->received_caps[2]);
}

TEST(capabilities_revoked_after_their_arrival_are_refused)
{
    set_up_caps();
    fake.on_request = revoke_third;
    EXPECT_CAPS_REFUSED(STATUS_REVOKED);
}

TEST(too_few_and_too_many_capabilities_are_refused)
{
    struct typed_out out;
    struct typed_in in;
    static const struct typed_shape any = {.kind = MESSAGE_REPLY, .counts_word = TYPED_NO_COUNTS};

    for (u32 count = 0; count <= 4; count++) {
        set_up();
        typed_out_begin(&out, count < 2 ? SAMPLE_CAPABILITIES : SAMPLE_NOTHING);
        for (u32 i = 0; i < count; i++)
            typed_put_cap(&out, fake_cap(OBJECT_ENDPOINT, UINT32_MAX), UINT32_MAX, CAP_SEND_MOVE,
                          false);
        typed_call(server, &out, &any, 9, &in);
        EXPECT_EQ(typed_in_end(&in), STATUS_BAD_MESSAGE);
        EXPECT_EQ(echo.calls, 0);
        EXPECT_EQ(fake_live_caps(), 0);
    }
}

TEST(capabilities_are_closed_whatever_else_is_wrong)
{
    set_up_caps();
    change.word = 3;
    change.value = 1;
    fake.on_request = apply;
    EXPECT_CAPS_REFUSED(STATUS_BAD_MESSAGE);
    set_up_caps();
    change.label = 1;
    fake.on_request = apply;
    EXPECT_CAPS_REFUSED(STATUS_NO_METHOD);
    set_up_caps();
    change.label = SAMPLE_MISSING;
    fake.on_request = apply;
    EXPECT_CAPS_REFUSED(STATUS_NO_METHOD);
    set_up_caps();
    change.label = SAMPLE_VERSION;
    fake.on_request = apply;
    EXPECT_CAPS_REFUSED(STATUS_BAD_MESSAGE);
}

/* --- replies: a server is not trusted either --- */

TEST(replies_are_checked_as_requests_are)
{
    set_up();
    change.word = 0;
    change.value = 256;
    fake.on_reply = apply;
    EXPECT_EQ(integers(), STATUS_BAD_MESSAGE);
    set_up();
    change.word = 1;
    change.value = 3;
    fake.on_reply = apply;
    EXPECT_EQ(values(), STATUS_BAD_MESSAGE);
    set_up();
    change.length = 10;
    fake.on_reply = apply;
    EXPECT_EQ(texts(), STATUS_BAD_MESSAGE);
    set_up();
    change.label = SAMPLE_VALUES;
    fake.on_reply = apply;
    EXPECT_EQ(texts(), STATUS_BAD_MESSAGE);
}

TEST(failures_are_statuses_of_failures)
{
    static const u32 labels[] = {STATUS_SERVER_ERROR + 1, 0xffffffff, SAMPLE_NOTHING};

    for (u32 i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        set_up();
        change.label = labels[i];
        change.flags = INFO_FAILED;
        fake.on_reply = apply;
        EXPECT_EQ(sample_nothing(server, 9), STATUS_BAD_MESSAGE);
    }
    set_up();
    change.label = STATUS_BUSY;
    change.flags = INFO_FAILED;
    fake.on_reply = apply;
    EXPECT_EQ(sample_nothing(server, 9), STATUS_BUSY);
}

static void fail_with_ok(struct message *message)
{
    message_fail(message, STATUS_OK);
}

TEST(failure_that_says_ok_is_no_success)
{
    set_up();
    fake.server = fail_with_ok;
    EXPECT_EQ(integers(), STATUS_BAD_MESSAGE);
}

static void answer_another_interface(struct message *message)
{
    typed_answer_version(message, 0x5a5b, 3);
}

TEST(version_of_another_interface_is_not_taken)
{
    u32 version = 77;

    set_up();
    fake.server = answer_another_interface;
    EXPECT_EQ(sample_version(server, 9, &version), STATUS_BAD_MESSAGE);
    EXPECT_EQ(version, 77);
}

TEST(capabilities_of_a_wrong_reply_are_closed)
{
    set_up_caps();
    change.word = 0;
    change.value = 1;
    fake.on_reply = apply;
    EXPECT_EQ(capabilities(), STATUS_BAD_MESSAGE);
    echo_close_kept();
    EXPECT_EQ(fake_live_caps(), 3);
    set_up_caps();
    change.lost_cap = 0;
    fake.on_reply = apply;
    EXPECT_EQ(capabilities(), STATUS_REVOKED);
    echo_close_kept();
    EXPECT_EQ(fake_live_caps(), 3);
    set_up_caps();
    change.label = STATUS_BUSY;
    change.flags = INFO_FAILED;
    fake.on_reply = apply;
    EXPECT_EQ(capabilities(), STATUS_BUSY);
    echo_close_kept();
    EXPECT_EQ(fake_live_caps(), 3);
}

/* A handler that fills its reply wrongly: nothing is read past its end, and the client is told. */
TEST(wrong_answers_of_a_handler_are_server_errors)
{
    struct sample_broken_reply reply;

    set_up();
    EXPECT_EQ(sample_broken(server, 8, 9, &reply), STATUS_OK);
    EXPECT_EQ(sample_broken(server, 9, 9, &reply), STATUS_SERVER_ERROR);
    EXPECT_EQ(sample_broken(server, UINT32_MAX, 9, &reply), STATUS_SERVER_ERROR);
    EXPECT_EQ(sample_broken(server, 0, 9, &reply), STATUS_SERVER_ERROR);
}
