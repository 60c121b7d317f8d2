/* The functions below generated code (ferrous/typed.h), used as no generated code would: they keep
 * to a message's bounds by themselves. */
#include "fake.h"
#include "unit.h"

#include "abi/rights.h"

static const struct typed_shape anything = {
    .kind = MESSAGE_CALL, .words = MESSAGE_WORDS, .counts_word = TYPED_NO_COUNTS, .caps = 15};

static struct message call_with(u32 length, u32 caps)
{
    return (struct message){.info = message_info(1, length, caps, 0) | (u64)MESSAGE_CALL
                                                                           << INFO_KIND_SHIFT};
}

TEST(no_more_is_put_than_a_message_holds)
{
    static const u8 bytes[MESSAGE_MAX_INLINE];
    struct typed_out out;

    fake_reset();
    typed_out_begin(&out, 1);
    typed_put_struct(&out, bytes, 200);
    typed_put_struct(&out, bytes, 56);
    EXPECT_EQ(out.status, STATUS_OK);
    typed_put_struct(&out, bytes, 1);
    EXPECT_EQ(out.status, STATUS_BAD_ARGUMENT);
    typed_out_begin(&out, 1);
    for (u32 i = 0; i < 5; i++) {
        EXPECT_EQ(out.status, STATUS_OK);
        typed_put_cap(&out, fake_cap(OBJECT_ENDPOINT, 1), 1, CAP_SEND_COPY, false);
    }
    EXPECT_EQ(out.status, STATUS_BAD_ARGUMENT);
}

TEST(no_more_is_taken_than_came)
{
    struct message message = call_with(100, 0);
    u8 bytes[MESSAGE_MAX_INLINE] = {7};
    struct typed_in in;

    fake_reset();
    typed_in_begin(&in, &message, &anything);
    typed_take_struct(&in, bytes, 101, NULL);
    EXPECT_EQ(bytes[0], 7);
    EXPECT_EQ(typed_in_end(&in), STATUS_BAD_MESSAGE);
    message = call_with(MESSAGE_MAX_INLINE + 1, 0);
    typed_in_begin(&in, &message, &anything);
    EXPECT_EQ(in.status, STATUS_BAD_MESSAGE);
}

TEST(no_more_capabilities_are_closed_than_can_have_come)
{
    struct message message = call_with(0, 15);
    struct message_buffer *buffer;

    fake_reset();
    buffer = fake_use_server_buffer();
    for (u32 i = 0; i < MESSAGE_MAX_CAPS; i++)
        buffer->received_caps[i] = fake_cap(OBJECT_ENDPOINT, 1);
    typed_refuse(&message, STATUS_NO_METHOD);
    EXPECT_EQ(fake_live_caps(), 0);
    (void)fake_use_client_buffer();
}
