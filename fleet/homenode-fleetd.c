/*
 * homenode-fleetd - answers for all hosts of a fleet: reads its options, runs the loop, stops cleanly.
 */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/notify.h"
#include "fleet/listener.h"
#include "fleet/service.h"

enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* could not start; the sentence says why */
	EXIT_USAGE = 2,
};

static const char help_text[] =
	"Usage: homenode-fleetd [OPTION]...\n"
	"Answers for all hosts that publish themselves in etcd: where does this guest go, how many more "
	"fit.\n"
	"\n"
	"  -e, --endpoints URLS    of etcd, separated by commas (default http://127.0.0.1:2379)\n"
	"  -p, --prefix PREFIX     of the keys in etcd (default " HN_FLEET_PREFIX_DEFAULT ")\n"
	"      --etcd-ca FILE      whose certificates etcd may have (default: the system's)\n"
	"      --etcd-cert FILE    our certificate for etcd\n"
	"      --etcd-key FILE     and its key\n"
	"      --etcd-user NAME    user of etcd\n"
	"      --etcd-password-file FILE\n"
	"                          and the password, in a file that nobody else may read\n"
	"  -L, --listen ADDRESS:PORT\n"
	"                          where the API listens (default 127.0.0.1:9179)\n"
	"      --cert FILE         our certificate; TLS is needed on other addresses than loopback\n"
	"      --key FILE          and its key\n"
	"      --client-ca FILE    whose certificates may ask\n"
	"      --operator NAME     a certificate of that common name may reserve; may be given up to 16 "
	"times\n"
	"      --trust-loopback    without TLS: whoever reaches the port may reserve\n"
	"      --hosts-ca FILE     whose certificates the hosts' API has\n"
	"      --hosts-cert FILE   our certificate for them, an operator's there\n"
	"      --hosts-key FILE    and its key\n"
	"  -l, --log-level LEVEL   error, warning, info or debug\n"
	"  -h, --help              this text\n"
	"  -V, --version           the version\n"
	"\n"
	"Exit codes: 0 stopped on request, 1 could not start, 2 wrong usage.\n"
	"See homenode-fleetd(8).\n";

enum {
	ETCD_CA = 256,
	ETCD_CERT,
	ETCD_KEY,
	ETCD_USER,
	ETCD_PASSWORD,
	CERT,
	KEY,
	CLIENT_CA,
	OPERATOR,
	TRUST_LOOPBACK,
	HOSTS_CA,
	HOSTS_CERT,
	HOSTS_KEY,
};

static const struct option longs[] = {
	{"endpoints", required_argument, NULL, 'e'},
	{"prefix", required_argument, NULL, 'p'},
	{"etcd-ca", required_argument, NULL, ETCD_CA},
	{"etcd-cert", required_argument, NULL, ETCD_CERT},
	{"etcd-key", required_argument, NULL, ETCD_KEY},
	{"etcd-user", required_argument, NULL, ETCD_USER},
	{"etcd-password-file", required_argument, NULL, ETCD_PASSWORD},
	{"listen", required_argument, NULL, 'L'},
	{"cert", required_argument, NULL, CERT},
	{"key", required_argument, NULL, KEY},
	{"client-ca", required_argument, NULL, CLIENT_CA},
	{"operator", required_argument, NULL, OPERATOR},
	{"trust-loopback", no_argument, NULL, TRUST_LOOPBACK},
	{"hosts-ca", required_argument, NULL, HOSTS_CA},
	{"hosts-cert", required_argument, NULL, HOSTS_CERT},
	{"hosts-key", required_argument, NULL, HOSTS_KEY},
	{"log-level", required_argument, NULL, 'l'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

static int set_text(char *slot, size_t size, const char *value, struct hn_error *err)
{
	if (strlen(value) >= size)
		return hn_fail(err, -EINVAL, "'%.40s...' is longer than %zu bytes", value, size - 1);
	strcpy(slot, value);
	return 0;
}

#define SET(slot) set_text(slot, sizeof(slot), value, err)

static int set_option(int option, const char *value, struct hn_fleet_options *options, struct hn_error *err)
{
	enum hn_log_level level;
	int r;

	switch (option) {
	case 'e':
		return hn_etcd_endpoints_parse(value, &options->etcd, err);
	case 'p':
		r = hn_etcd_prefix_check(value, err);
		return r < 0 ? r : SET(options->prefix);
	case 'L':
		return SET(options->listen);
	case 'l':
		r = hn_log_level_parse(value, &level, err);
		if (r == 0)
			hn_log_set_level(level);
		return r;
	case ETCD_CA:
		return SET(options->etcd.tls.ca);
	case ETCD_CERT:
		return SET(options->etcd.tls.cert);
	case ETCD_KEY:
		return SET(options->etcd.tls.key);
	case ETCD_USER:
		return SET(options->etcd.user);
	case ETCD_PASSWORD:
		return hn_etcd_password_read(value, &options->etcd, err);
	case CERT:
		return SET(options->tls.cert);
	case KEY:
		return SET(options->tls.key);
	case CLIENT_CA:
		return SET(options->tls.ca);
	case OPERATOR:
		if (options->operator_count == HN_FLEET_OPERATORS_MAX)
			return hn_fail(err, -EINVAL, "more than %d operators", HN_FLEET_OPERATORS_MAX);
		return SET(options->operators[options->operator_count++]);
	case TRUST_LOOPBACK:
		options->trust_loopback = true;
		return 0;
	case HOSTS_CA:
		return SET(options->hosts.ca);
	case HOSTS_CERT:
		return SET(options->hosts.cert);
	default:
		return SET(options->hosts.key);
	}
}

/* -1 to go on, else the exit code. */
static int parse_options(int argc, char **argv, struct hn_fleet_options *options)
{
	struct hn_error err = {0};
	int option;

	while ((option = getopt_long(argc, argv, "e:p:L:l:hV", longs, NULL)) != -1) {
		if (option == '?') { /* getopt has said what is wrong with it */
			fputs("See homenode-fleetd --help\n", stderr);
			return EXIT_USAGE;
		}
		if (option == 'h') {
			fputs(help_text, stdout);
			return EXIT_OK;
		}
		if (option == 'V') {
			puts("homenode-fleetd " HOMENODE_VERSION);
			return EXIT_OK;
		}
		if (set_option(option, optarg, options, &err) < 0) {
			fprintf(stderr, "homenode-fleetd: %s\n", err.message);
			return option == ETCD_PASSWORD ? EXIT_FAILED : EXIT_USAGE; /* a file may come later */
		}
	}
	if (optind < argc) {
		fprintf(stderr, "homenode-fleetd: unexpected '%s'; see homenode-fleetd --help\n",
			argv[optind]);
		return EXIT_USAGE;
	}
	return -1;
}

static void on_stop_signal(evutil_socket_t signal, short what, void *context)
{
	hn_log(HN_LOG_INFO, "stopping on signal %d", (int)signal);
	event_base_loopbreak(context);
}

static void on_reload_signal(evutil_socket_t signal, short what, void *context)
{
	struct hn_fleet_service **service = context;

	if (*service)
		hn_fleet_listener_reload((*service)->listener);
}

static int run(const struct hn_fleet_options *options, struct hn_error *err)
{
	struct event_base *base = event_base_new();
	struct event *interrupt, *terminate, *reload;
	struct hn_fleet_service *service = NULL;
	int r;

	if (!base)
		return hn_oom(err);
	interrupt = evsignal_new(base, SIGINT, on_stop_signal, base);
	terminate = evsignal_new(base, SIGTERM, on_stop_signal, base);
	reload = evsignal_new(base, SIGHUP, on_reload_signal, &service);
	r = interrupt && terminate && reload ? hn_fleet_service_new(base, options, &service, err)
					     : hn_oom(err);
	if (r == 0) {
		event_add(interrupt, NULL);
		event_add(terminate, NULL);
		event_add(reload, NULL);
		hn_log(HN_LOG_INFO, "homenode-fleetd %s: %s of etcd at %s, API on %s", HOMENODE_VERSION,
		       options->prefix, hn_etcd_endpoint(service->etcd), options->listen);
		hn_notify("READY=1");
		event_base_dispatch(base);
		hn_notify("STOPPING=1");
	}
	hn_fleet_service_free(service);
	if (reload)
		event_free(reload);
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
	static struct hn_fleet_options options = {.listen = "127.0.0.1:9179",
						  .prefix = HN_FLEET_PREFIX_DEFAULT};
	struct hn_error err = {0};
	int r;

	hn_etcd_endpoints_parse("http://127.0.0.1:2379", &options.etcd, NULL);
	r = parse_options(argc, argv, &options);
	if (r >= 0)
		return r;
	signal(SIGPIPE, SIG_IGN);
	r = run(&options, &err);
	if (r < 0)
		fprintf(stderr, "homenode-fleetd: %s\n", err.message);
	return r < 0 ? EXIT_FAILED : EXIT_OK;
}
