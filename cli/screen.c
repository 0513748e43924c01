#include "cli/screen.h"

#define NCURSES_NOMACROS 1
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "cli/top-model.h"

#define ESCAPE_MS 50 /* a key's sequence arrives within, else it was the Esc key */

struct hn_screen {
	SCREEN *curses;
	bool colour;
	unsigned rows, columns;
};

/* For a handler of fatal signals: what brings the terminal back. */
static struct {
	struct termios modes;
	char codes[128];
	size_t length;
} before;

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

static void on_fatal_signal(int number)
{
	ssize_t written = write(STDOUT_FILENO, before.codes, before.length);

	(void)written;
	tcsetattr(STDOUT_FILENO, TCSANOW, &before.modes);
	/* the handler was for one time */
	raise(number);
}

static void add_code(const char *capability)
{
	const char *code = tigetstr(capability);
	size_t length;

	if (!code || code == (char *)-1)
		return;
	length = strlen(code);
	if (before.length + length > sizeof(before.codes))
		return;
	memcpy(before.codes + before.length, code, length);
	before.length += length;
}

/* A handler that is there already (a sanitizer's) is left alone. */
static void watch_fatal_signals(void)
{
	struct sigaction action = {.sa_handler = on_fatal_signal, .sa_flags = SA_RESETHAND | SA_NODEFER}, old;

	before.length = 0;
	add_code("sgr0");
	add_code("rmkx");
	add_code("cnorm");
	add_code("rmcup");
	for (size_t i = 0; i < HN_COUNT(fatal_signals); i++)
		if (sigaction(fatal_signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(fatal_signals[i], &action, NULL);
}

static void unwatch_fatal_signals(void)
{
	struct sigaction old;

	for (size_t i = 0; i < HN_COUNT(fatal_signals); i++)
		if (sigaction(fatal_signals[i], NULL, &old) == 0 && old.sa_handler == on_fatal_signal)
			signal(fatal_signals[i], SIG_DFL);
}

static void begin_colours(struct hn_screen *screen)
{
	static const short colours[] = {
		[HN_TONE_GOOD] = COLOR_GREEN, [HN_TONE_MIDDLING] = COLOR_YELLOW, [HN_TONE_BAD] = COLOR_RED};

	screen->colour = screen->colour && has_colors() && start_color() == OK;
	if (!screen->colour)
		return;
	use_default_colors();
	for (int tone = HN_TONE_GOOD; tone <= HN_TONE_BAD; tone++)
		init_pair((short)tone, colours[tone], -1);
}

static bool can_move_cursor(void)
{
	const char *code = tigetstr("cup");

	return code && code != (char *)-1;
}

int hn_screen_open(bool colour, struct hn_screen **ret, struct hn_error *err)
{
	const char *type = getenv("TERM");
	struct hn_screen *screen;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDOUT_FILENO, &before.modes) < 0)
		return hn_fail(err, -ENOTTY, "top needs a terminal; homenode top --once prints one picture");
	screen = calloc(1, sizeof(*screen));
	if (!screen)
		return hn_oom(err);
	screen->colour = colour;
	screen->curses = newterm(NULL, stdout, stdin);
	if (screen->curses && !can_move_cursor()) {
		endwin();
		delscreen(screen->curses);
		screen->curses = NULL;
	}
	if (!screen->curses) {
		free(screen);
		return hn_fail(
			err, -EINVAL,
			"TERM is '%.40s': such a terminal is not known here, or cannot show a full screen",
			type ? type : "");
	}
	watch_fatal_signals();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	if (!getenv("ESCDELAY"))
		set_escdelay(ESCAPE_MS);
	curs_set(0);
	begin_colours(screen);
	hn_screen_fit(screen);
	*ret = screen;
	return 0;
}

void hn_screen_close(struct hn_screen *screen)
{
	if (!screen)
		return;
	/* where the terminal has no second screen, what comes next is written on the last line of ours */
	move((int)screen->rows - 1, 0);
	clrtoeol();
	refresh();
	endwin();
	unwatch_fatal_signals();
	delscreen(screen->curses);
	free(screen);
}

void hn_screen_fit(struct hn_screen *screen)
{
	struct winsize size;
	int rows, columns;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
		resizeterm(size.ws_row, size.ws_col);
	getmaxyx(stdscr, rows, columns);
	screen->rows = (unsigned)rows;
	screen->columns = (unsigned)columns;
}

unsigned hn_screen_rows(const struct hn_screen *screen)
{
	return screen->rows;
}

unsigned hn_screen_columns(const struct hn_screen *screen)
{
	return screen->columns;
}

static attr_t attributes_of(const struct hn_screen *screen, const struct hn_canvas_cell *cell)
{
	attr_t attributes = A_NORMAL;

	if (cell->style & HN_STYLE_BOLD || (!screen->colour && cell->tone == HN_TONE_BAD))
		attributes |= A_BOLD;
	if (cell->style & HN_STYLE_REVERSE)
		attributes |= A_REVERSE;
	if (cell->tone == HN_TONE_FAINT)
		attributes |= A_DIM;
	return attributes;
}

static void draw_cell(const struct hn_screen *screen, const struct hn_canvas_cell *cell, int row, int column)
{
	bool coloured = screen->colour && cell->tone >= HN_TONE_GOOD && cell->tone <= HN_TONE_BAD;
	wchar_t text[] = {cell->symbol, L'\0'};
	cchar_t symbol;

	setcchar(&symbol, text, attributes_of(screen, cell), coloured ? (short)cell->tone : 0, NULL);
	mvadd_wch(row, column, &symbol);
}

void hn_screen_draw(struct hn_screen *screen, const struct hn_canvas *canvas)
{
	erase();
	for (unsigned row = 0; row < canvas->rows && row < screen->rows; row++)
		for (unsigned column = 0; column < canvas->columns && column < screen->columns; column++) {
			const struct hn_canvas_cell *cell =
				&canvas->cells[(size_t)row * canvas->columns + column];

			if (cell->symbol)
				draw_cell(screen, cell, (int)row, (int)column);
		}
	refresh();
}

void hn_screen_forget(struct hn_screen *screen)
{
	clearok(curscr, TRUE);
}

int hn_screen_key(struct hn_screen *screen)
{
	static const struct {
		wint_t curses;
		int key;
	} keys[] = {{KEY_UP, HN_KEY_UP},         {KEY_DOWN, HN_KEY_DOWN},
		    {KEY_LEFT, HN_KEY_LEFT},     {KEY_RIGHT, HN_KEY_RIGHT},
		    {KEY_PPAGE, HN_KEY_PAGE_UP}, {KEY_NPAGE, HN_KEY_PAGE_DOWN},
		    {KEY_HOME, HN_KEY_HOME},     {KEY_END, HN_KEY_END},
		    {KEY_ENTER, HN_KEY_ENTER},   {KEY_BACKSPACE, HN_KEY_BACKSPACE}};
	wint_t key;
	int kind;

	while ((kind = get_wch(&key)) == KEY_CODE_YES)
		for (size_t i = 0; i < HN_COUNT(keys); i++)
			if (keys[i].curses == key)
				return keys[i].key;
	if (kind != OK)
		return HN_KEY_NONE;
	return key == '\r' ? HN_KEY_ENTER : key == '\b' ? HN_KEY_BACKSPACE : (int)key;
}
