/*
 * homenode top - nodes and guests on a full screen, as they change.
 */
#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <time.h>

#include "base/units.h"
#include "cli/command.h"
#include "cli/fetch.h"
#include "cli/option.h"
#include "cli/poller.h"
#include "cli/screen.h"
#include "cli/top-view.h"

#define TIMEOUT_SECONDS 5L
#define INTERVAL_LEAST (HN_NS_PER_S / 10)
#define COLUMNS_DEFAULT 80
#define SIZE_MOST 1000 /* columns or rows that are believed */

struct options {
	uint64_t interval_ns;
	unsigned frames; /* 0: no end */
	bool once;
};

static int parse_frames(const char *text, struct options *options)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end || end == text || value < 1 || value > 1000000) {
		fprintf(stderr, "homenode: --frames takes a number from 1 to 1000000, not '%s'\n", text);
		return -1;
	}
	options->frames = (unsigned)value;
	return 0;
}

static int parse_options(const struct hn_invocation *invocation, struct options *options)
{
	static const struct option longs[] = {{"interval", required_argument, NULL, 'i'},
					      {"once", no_argument, NULL, 'o'},
					      {"frames", required_argument, NULL, 'f'},
					      {0}};
	struct hn_error err = {0};
	int option;

	optind = 0;
	while ((option = hn_option_next(invocation, "i:", longs)) != -1) {
		if (option == 'o') {
			options->once = true;
		} else if (option == 'f') {
			if (parse_frames(optarg, options) < 0)
				return -1;
		} else if (option != 'i') {
			return -1;
		} else if (hn_duration_parse(optarg, &options->interval_ns, &err) < 0) {
			hn_error_prefix(&err, "--interval");
			hn_report_error(&err);
			return -1;
		}
	}
	if (optind < invocation->argc) {
		fprintf(stderr, "homenode: top takes no arguments; press / and a part of a guest's name\n");
		return -1;
	}
	if (options->interval_ns < INTERVAL_LEAST)
		options->interval_ns = INTERVAL_LEAST;
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

static bool is_unicode(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static struct hn_top_view make_view(const struct options *options, bool keys)
{
	long page_bytes = sysconf(_SC_PAGESIZE);

	return (struct hn_top_view){
		.now_ns = now_ns(),
		.patience_ns = 2 * options->interval_ns + HN_NS_PER_S,
		.clock = time(NULL),
		.page_bytes = page_bytes > 0 ? (uint64_t)page_bytes : 4096,
		.keys = keys,
	};
}

/* As the environment says (see environ(7)), else 0. */
static unsigned size_from(const char *name)
{
	const char *text = getenv(name);
	long value = text ? strtol(text, NULL, 10) : 0;

	return value > 0 && value <= SIZE_MOST ? (unsigned)value : 0;
}

static unsigned width_to_print(const struct hn_invocation *invocation)
{
	struct winsize size;
	unsigned columns = size_from("COLUMNS");

	if (columns == 0 && invocation->tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		columns = size.ws_col;
	if (columns == 0)
		columns = COLUMNS_DEFAULT;
	return columns < HN_TOP_COLUMNS_MIN ? HN_TOP_COLUMNS_MIN : columns;
}

static int print_canvas(const struct hn_canvas *canvas, bool colour, struct hn_error *err)
{
	/* a code before each character and one behind the last, at the worst */
	size_t size = (size_t)canvas->columns * 16 + 64;
	__attribute__((cleanup(hn_cleanup_memory))) char *text = malloc(size);

	if (!text)
		return hn_oom(err);
	for (unsigned row = 0; row < canvas->rows; row++)
		puts(hn_canvas_row(canvas, row, colour, text, size));
	return 0;
}

static int print_top(const struct hn_invocation *invocation, const struct options *options,
		     struct hn_top *top, struct hn_error *err)
{
	struct hn_top_view view = make_view(options, false);
	unsigned rows = size_from("LINES");
	HN_AUTO(hn_canvas)
	struct hn_canvas *canvas = hn_canvas_new(rows ? rows : hn_top_rows_needed(top),
						 width_to_print(invocation), is_unicode());

	if (!canvas)
		return hn_oom(err);
	hn_top_draw(top, canvas, &view);
	return print_canvas(canvas, invocation->colour, err);
}

/* Polls as often as told, for their courses, and prints what it knows then. */
static int run_once(const struct hn_invocation *invocation, const struct options *options, struct hn_top *top,
		    struct hn_error *err)
{
	struct timespec pause = {.tv_sec = (time_t)(options->interval_ns / HN_NS_PER_S),
				 .tv_nsec = (long)(options->interval_ns % HN_NS_PER_S)};
	unsigned frames = options->frames ? options->frames : 1;
	int r;

	for (unsigned i = 0; i < frames; i++) {
		struct hn_picture *picture = NULL;

		if (i > 0)
			nanosleep(&pause, NULL);
		if ((r = hn_fetch_picture(invocation->client, "", &picture, err)) < 0 ||
		    (r = hn_top_take(top, picture, now_ns(), err)) < 0)
			return r;
	}
	return print_top(invocation, options, top, err);
}

struct live {
	const struct options *options;
	struct hn_top *top;
	struct hn_screen *screen;
	struct hn_canvas *canvas;
	struct hn_poller *poller;
	int signal_fd;
	unsigned frames;
	int died_of; /* a signal, 0 none */
};

static void draw(struct live *live)
{
	struct hn_top_view view = make_view(live->options, true);

	hn_top_draw(live->top, live->canvas, &view);
	hn_screen_draw(live->screen, live->canvas);
}

static int fit(struct live *live, struct hn_error *err)
{
	hn_screen_fit(live->screen);
	return hn_canvas_resize(live->canvas, hn_screen_rows(live->screen), hn_screen_columns(live->screen)) <
			       0
		       ? hn_oom(err)
		       : 0;
}

static int on_poll(struct live *live, struct hn_error *err)
{
	struct hn_picture *picture = NULL;
	struct hn_error why = {0};
	int r = hn_poller_take(live->poller, &picture, &why);

	if (r == 0)
		return 0;
	live->frames++;
	if (r < 0) {
		hn_top_miss(live->top, &why);
		return 0;
	}
	return hn_top_take(live->top, picture, now_ns(), err);
}

static int on_signal(struct live *live, struct hn_error *err)
{
	struct signalfd_siginfo info;

	while (read(live->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGWINCH) {
			live->died_of = (int)info.ssi_signo;
			return 0;
		}
		if (fit(live, err) < 0)
			return err->code;
	}
	return 0;
}

/* All keys that are there: a key held down on a slow line is drawn once. */
static void on_keys(struct live *live)
{
	int key;

	while (!live->top->quit && (key = hn_screen_key(live->screen)) != HN_KEY_NONE) {
		if (key == 'L' - '@')
			hn_screen_forget(live->screen);
		else
			hn_top_key(live->top, key);
	}
	hn_poller_watch(live->poller, hn_top_watched(live->top));
}

static bool is_over(const struct live *live)
{
	return live->top->quit || live->died_of ||
	       (live->options->frames > 0 && live->frames >= live->options->frames);
}

static int run_live(struct live *live, struct hn_error *err)
{
	struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
			       {.fd = hn_poller_fd(live->poller), .events = POLLIN},
			       {.fd = live->signal_fd, .events = POLLIN}};
	/* while homenoded is silent, how long it has been is all that changes */
	int wait_ms =
		(int)((live->options->interval_ns < HN_NS_PER_S ? HN_NS_PER_S : live->options->interval_ns) /
		      HN_NS_PER_MS) +
		500;
	int r = 0;

	while (r == 0 && !is_over(live)) {
		if (poll(fds, HN_COUNT(fds), wait_ms) < 0 && errno != EINTR)
			return hn_fail_errno(err, -errno, "cannot wait for keys");
		if (fds[2].revents)
			r = on_signal(live, err);
		if (r == 0 && fds[1].revents)
			r = on_poll(live, err);
		if (fds[0].revents & POLLIN)
			on_keys(live);
		/* the terminal is gone: that it can be read only means that its end can */
		if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
			return 0;
		if (r == 0 && !live->died_of)
			draw(live);
	}
	return r;
}

/* Signals come by descriptor. Those that stop and continue are ncurses' own. */
static int open_signals(sigset_t *ret_before, struct hn_error *err)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < HN_COUNT(numbers); i++)
		sigaddset(&set, numbers[i]);
	sigprocmask(SIG_BLOCK, &set, ret_before);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? hn_fail_errno(err, -errno, "cannot wait for signals") : fd;
}

/* The terminal is restored when this returns. */
static int run_on_screen(const struct hn_invocation *invocation, struct live *live, struct hn_error *err)
{
	HN_AUTO(hn_screen) struct hn_screen *screen = NULL;
	HN_AUTO(hn_canvas) struct hn_canvas *canvas = NULL;
	HN_AUTO(hn_poller) struct hn_poller *poller = NULL;
	int r = hn_screen_open(invocation->colour, &screen, err);

	if (r < 0)
		return r;
	canvas = hn_canvas_new(hn_screen_rows(screen), hn_screen_columns(screen), is_unicode());
	if (!canvas)
		return hn_oom(err);
	r = hn_poller_start(invocation->client, live->options->interval_ns, &poller, err);
	if (r < 0)
		return r;
	live->screen = screen;
	live->canvas = canvas;
	live->poller = poller;
	live->top->answered_ns = now_ns();
	draw(live);
	return run_live(live, err);
}

static int run_full_screen(const struct hn_invocation *invocation, const struct options *options,
			   struct hn_top *top, struct hn_error *err)
{
	struct live live = {.options = options, .top = top};
	struct hn_picture *picture = NULL;
	sigset_t before;
	int r;

	/* without a first answer there is nothing to show, and a sentence says more than an empty screen */
	if ((r = hn_fetch_picture(invocation->client, "", &picture, err)) < 0 ||
	    (r = hn_top_take(top, picture, now_ns(), err)) < 0)
		return r;
	if ((live.signal_fd = open_signals(&before, err)) < 0)
		return live.signal_fd;
	r = run_on_screen(invocation, &live, err);
	close(live.signal_fd);
	if (live.died_of)
		signal(live.died_of, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (live.died_of)
		raise(live.died_of);
	return r;
}

static enum hn_exit run_top(const struct hn_invocation *invocation)
{
	struct options options = {.interval_ns = 2 * HN_NS_PER_S};
	struct hn_error err = {0};
	struct hn_top top = {0};
	int r;

	if (parse_options(invocation, &options) < 0)
		return HN_EXIT_USAGE;
	if (invocation->json) {
		fprintf(stderr,
			"homenode: top draws for people; for programs, poll homenode --json guests\n");
		return HN_EXIT_USAGE;
	}
	hn_client_set_timeout(invocation->client, TIMEOUT_SECONDS);
	r = options.once ? run_once(invocation, &options, &top, &err)
			 : run_full_screen(invocation, &options, &top, &err);
	hn_top_done(&top);
	return r < 0 ? hn_report_error(&err) : HN_EXIT_OK;
}

const struct hn_command hn_command_top = {
	.name = "top",
	.arguments = "[--interval TIME] [--once] [--frames N]",
	.summary = "nodes and guests on a full screen, as they change; ? tells the keys",
	.options = "  -i, --interval TIME   between two polls (default 2s)\n"
		   "      --once            print one picture as text and end\n"
		   "      --frames N        end after N polls\n",
	.run = run_top,
};
