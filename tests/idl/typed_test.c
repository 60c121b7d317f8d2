/* Generated code there and back: every kind of parameter from the client's function to the server's
 * handler and again, at its limits, over a transport that behaves as the kernel does. */
#include "echo.h"
#include "fake.h"
#include "unit.h"

#include "abi/rights.h"
#include "ferrous/calls.h"
#include "lib/string.h"

static const endpoint_t server = {{1}};

static void set_up(void)
{
    fake_reset();
    memset(&echo, 0, sizeof(echo));
    fake.server = echo_serve;
}

TEST(integers_come_back_at_their_limits)
{
    struct sample_integers_reply reply;

    set_up();
    EXPECT_EQ(
        sample_integers(server, 0, 0, 0, 0, INT8_MIN, INT16_MIN, INT32_MIN, INT64_MIN, 9, &reply),
        STATUS_OK);
    EXPECT_EQ(reply.a + reply.b + reply.c + reply.d, 0);
    EXPECT(reply.e == INT8_MIN && reply.f == INT16_MIN && reply.g == INT32_MIN &&
           reply.h == INT64_MIN);
    EXPECT_EQ(sample_integers(server, UINT8_MAX, UINT16_MAX, UINT32_MAX, UINT64_MAX, INT8_MAX,
                              INT16_MAX, INT32_MAX, INT64_MAX, 9, &reply),
              STATUS_OK);
    EXPECT(reply.a == UINT8_MAX && reply.b == UINT16_MAX && reply.c == UINT32_MAX &&
           reply.d == UINT64_MAX);
    EXPECT(reply.e == INT8_MAX && reply.f == INT16_MAX && reply.g == INT32_MAX &&
           reply.h == INT64_MAX);
    EXPECT_EQ(echo.calls, 2);
}

TEST(each_integer_has_its_word)
{
    struct sample_integers_reply reply;

    set_up();
    EXPECT_EQ(sample_integers(server, 1, 2, 3, 4, -5, -6, -7, -8, 9, &reply), STATUS_OK);
    for (u64 i = 0; i < 4; i++) {
        EXPECT_EQ(fake.sent.words[i], i + 1);
        EXPECT_EQ(fake.sent.words[i + 4], (u64) - (i64)(i + 5));
    }
    EXPECT_EQ(message_label(&fake.sent), MESSAGE_LABEL(0x5a5a, 1));
    EXPECT_EQ(message_length(&fake.sent), 0);
}

TEST(bools_enums_and_statuses_come_back)
{
    static const enum sample_colour colours[] = {SAMPLE_COLOUR_RED, SAMPLE_COLOUR_GREEN,
                                                 SAMPLE_COLOUR_BLUE};
    struct sample_values_reply reply;

    set_up();
    for (u32 i = 0; i < 3; i++) {
        enum sample_wide wide = i == 0 ? SAMPLE_WIDE_ZERO : SAMPLE_WIDE_LAST;
        enum status status = i == 0 ? STATUS_OK : STATUS_SERVER_ERROR;

        EXPECT_EQ(sample_values(server, i == 1, colours[i], wide, status, 9, &reply), STATUS_OK);
        EXPECT(reply.yes == (i == 1) && reply.colour == colours[i] && reply.wide == wide &&
               reply.status == status);
    }
}

TEST(texts_and_bytes_come_back_from_empty_to_full)
{
    static const u8 bytes[100] = {0, 255, 0, 7, [99] = 42};
    struct sample_texts_reply reply;

    set_up();
    EXPECT_EQ(sample_texts(server, "", bytes, 0, "", 9, &reply), STATUS_OK);
    EXPECT(reply.first[0] == '\0' && reply.middle_count == 0 && reply.last[0] == '\0');
    EXPECT_EQ(sample_texts(server, "fifteen letters", bytes, 100,
                           "forty letters are as many as there may be", 9, &reply),
              STATUS_BAD_ARGUMENT);
    EXPECT_EQ(sample_texts(server, "fifteen letters", bytes, 100,
                           "forty letters are as much as there may b", 9, &reply),
              STATUS_OK);
    EXPECT_STR_EQ(reply.first, "fifteen letters");
    EXPECT_STR_EQ(reply.last, "forty letters are as much as there may b");
    EXPECT_EQ(reply.middle_count, 100);
    EXPECT_MEM_EQ(reply.middle, bytes, 100);
    /* One after the other without gaps, counts in the word after the values. */
    EXPECT_EQ(message_length(&fake.sent), 155);
    EXPECT_EQ(fake.sent.words[0], 15 | 100 << 16 | 40ull << 32);
    EXPECT_MEM_EQ(fake.sent_buffer.data, "fifteen letters", 15);
    EXPECT_MEM_EQ(fake.sent_buffer.data + 15, bytes, 100);
}

static const struct sample_item item = {.name = "fifteen letters",
                                        .id = 0x1122334455667788,
                                        .corners = {{-1, 2}, {3, INT32_MIN}},
                                        .depth = -2,
                                        .number = 65535,
                                        .colours = {1, 2, 250},
                                        .hidden = 1,
                                        .wide = SAMPLE_WIDE_LAST,
                                        .status = STATUS_FULL,
                                        .labels = {"seven77", ""}};

TEST(structures_and_arrays_come_back)
{
    static const struct sample_point points[4] = {{1, 2}, {3, 4}, {5, 6}, {-7, -8}};
    static const u8 colours[5] = {1, 2, 250, 2, 1};
    static const u8 flags[3] = {1, 0, 1};
    static const u64 numbers[4] = {UINT64_MAX, 0, 1, 2};
    static const struct sample_point last = {11, 12};
    struct sample_items_reply reply;

    set_up();
    EXPECT_EQ(sample_items(server, 77, &item, points, 4, colours, 5, flags, 3, numbers, 4, &last, 9,
                           &reply),
              STATUS_OK);
    EXPECT_EQ(reply.before, 77);
    EXPECT_MEM_EQ(&reply.item, &item, sizeof(item));
    EXPECT_MEM_EQ(&reply.last, &last, sizeof(last));
    EXPECT(reply.points_count == 4 && reply.colours_count == 5 && reply.flags_count == 3 &&
           reply.numbers_count == 4);
    EXPECT_MEM_EQ(reply.points, points, sizeof(points));
    EXPECT_MEM_EQ(reply.colours, colours, sizeof(colours));
    EXPECT_MEM_EQ(reply.flags, flags, sizeof(flags));
    EXPECT_MEM_EQ(reply.numbers, numbers, sizeof(numbers));
    EXPECT_EQ(sample_items(server, 77, &item, NULL, 0, NULL, 0, NULL, 0, NULL, 0, &last, 9, &reply),
              STATUS_OK);
    EXPECT_EQ(reply.points_count + reply.colours_count + reply.flags_count + reply.numbers_count,
              0);
}

TEST(the_largest_message_comes_back)
{
    struct sample_largest_reply reply;
    u8 data[MESSAGE_MAX_INLINE + 1];

    set_up();
    for (u32 i = 0; i < sizeof(data); i++)
        data[i] = (u8)unit_random();
    EXPECT_EQ(sample_largest(server, data, MESSAGE_MAX_INLINE + 1, 9, &reply), STATUS_BAD_ARGUMENT);
    EXPECT_EQ(echo.calls, 0);
    EXPECT_EQ(sample_largest(server, data, MESSAGE_MAX_INLINE, 9, &reply), STATUS_OK);
    EXPECT_EQ(reply.data_count, MESSAGE_MAX_INLINE);
    EXPECT_MEM_EQ(reply.data, data, MESSAGE_MAX_INLINE);
}

TEST(structures_of_the_abi_travel_too)
{
    struct exit_record record = {.reason = EXIT_FAULT, .code = -1, .address = 8, .pc = UINT64_MAX};
    struct sample_record_reply reply;

    set_up();
    EXPECT_EQ(sample_record(server, &record, 9, &reply), STATUS_OK);
    EXPECT_MEM_EQ(&reply.record, &record, sizeof(record));
}

TEST(nothing_is_a_message_too)
{
    set_up();
    EXPECT_EQ(sample_nothing(server, 9), STATUS_OK);
    EXPECT_EQ(echo.calls, 1);
}

TEST(one_way_messages_arrive)
{
    endpoint_t listener;

    set_up();
    listener.cap = fake_cap(OBJECT_ENDPOINT, RIGHTS_ENDPOINT);
    EXPECT_EQ(sample_note(server, 5, "twenty letters are it", listener, 9), STATUS_BAD_ARGUMENT);
    EXPECT_EQ(sample_note(server, 5, "twenty letters fit.", listener, 9), STATUS_OK);
    EXPECT(echo.calls == 1 && echo.note_number == 5 && echo.note_has_listener);
    EXPECT_STR_EQ(echo.note, "twenty letters fit.");
    /* The handler did not take its copy: it is closed. */
    EXPECT_EQ(fake_live_caps(), 1);
    EXPECT_EQ(sample_note(server, 6, "", (endpoint_t){CAP_NULL}, 9), STATUS_OK);
    EXPECT(echo.note_number == 6 && !echo.note_has_listener);
}

TEST(capabilities_travel_with_the_rights_named)
{
    endpoint_t first;
    memory_t second;
    process_t third;
    group_t fourth;
    struct sample_capabilities_reply reply;

    set_up();
    first.cap = fake_cap(OBJECT_ENDPOINT, RIGHTS_ENDPOINT);
    second.cap = fake_cap(OBJECT_MEMORY, RIGHTS_MEMORY);
    third.cap = fake_cap(OBJECT_PROCESS, RIGHTS_PROCESS);
    fourth.cap = fake_cap(OBJECT_GROUP, RIGHTS_GROUP);
    REQUIRE(sample_capabilities(server, first, second, third, fourth, 9, &reply) == STATUS_OK);
    EXPECT_EQ(fake_rights(reply.first.cap), RIGHT_SEND);
    EXPECT_EQ(fake_rights(reply.second.cap), RIGHT_READ);
    EXPECT_EQ(fake_rights(reply.third.cap), RIGHT_WAIT);
    EXPECT_EQ(fake_rights(echo.kept[0]), RIGHT_SEND | RIGHT_SIGNAL);
    /* The second was moved, there and back. */
    EXPECT_EQ(fake_rights(second.cap), 0);
    echo_close_kept();
    (void)cap_close(reply.first.cap);
    (void)cap_close(reply.second.cap);
    (void)cap_close(reply.third.cap);
    EXPECT_EQ(fake_live_caps(), 3);
}

TEST(capabilities_that_may_be_left_out_are_null)
{
    endpoint_t first;
    memory_t second;
    group_t group;
    process_t no_process = {CAP_NULL};
    group_t no_group = {CAP_NULL};
    struct sample_capabilities_reply reply;

    set_up();
    first.cap = fake_cap(OBJECT_ENDPOINT, RIGHTS_ENDPOINT);
    second.cap = fake_cap(OBJECT_MEMORY, RIGHTS_MEMORY);
    group.cap = fake_cap(OBJECT_GROUP, RIGHTS_GROUP);
    /* Those that must be there; and the fourth needs the third before it. */
    EXPECT_EQ(sample_capabilities(server, (endpoint_t){CAP_NULL}, second, no_process, no_group, 9,
                                  &reply),
              STATUS_BAD_ARGUMENT);
    EXPECT_EQ(
        sample_capabilities(server, first, (memory_t){CAP_NULL}, no_process, no_group, 9, &reply),
        STATUS_BAD_ARGUMENT);
    EXPECT_EQ(sample_capabilities(server, first, second, no_process, group, 9, &reply),
              STATUS_BAD_ARGUMENT);
    EXPECT_EQ(echo.calls, 0);
    EXPECT_EQ(sample_capabilities(server, first, second, no_process, no_group, 9, &reply),
              STATUS_OK);
    EXPECT(cap_is_null(reply.third.cap) && !cap_is_null(reply.first.cap));
}

TEST(errors_are_those_that_the_method_names)
{
    set_up();
    EXPECT_EQ(sample_choosy(server, STATUS_OK, 9), STATUS_OK);
    EXPECT_EQ(sample_choosy(server, STATUS_NOT_FOUND, 9), STATUS_NOT_FOUND);
    EXPECT_EQ(sample_choosy(server, STATUS_FULL, 9), STATUS_FULL);
    EXPECT_EQ(sample_choosy(server, STATUS_BUSY, 9), STATUS_SERVER_ERROR);
    EXPECT_EQ(sample_choosy(server, 12345, 9), STATUS_SERVER_ERROR);
    EXPECT_EQ(sample_any(server, STATUS_BUSY, 9), STATUS_BUSY);
    EXPECT_EQ(sample_any(server, 12345, 9), STATUS_SERVER_ERROR);
    EXPECT_EQ(echo.calls, 7);
}

TEST(version_is_told_and_missing_methods_are_refused)
{
    struct sample_missing_reply reply;
    u32 version = 0;

    set_up();
    EXPECT_EQ(sample_version(server, 9, &version), STATUS_OK);
    EXPECT_EQ(version, 3);
    EXPECT_EQ(sample_missing(server, 9, &reply), STATUS_NO_METHOD);
    EXPECT_EQ(echo.calls, 0);
}

TEST(what_the_transport_says_is_what_the_caller_gets)
{
    struct sample_largest_reply reply;
    u32 version;

    set_up();
    fake.transport = STATUS_SERVER_DIED;
    EXPECT_EQ(sample_largest(server, "", 0, 9, &reply), STATUS_SERVER_DIED);
    EXPECT_EQ(sample_note(server, 1, "", (endpoint_t){CAP_NULL}, 9), STATUS_SERVER_DIED);
    EXPECT_EQ(sample_version(server, 9, &version), STATUS_SERVER_DIED);
}

TEST(badge_reaches_the_handler)
{
    struct message message = MESSAGE_INIT(SAMPLE_NOTHING);

    set_up();
    message.info |= (u64)MESSAGE_CALL << INFO_KIND_SHIFT;
    message.badge = 4711;
    echo_serve(&message);
    EXPECT_EQ(echo.badge, 4711);
    EXPECT_EQ(message_label(&message), SAMPLE_NOTHING);
}
