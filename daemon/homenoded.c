/*
 * homenoded - the brain: reads its options and configuration, runs the loop, stops cleanly.
 */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/notify.h"
#include "base/units.h"
#include "daemon/api.h"
#include "daemon/ending.h"
#include "daemon/service.h"

#define FILES_WANTED 16384

enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* could not start; the sentence says why */
	EXIT_USAGE = 2,
	EXIT_CONFIG = 3, /* the configuration is wrong */
};

struct options {
	const char *config_path; /* NULL: the default, which may be missing */
	const char *socket;
	const char *hands;
	const char *log_level;
	bool check;
};

static const char help_text[] =
	"Usage: homenoded [OPTION]...\n"
	"Keeps the vCPUs and the memory of this host's QEMU guests on the same NUMA nodes.\n"
	"\n"
	"  -c, --config FILE     configuration (default " HN_CONFIG_PATH_DEFAULT ", when it is there)\n"
	"      --check-config    read the configuration, say what is wrong with it, and end\n"
	"      --print-config    print a sample configuration with every key and its default\n"
	"  -s, --socket PATH     where the API listens, over the configuration\n"
	"      --hands PATH      the program homenode-host, or a socket where one is started for each "
	"connection\n"
	"  -l, --log-level LEVEL error, warning, info or debug, over the configuration\n"
	"  -h, --help            this text\n"
	"  -V, --version         the version\n"
	"\n"
	"Exit codes: 0 stopped on request, 1 could not start, 2 wrong usage, 3 wrong configuration.\n"
	"See homenoded(8), homenode.conf(5), homenode(1).\n";

/* Parses the command line; -1 to go on, else the exit code. */
static int parse_options(int argc, char **argv, struct options *options)
{
	enum { CHECK = 256, PRINT, HANDS };
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"check-config", no_argument, NULL, CHECK},
		{"print-config", no_argument, NULL, PRINT},
		{"socket", required_argument, NULL, 's'},
		{"hands", required_argument, NULL, HANDS},
		{"log-level", required_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:s:l:hV", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->config_path = optarg;
			break;
		case 's':
			options->socket = optarg;
			break;
		case 'l':
			options->log_level = optarg;
			break;
		case HANDS:
			options->hands = optarg;
			break;
		case CHECK:
			options->check = true;
			break;
		case PRINT:
			hn_config_print_sample(stdout);
			return EXIT_OK;
		case 'h':
			fputs(help_text, stdout);
			return EXIT_OK;
		case 'V':
			puts("homenoded " HOMENODE_VERSION);
			return EXIT_OK;
		default: /* getopt has said what is wrong with it */
			fputs("See homenoded --help\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "homenoded: unexpected '%s'; see homenoded --help\n", argv[optind]);
		return EXIT_USAGE;
	}
	return -1;
}

/* The file, then what the command line says over it. */
static int load_config(const struct options *options, struct hn_config *config, struct hn_error *err)
{
	const char *path = options->config_path ? options->config_path : HN_CONFIG_PATH_DEFAULT;
	int r = hn_config_load(path, config, err);

	if (r < 0 && !(r == -ENOENT && !options->config_path))
		return r;
	if (options->socket) {
		if (strlen(options->socket) >= sizeof(config->socket))
			return hn_fail(err, -EINVAL, "--socket: the path is longer than %zu bytes",
				       sizeof(config->socket) - 1);
		strcpy(config->socket, options->socket);
	}
	if (options->log_level && hn_log_level_parse(options->log_level, &config->log_level, err) < 0)
		return hn_error_prefix(err, "--log-level");
	return 0;
}

/* homenode-host beside this program (a build folder), else where it is installed. */
static const char *find_hands(const struct options *options, char *buffer, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", buffer, size - 1);
	char *slash;

	if (options->hands)
		return options->hands;
	buffer[length > 0 ? length : 0] = '\0';
	slash = strrchr(buffer, '/');
	if (slash && (size_t)(slash - buffer) + sizeof("/homenode-host") < size) {
		strcpy(slash, "/homenode-host");
		if (access(buffer, X_OK) == 0)
			return buffer;
	}
	return HOMENODE_LIBEXECDIR "/homenode-host";
}

static void on_stop_signal(evutil_socket_t signal, short what, void *context)
{
	struct hn_ending **ending = context;

	hn_log(HN_LOG_INFO, "stopping on signal %d", (int)signal);
	hn_notify("STOPPING=1");
	hn_ending_begin(*ending);
}

/*
 * What introspection needs for a moment comes and goes in large pieces; as mappings of their own they leave
 * no holes in the heap of what stays, which with a thousand guests are as large as that.
 */
static void keep_heap_small(void)
{
	mallopt(M_MMAP_THRESHOLD, 16 << 10);
	mallopt(M_TRIM_THRESHOLD, 128 << 10);
	mallopt(M_TOP_PAD, 64 << 10);
}

static void on_reload_signal(evutil_socket_t signal, short what, void *context)
{
	struct hn_service **service = context;

	if (*service)
		hn_api_reload((*service)->api);
}

/* The API's connections are more than a shell's usual limit allows. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < FILES_WANTED) {
		limit.rlim_cur = limit.rlim_max < FILES_WANTED ? limit.rlim_max : FILES_WANTED;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Tells systemd that the loop turns. */
static void on_watchdog_due(evutil_socket_t fd, short what, void *context)
{
	hn_notify("WATCHDOG=1");
}

/* *ret is NULL when nobody watches. */
static int start_watchdog(struct event_base *base, struct event **ret, struct hn_error *err)
{
	uint64_t limit_ns = hn_notify_watchdog_ns();
	struct timeval every = hn_timeval(limit_ns / 3);

	*ret = NULL;
	if (limit_ns == 0)
		return 0;
	if (!(*ret = event_new(base, -1, EV_PERSIST, on_watchdog_due, NULL)))
		return hn_oom(err);
	event_add(*ret, &every);
	return 0;
}

static void on_libevent_log(int severity, const char *message)
{
	hn_log(severity >= EVENT_LOG_ERR    ? HN_LOG_ERROR
	       : severity == EVENT_LOG_WARN ? HN_LOG_WARNING
					    : HN_LOG_DEBUG,
	       "libevent: %s", message);
}

static int run(const struct hn_config *config, const char *hands, struct hn_error *err)
{
	struct event_base *base = event_base_new();
	struct event *interrupt, *terminate, *reload, *watchdog = NULL;
	struct hn_service *service = NULL;
	struct hn_ending *ending = NULL;
	int r;

	if (!base)
		return hn_oom(err);
	interrupt = evsignal_new(base, SIGINT, on_stop_signal, &ending);
	terminate = evsignal_new(base, SIGTERM, on_stop_signal, &ending);
	reload = evsignal_new(base, SIGHUP, on_reload_signal, &service);
	r = interrupt && terminate && reload ? start_watchdog(base, &watchdog, err) : hn_oom(err);
	if (r == 0)
		r = hn_service_new(base, config, hands, &service, err);
	if (r == 0)
		r = hn_ending_new(service, &ending, err);
	if (r == 0) {
		event_add(interrupt, NULL);
		event_add(terminate, NULL);
		event_add(reload, NULL);
		hn_log(HN_LOG_INFO, "homenoded %s: %zu nodes, %zu CPUs, API on %s", HOMENODE_VERSION,
		       service->host->node_count, service->host->cpu_count, config->socket);
		if (service->host->kernel_balancing)
			hn_log(HN_LOG_WARNING, "kernel NUMA balancing is on: it moves what is placed here; "
					       "see kernel_balancing "
					       "in homenode.conf(5)");
		hn_notify("READY=1");
		event_base_dispatch(base);
	}
	hn_ending_free(ending);
	hn_service_free(service);
	if (reload)
		event_free(reload);
	if (watchdog)
		event_free(watchdog);
	if (interrupt)
		event_free(interrupt);
	if (terminate)
		event_free(terminate);
	event_base_free(base);
	libevent_global_shutdown();
	return r;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	struct hn_config config;
	struct hn_error err = {0};
	char hands[512];
	int r = parse_options(argc, argv, &options);

	if (r >= 0)
		return r;
	keep_heap_small();
	hn_config_init(&config);
	if (load_config(&options, &config, &err) < 0) {
		fprintf(stderr, "homenoded: %s\n", err.message);
		hn_config_done(&config);
		return EXIT_CONFIG;
	}
	if (options.check) {
		printf("configuration is good\n");
		hn_config_done(&config);
		return EXIT_OK;
	}
	hn_log_set_level(config.log_level);
	event_set_log_callback(on_libevent_log);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN); /* hands that end are not waited for */
	raise_file_limit();
	r = run(&config, find_hands(&options, hands, sizeof(hands)), &err);
	if (r < 0)
		fprintf(stderr, "homenoded: %s\n", err.message);
	hn_config_done(&config);
	return r < 0 ? EXIT_FAILED : EXIT_OK;
}
