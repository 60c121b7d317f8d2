/* The line editor: keys in, line and screen out. The screen is a model terminal of one row. */
#include "line_editor.h"

#include "lib/string.h"
#include "unit.h"

#define COLUMNS 400u

static struct history history;
static struct line_editor editor;
static char screen[COLUMNS + 1];
static u32 column;
static bool broken; /* the editor sent what the model does not know */

/* Carriage return, line feed, ESC [ K, ESC [ n D, ESC [ H, ESC [ 2 J. */
static void show(void *context, const char *text, size_t size)
{
    (void)context;
    for (size_t i = 0; i < size; i++) {
        u32 number = 0;

        if (text[i] == '\r') {
            column = 0;
        } else if (text[i] == '\n') {
            column = 0;
            memset(screen, 0, sizeof(screen));
        } else if (text[i] == 0x1b && i + 1 < size && text[i + 1] == '[') {
            for (i += 2; i < size && text[i] >= '0' && text[i] <= '9'; i++)
                number = number * 10 + (u32)(text[i] - '0');
            if (text[i] == 'K')
                memset(screen + column, 0, sizeof(screen) - column);
            else if (text[i] == 'D')
                column -= number;
            else if (text[i] == 'H')
                column = 0;
            else if (text[i] == 'J')
                memset(screen, 0, sizeof(screen));
            else
                broken = true;
        } else if (column < COLUMNS) {
            screen[column++] = text[i];
        }
    }
}

static void set_up(void)
{
    memset(&history, 0, sizeof(history));
    memset(screen, 0, sizeof(screen));
    column = 0;
    broken = false;
    line_editor_init(&editor, "> ", &history, show, NULL);
    line_editor_begin(&editor);
}

/* The event of the last byte. */
static enum line_event type(const char *keys)
{
    enum line_event event = LINE_MORE;

    for (; *keys != '\0'; keys++)
        event = line_editor_feed(&editor, (u8)*keys);
    return event;
}

/* The line, the cursor, and that the screen shows both. */
static void expect_line(const char *text, u32 cursor)
{
    EXPECT_STR_EQ(editor.text, text);
    EXPECT_EQ(editor.cursor, cursor);
    EXPECT_EQ(editor.length, strlen(text));
    EXPECT(memcmp(screen, "> ", 2) == 0);
    EXPECT_STR_EQ(screen + 2, text);
    EXPECT_EQ(column, 2 + cursor);
    EXPECT(!broken);
}

TEST(typing_and_return)
{
    set_up();
    EXPECT_EQ(type("hello"), LINE_MORE);
    expect_line("hello", 5);
    EXPECT_EQ(type("\r"), LINE_READY);
    EXPECT_STR_EQ(editor.text, "hello");
    EXPECT_STR_EQ(history_get(&history, 1), "hello");
}

TEST(return_and_line_feed_are_one_end)
{
    set_up();
    EXPECT_EQ(type("a\r"), LINE_READY);
    line_editor_begin(&editor);
    EXPECT_EQ(type("\n"), LINE_MORE);
    EXPECT_EQ(type("b\n"), LINE_READY);
    line_editor_begin(&editor);
    EXPECT_EQ(type("\n"), LINE_READY);
}

TEST(insert_and_delete_in_the_middle)
{
    set_up();
    type("held\x1b[D");
    expect_line("held", 3);
    type("lo wor");
    expect_line("hello word", 9);
    type("l");
    expect_line("hello world", 10);
    type("\x7f");
    expect_line("hello word", 9);
    type("\x08");
    expect_line("hello wod", 8);
    type("\x1b[3~");
    expect_line("hello wo", 8);
    type("\x1b[3~");
    expect_line("hello wo", 8);
}

TEST(cursor_stays_in_the_line)
{
    set_up();
    type("\x1b[D\x1b[C\x7f\x1b[3~");
    expect_line("", 0);
    type("ab\x1b[C\x1b[C");
    expect_line("ab", 2);
    type("\x1b[D\x1b[D\x1b[D");
    expect_line("ab", 0);
}

TEST(home_and_end_in_all_their_forms)
{
    static const char *const home[] = {"\x01", "\x1b[H", "\x1bOH", "\x1b[1~", "\x1b[7~"};
    static const char *const end[] = {"\x05", "\x1b[F", "\x1bOF", "\x1b[4~", "\x1b[8~"};

    for (u32 i = 0; i < 5; i++) {
        set_up();
        type("word");
        type(home[i]);
        expect_line("word", 0);
        type(end[i]);
        expect_line("word", 4);
    }
}

TEST(control_keys_cut)
{
    set_up();
    type("one two three\x02\x02\x0b");
    expect_line("one two thr", 11);
    type("\x17");
    expect_line("one two ", 8);
    type("\x17");
    expect_line("one ", 4);
    type("\x02\x02\x15");
    expect_line("e ", 0);
    type("\x06\x0b");
    expect_line("e", 1);
}

TEST(history_goes_back_and_forth)
{
    set_up();
    type("first\r");
    line_editor_begin(&editor);
    type("second\r");
    line_editor_begin(&editor);
    type("third");
    type("\x1b[A");
    expect_line("second", 6);
    type("\x1b[A");
    expect_line("first", 5);
    type("\x1b[A");
    expect_line("first", 5);
    type("\x1b[B\x1b[B");
    expect_line("third", 5);
    type("\x1b[B");
    expect_line("third", 5);
    type("\x10");
    expect_line("second", 6);
    type("x\r");
    EXPECT_STR_EQ(history_get(&history, 1), "secondx");
}

TEST(control_c_gives_the_line_up)
{
    set_up();
    EXPECT_EQ(type("never mind\x03"), LINE_CANCELLED);
    EXPECT(history_get(&history, 1) == NULL);
    line_editor_begin(&editor);
    expect_line("", 0);
}

TEST(control_d_ends_input_only_on_an_empty_line)
{
    set_up();
    EXPECT_EQ(type("\x04"), LINE_END);
    EXPECT_EQ(type("ab\x01\x04"), LINE_MORE);
    expect_line("b", 0);
}

TEST(control_l_clears_the_screen)
{
    set_up();
    type("keep\x0c");
    expect_line("keep", 4);
}

TEST(long_lines_stop_growing)
{
    set_up();
    for (u32 i = 0; i < LINE_SIZE + 50; i++)
        type("x");
    EXPECT_EQ(editor.length, LINE_SIZE - 1);
    EXPECT_EQ(strlen(editor.text), LINE_SIZE - 1);
    type("\x01y");
    EXPECT_EQ(editor.length, LINE_SIZE - 1);
}

TEST(unknown_sequences_leave_no_trace)
{
    set_up();
    type("a\x1b[Z\x1b[99~\x1b[1;5Cb\x1bxc");
    expect_line("abc", 3);
}

/* Any bytes at all: the editor's own invariant, and the sanitizer, watch. */
TEST(random_keys_keep_the_line_sound)
{
    set_up();
    for (u32 i = 0; i < 50000; i++) {
        u8 byte = unit_random_below(3) == 0 ? (u8)unit_random() : (u8)(' ' + unit_random_below(95));

        if (line_editor_feed(&editor, byte) != LINE_MORE)
            line_editor_begin(&editor);
        if (editor.cursor > editor.length || strlen(editor.text) != editor.length) {
            EXPECT(false);
            break;
        }
    }
}
