/*
 * The editor. Appending at the end echoes just the character; any other change draws the line again
 * from its start. Escape sequences: ESC [ or ESC O, an optional number, a final letter or ~.
 */
#include "line_editor.h"

#include "lib/format.h"
#include "lib/string.h"

#define CONTROL(letter) ((letter)&0x1f)
#define ESCAPE          0x1b
#define DELETE          0x7f

enum escape_state { ESCAPE_NONE, ESCAPE_STARTED, ESCAPE_BRACKET };

static void put(struct line_editor *editor, const char *text)
{
    editor->write(editor->context, text, strlen(text));
}

/* Draws prompt and line, clears what is behind, and puts the cursor where it belongs. */
static void redraw(struct line_editor *editor)
{
    char move[16];

    put(editor, "\r");
    put(editor, editor->prompt);
    editor->write(editor->context, editor->text, editor->length);
    put(editor, "\x1b[K");
    if (editor->cursor < editor->length) {
        format_to(move, sizeof(move), "\x1b[%uD", editor->length - editor->cursor);
        put(editor, move);
    }
}

void line_editor_init(struct line_editor *editor, const char *prompt, struct history *history,
                      void (*write)(void *context, const char *text, size_t size), void *context)
{
    memset(editor, 0, sizeof(*editor));
    editor->prompt = prompt;
    editor->history = history;
    editor->write = write;
    editor->context = context;
}

void line_editor_begin(struct line_editor *editor)
{
    editor->text[0] = '\0';
    editor->length = 0;
    editor->cursor = 0;
    editor->age = 0;
    editor->escape = ESCAPE_NONE;
    put(editor, editor->prompt);
}

void line_editor_cancel(struct line_editor *editor)
{
    put(editor, "^C\n");
}

static void insert(struct line_editor *editor, char c)
{
    if (editor->length + 1 >= LINE_SIZE)
        return;
    memmove(editor->text + editor->cursor + 1, editor->text + editor->cursor,
            editor->length - editor->cursor + 1);
    editor->text[editor->cursor++] = c;
    editor->length++;
    if (editor->cursor == editor->length)
        editor->write(editor->context, &c, 1);
    else
        redraw(editor);
}

/* Removes [start, end) and leaves the cursor at start. */
static void cut(struct line_editor *editor, u32 start, u32 end)
{
    if (start == end)
        return;
    memmove(editor->text + start, editor->text + end, editor->length - end + 1);
    editor->length -= end - start;
    editor->cursor = start;
    redraw(editor);
}

static void move_to(struct line_editor *editor, u32 cursor)
{
    if (cursor == editor->cursor || cursor > editor->length)
        return;
    editor->cursor = cursor;
    redraw(editor);
}

static u32 word_start(const struct line_editor *editor)
{
    u32 at = editor->cursor;

    while (at > 0 && editor->text[at - 1] == ' ')
        at--;
    while (at > 0 && editor->text[at - 1] != ' ')
        at--;
    return at;
}

static void show_history(struct line_editor *editor, u32 age)
{
    const char *line = age == 0 ? editor->typed : history_get(editor->history, age);

    if (line == NULL)
        return;
    if (editor->age == 0)
        string_copy(editor->typed, sizeof(editor->typed), editor->text);
    editor->age = age;
    editor->length = (u32)string_copy(editor->text, sizeof(editor->text), line);
    editor->cursor = editor->length;
    redraw(editor);
}

static void go_back(struct line_editor *editor)
{
    show_history(editor, editor->age + 1);
}

static void go_forward(struct line_editor *editor)
{
    if (editor->age > 0)
        show_history(editor, editor->age - 1);
}

static void delete_under(struct line_editor *editor)
{
    if (editor->cursor < editor->length)
        cut(editor, editor->cursor, editor->cursor + 1);
}

static void finish_escape(struct line_editor *editor, u8 final)
{
    switch (final) {
    case 'A':
        go_back(editor);
        break;
    case 'B':
        go_forward(editor);
        break;
    case 'C':
        move_to(editor, editor->cursor + 1);
        break;
    case 'D':
        move_to(editor, editor->cursor - 1);
        break;
    case 'H':
        move_to(editor, 0);
        break;
    case 'F':
        move_to(editor, editor->length);
        break;
    case '~':
        if (editor->parameter == 1 || editor->parameter == 7)
            move_to(editor, 0);
        else if (editor->parameter == 4 || editor->parameter == 8)
            move_to(editor, editor->length);
        else if (editor->parameter == 3)
            delete_under(editor);
        break;
    default:
        break;
    }
}

/* True: the byte belonged to an escape sequence. */
static bool feed_escape(struct line_editor *editor, u8 byte)
{
    switch (editor->escape) {
    case ESCAPE_STARTED:
        editor->escape = byte == '[' || byte == 'O' ? ESCAPE_BRACKET : ESCAPE_NONE;
        editor->parameter = 0;
        return true;
    case ESCAPE_BRACKET:
        if (byte >= '0' && byte <= '9') {
            editor->parameter = (editor->parameter * 10 + (byte - '0')) % 1000;
        } else if (byte >= '@' && byte <= '~') {
            editor->escape = ESCAPE_NONE;
            finish_escape(editor, byte);
        } else if (byte < ' ') {
            editor->escape = ESCAPE_NONE;
            return false;
        }
        return true;
    default:
        return false;
    }
}

static void feed_control(struct line_editor *editor, u8 byte)
{
    switch (byte) {
    case CONTROL('a'):
        move_to(editor, 0);
        break;
    case CONTROL('e'):
        move_to(editor, editor->length);
        break;
    case CONTROL('b'):
        move_to(editor, editor->cursor - 1);
        break;
    case CONTROL('f'):
        move_to(editor, editor->cursor + 1);
        break;
    case CONTROL('k'):
        cut(editor, editor->cursor, editor->length);
        break;
    case CONTROL('u'):
        cut(editor, 0, editor->cursor);
        break;
    case CONTROL('w'):
        cut(editor, word_start(editor), editor->cursor);
        break;
    case CONTROL('p'):
        go_back(editor);
        break;
    case CONTROL('n'):
        go_forward(editor);
        break;
    case CONTROL('l'):
        put(editor, "\x1b[H\x1b[2J");
        redraw(editor);
        break;
    case CONTROL('h'):
    case DELETE:
        if (editor->cursor > 0)
            cut(editor, editor->cursor - 1, editor->cursor);
        break;
    case ESCAPE:
        editor->escape = ESCAPE_STARTED;
        break;
    default:
        break;
    }
}

enum line_event line_editor_feed(struct line_editor *editor, u8 byte)
{
    bool after_return = editor->after_return;

    editor->after_return = byte == '\r';
    if (feed_escape(editor, byte))
        return LINE_MORE;
    if (byte == '\n' && after_return)
        return LINE_MORE;
    if (byte == '\r' || byte == '\n') {
        put(editor, "\n");
        history_add(editor->history, editor->text);
        return LINE_READY;
    }
    if (byte == CONTROL('c')) {
        line_editor_cancel(editor);
        return LINE_CANCELLED;
    }
    if (byte == CONTROL('d')) {
        if (editor->length == 0)
            return LINE_END;
        delete_under(editor);
        return LINE_MORE;
    }
    if (byte >= ' ' && byte < DELETE)
        insert(editor, (char)byte);
    else
        feed_control(editor, byte);
    return LINE_MORE;
}
