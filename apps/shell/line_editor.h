/*
 * Editing of one line on an ANSI terminal (ECMA-48): bytes from the keyboard go in, text for the
 * screen comes out through a function. No input is waited for and nothing is global, so the host
 * can test it byte by byte.
 *
 *   left right home end, backspace delete, up down (history)
 *   ctrl-a e b f: move   ctrl-k u w: cut to the end, to the start, a word   ctrl-p n: history
 *   ctrl-l: clear the screen   ctrl-c: give the line up   ctrl-d: delete, or end of input on an
 * empty line
 */
#ifndef SHELL_LINE_EDITOR_H
#define SHELL_LINE_EDITOR_H

#include "history.h"

#define LINE_SIZE HISTORY_LINE_SIZE

enum line_event {
    LINE_MORE = 0,  /* the line is not finished */
    LINE_READY,     /* editor.text holds it */
    LINE_CANCELLED, /* given up */
    LINE_END,       /* end of input */
};

struct line_editor {
    const char *prompt;
    struct history *history;
    void (*write)(void *context, const char *text, size_t size);
    void *context;

    char text[LINE_SIZE]; /* NUL-terminated */
    u32 length;
    u32 cursor;
    u32 age;               /* of the history line shown; 0: the one being typed */
    char typed[LINE_SIZE]; /* that one, while history is shown */
    u32 escape;            /* state of an escape sequence */
    u32 parameter;
    bool after_return; /* a line feed right after a carriage return is not another line */
};

/* Prompt, history and context are borrowed for the editor's life. */
void line_editor_init(struct line_editor *editor, const char *prompt, struct history *history,
                      void (*write)(void *context, const char *text, size_t size), void *context);

/* Starts an empty line and shows the prompt. */
void line_editor_begin(struct line_editor *editor);

/* One byte from the keyboard. After anything but LINE_MORE, call line_editor_begin for the next
 * line. A finished line goes into the history. */
enum line_event line_editor_feed(struct line_editor *editor, u8 byte);

/* Gives the line up as ctrl-c does. */
void line_editor_cancel(struct line_editor *editor);

#endif
