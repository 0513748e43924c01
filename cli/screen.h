#pragma once
/*
 * screen - a terminal with a canvas on it, through ncurses: only what has changed is sent.
 *
 * One at a time. The terminal is as it was before after hn_screen_close(), and also when the program dies of
 * a signal of its own making (SIGSEGV, SIGABRT and the like) or is stopped from the keyboard.
 */
#include <stdbool.h>

#include "base/error.h"
#include "cli/canvas.h"

struct hn_screen;

/* -ENOTTY when stdin or stdout is no terminal, -EINVAL for a type of terminal that is unknown or cannot move
 * its cursor. Colours only where the terminal has them. */
int hn_screen_open(bool colour, struct hn_screen **ret, struct hn_error *err);
void hn_screen_close(struct hn_screen *screen); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_screen, struct hn_screen *, hn_screen_close);

/* Takes the terminal's size as it is now; call it when it has changed (SIGWINCH). */
void hn_screen_fit(struct hn_screen *screen);
unsigned hn_screen_rows(const struct hn_screen *screen);
unsigned hn_screen_columns(const struct hn_screen *screen);

/* Shows a canvas of the screen's size. */
void hn_screen_draw(struct hn_screen *screen, const struct hn_canvas *canvas);
/* Sends everything anew at the next draw, as after something else has written there. */
void hn_screen_forget(struct hn_screen *screen);

/* The next key pressed, as cli/top-model.h has them, or HN_KEY_NONE when there is none by now. */
int hn_screen_key(struct hn_screen *screen);
