#include "daemon/config.h"

#include <errno.h>
#include <event2/util.h>
#include <fnmatch.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/units.h"
#include "model/names.h"
#include "policy/policies.h"
#include "store/database.h"

/*
 * One table of keys: section, name, default as text, what it means, and how it is read. Defaults go through
 * the same readers as the file, so the sample that is printed cannot differ from what is in force. The keys
 * of [guest PATTERN] are the settings of model/settings.h.
 */

static const char *const balancing_names[HN_BALANCING_COUNT] = {"leave", "off-while-enforcing"};

#define RULE_SECTION "guest" /* followed by a blank and a pattern */
#define SECTION_MAX 200      /* inih's lines are no longer */
#define INIH_SECTION_MAX 49  /* bytes that it remembers of a section's name */

typedef int (*set_function)(struct hn_config *config, const char *value, struct hn_error *err);

static int set_text(char *slot, size_t size, const char *value, struct hn_error *err)
{
	if (strlen(value) >= size)
		return hn_fail(err, -EINVAL, "'%.40s...' is longer than %zu bytes", value, size - 1);
	strcpy(slot, value);
	return 0;
}

static int set_number(uint64_t *slot, const char *value, uint64_t least, uint64_t most, struct hn_error *err)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (errno || end == value || *end || value[0] == '-' || number < least || number > most)
		return hn_fail(err, -EINVAL, "'%.40s' is not a number from %llu to %llu", value,
			       (unsigned long long)least, (unsigned long long)most);
	*slot = number;
	return 0;
}

static int set_socket(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_text(config->socket, sizeof(config->socket), value, err);
}

static int set_libvirt_uri(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_text(config->libvirt_uri, sizeof(config->libvirt_uri),
			strcmp(value, "none") == 0 ? "" : value, err);
}

static int set_libvirt_introspect(struct hn_config *config, const char *value, struct hn_error *err)
{
	if (strcmp(value, "proc") != 0 && strcmp(value, "monitor") != 0)
		return hn_fail(err, -EINVAL, "'%.40s' is neither proc nor monitor", value);
	config->libvirt_monitor = value[0] == 'm';
	return 0;
}

static int set_log_level(struct hn_config *config, const char *value, struct hn_error *err)
{
	return hn_log_level_parse(value, &config->log_level, err);
}

static int set_reserved_cpus(struct hn_config *config, const char *value, struct hn_error *err)
{
	return hn_set_parse(strcmp(value, "none") == 0 ? "" : value, &config->reserved_cpus, err);
}

static int set_reserved_memory(struct hn_config *config, const char *value, struct hn_error *err)
{
	return hn_bytes_parse(value, &config->reserved_memory_bytes, err);
}

/* "none", or what can be listened on. */
static int set_address(char *slot, size_t size, const char *value, const char *example, struct hn_error *err)
{
	struct sockaddr_storage address;
	int length = sizeof(address);
	const char *port = strrchr(value, ':');

	if (strcmp(value, "none") == 0)
		value = "";
	else if (!port || strspn(port + 1, "0123456789") != strlen(port + 1) || atoi(port + 1) == 0 ||
		 evutil_parse_sockaddr_port(value, (struct sockaddr *)&address, &length) < 0)
		return hn_fail(err, -EINVAL,
			       "'%.60s' is neither none nor an address and a port, such as 127.0.0.1:%s or "
			       "[::1]:%s",
			       value, example, example);
	return set_text(slot, size, value, err);
}

static int set_metrics(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_address(config->metrics, sizeof(config->metrics), value, "9177", err);
}

static int set_api_listen(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_address(config->api_listen, sizeof(config->api_listen), value, "9178", err);
}

static int set_name_or_none(char *slot, size_t size, const char *value, struct hn_error *err)
{
	return set_text(slot, size, strcmp(value, "none") == 0 ? "" : value, err);
}

static int set_api_operators(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_name_or_none(config->api_operators, sizeof(config->api_operators), value, err);
}

static int set_api_readers(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_name_or_none(config->api_readers, sizeof(config->api_readers), value, err);
}

static int set_file(char *slot, size_t size, const char *value, struct hn_error *err)
{
	if (value[0] != '/' && strcmp(value, "none") != 0)
		return hn_fail(err, -EINVAL, "'%.40s' is neither the path of a file, from / on, nor none",
			       value);
	return set_name_or_none(slot, size, value, err);
}

static int set_api_cert(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_file(config->api_cert, sizeof(config->api_cert), value, err);
}

static int set_api_key(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_file(config->api_key, sizeof(config->api_key), value, err);
}

static int set_api_ca(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_file(config->api_ca, sizeof(config->api_ca), value, err);
}

static int set_metrics_guests(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_number(&config->metrics_guests, value, 0, 100000, err);
}

static int set_folders(struct hn_config *config, const char *value, struct hn_error *err)
{
	size_t count = 0;

	while (*(value += strspn(value, " \t:"))) {
		size_t length = strcspn(value, " \t:");

		if (count == HN_FOLDERS_MAX)
			return hn_fail(err, -EINVAL, "more than %d folders", HN_FOLDERS_MAX);
		if (value[0] != '/')
			return hn_fail(err, -EINVAL, "folder '%.*s' does not begin with /", (int)length,
				       value);
		if (length >= sizeof(config->folders[0]))
			return hn_fail(err, -EINVAL, "folder '%.40s...' has too long a name", value);
		memcpy(config->folders[count], value, length);
		config->folders[count++][length] = '\0';
		value += length;
	}
	config->folder_count = count;
	return 0;
}

static int set_mode(struct hn_config *config, const char *value, struct hn_error *err)
{
	return hn_mode_parse(value, &config->mode, err);
}

static int set_tick(struct hn_config *config, const char *value, struct hn_error *err)
{
	int r = hn_duration_parse(value, &config->tick_ns, err);

	if (r == 0 && (config->tick_ns < 100 * HN_NS_PER_MS || config->tick_ns > 3600 * HN_NS_PER_S))
		return hn_fail(err, -EINVAL, "'%.40s' is not within 100ms and 1h", value);
	return r;
}

static int set_samples(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_number(&config->samples_per_cell, value, 64, 1 << 20, err);
}

/* "2%" is 0.02, "none" 0. */
static int set_share(double *slot, const char *value, struct hn_error *err)
{
	char *end;
	double percent = strtod(value, &end);

	if (strcmp(value, "none") == 0) {
		*slot = 0;
		return 0;
	}
	if (end == value || strcmp(end + strspn(end, " "), "%") != 0 || !(percent >= 0.01 && percent <= 100))
		return hn_fail(err, -EINVAL,
			       "'%.40s' is not within 0.01%% and 100%%; write none for no limit", value);
	*slot = percent / 100;
	return 0;
}

static int set_cpu_budget(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_share(&config->cpu_budget, value, err);
}

static int set_guest_cpu_budget(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_share(&config->guest_cpu_budget, value, err);
}

static int set_agent(struct hn_config *config, const char *value, struct hn_error *err)
{
	int r = strcmp(value, "off") == 0 ? (config->agent_ns = 0, 0)
					  : hn_duration_parse(value, &config->agent_ns, err);

	if (r == 0 && strcmp(value, "off") != 0 &&
	    (config->agent_ns < HN_NS_PER_S || config->agent_ns > 3600 * HN_NS_PER_S))
		return hn_fail(err, -EINVAL, "'%.40s' is not within 1s and 1h; write off for never", value);
	return r;
}

static int set_looks(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_number(&config->looks, value, 1, 100, err);
}

static int set_settle(struct hn_config *config, const char *value, struct hn_error *err)
{
	int r = hn_duration_parse(value, &config->settle_ns, err);

	/* it is doubled up to six times */
	if (r == 0 && config->settle_ns > 86400 * HN_NS_PER_S)
		return hn_fail(err, -EINVAL, "'%.40s' is more than a day", value);
	return r;
}

/* Bytes a second; none is 0. */
static int set_rate(uint64_t *slot, const char *value, struct hn_error *err)
{
	int r = strcmp(value, "none") == 0 ? (*slot = 0, 0) : hn_bytes_parse(value, slot, err);

	if (r == 0 && *slot && *slot < HN_MIB)
		return hn_fail(err, -EINVAL, "'%.40s' is less than 1M a second; write none for no limit",
			       value);
	return r;
}

static int set_rate_limit(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_rate(&config->rate_limit_bytes, value, err);
}

static int set_guest_rate_limit(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_rate(&config->guest_rate_limit_bytes, value, err);
}

static int set_pair_rate_limit(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_rate(&config->pair_rate_limit_bytes, value, err);
}

static int set_stall_budget(struct hn_config *config, const char *value, struct hn_error *err)
{
	double percent;
	char *end;

	if (strcmp(value, "none") == 0) {
		config->stall_budget_permille = 1000;
		return 0;
	}
	percent = strtod(value, &end);
	end += strspn(end, " ");
	if (end == value || strcmp(end, "%") != 0 || !(percent >= 0.5 && percent <= 100))
		return hn_fail(
			err, -EINVAL,
			"'%.40s' is not a share from 0.5%% to 100%%, such as 10%%; write none for no bound",
			value);
	config->stall_budget_permille = (uint64_t)(percent * 10 + 0.5);
	return 0;
}

static int set_longest_gap(struct hn_config *config, const char *value, struct hn_error *err)
{
	int r;

	if (strcmp(value, "none") == 0) {
		config->longest_gap_ns = 0;
		return 0;
	}
	if ((r = hn_duration_parse(value, &config->longest_gap_ns, err)) == 0 && config->longest_gap_ns == 0)
		return hn_fail(err, -EINVAL, "no page is copied in no time; write none for no bound");
	return r;
}

static int set_keep_free(struct hn_config *config, const char *value, struct hn_error *err)
{
	return hn_bytes_parse(value, &config->keep_free_bytes, err);
}

static int set_at_once(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_number(&config->at_once, value, 1, HN_AT_ONCE_MAX, err);
}

static int set_balancing(struct hn_config *config, const char *value, struct hn_error *err)
{
	int r = hn_name_parse(balancing_names, HN_COUNT(balancing_names), "value", value, err);

	if (r < 0)
		return r;
	config->balancing = (enum hn_balancing)r;
	return 0;
}

static int set_store_path(struct hn_config *config, const char *value, struct hn_error *err)
{
	if (strcmp(value, "none") == 0)
		value = "";
	else if (value[0] != '/' || value[strlen(value) - 1] == '/')
		return hn_fail(err, -EINVAL, "'%.40s' is neither the path of a file, from / on, nor none",
			       value);
	return set_text(config->store_path, sizeof(config->store_path), value, err);
}

static int set_store_size(struct hn_config *config, const char *value, struct hn_error *err)
{
	int r = hn_bytes_parse(value, &config->store_size_bytes, err);

	if (r == 0 &&
	    (config->store_size_bytes < HN_DATABASE_SIZE_LEAST || config->store_size_bytes > 1024 * HN_GIB))
		return hn_fail(err, -EINVAL, "'%.40s' is not within 4M and 1T", value);
	return r;
}

static bool is_none(const char *value)
{
	return strcmp(value, "none") == 0;
}

static int set_fleet_endpoints(struct hn_config *config, const char *value, struct hn_error *err)
{
	return hn_etcd_endpoints_parse(is_none(value) ? "" : value, &config->fleet_etcd, err);
}

static int set_fleet_prefix(struct hn_config *config, const char *value, struct hn_error *err)
{
	int r = hn_etcd_prefix_check(value, err);

	return r < 0 ? r : set_text(config->fleet_prefix, sizeof(config->fleet_prefix), value, err);
}

static int set_fleet_name(struct hn_config *config, const char *value, struct hn_error *err)
{
	if (strpbrk(value, "/ \t"))
		return hn_fail(err, -EINVAL, "'%.60s' has a / or a blank in it", value);
	return set_text(config->fleet_name, sizeof(config->fleet_name),
			strcmp(value, "auto") == 0 ? "" : value, err);
}

static int set_fleet_api(struct hn_config *config, const char *value, struct hn_error *err)
{
	if (!is_none(value) && strncmp(value, "https://", 8) != 0 && strncmp(value, "http://", 7) != 0)
		return hn_fail(err, -EINVAL,
			       "'%.60s' is neither none nor an address such as https://HOST:9178", value);
	return set_text(config->fleet_api, sizeof(config->fleet_api), is_none(value) ? "" : value, err);
}

static int set_fleet_ca(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_file(config->fleet_etcd.tls.ca, sizeof(config->fleet_etcd.tls.ca), value, err);
}

static int set_fleet_cert(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_file(config->fleet_etcd.tls.cert, sizeof(config->fleet_etcd.tls.cert), value, err);
}

static int set_fleet_key(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_file(config->fleet_etcd.tls.key, sizeof(config->fleet_etcd.tls.key), value, err);
}

static int set_fleet_user(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_text(config->fleet_etcd.user, sizeof(config->fleet_etcd.user), is_none(value) ? "" : value,
			err);
}

static int set_fleet_password_file(struct hn_config *config, const char *value, struct hn_error *err)
{
	return set_file(config->fleet_password_file, sizeof(config->fleet_password_file), value, err);
}

static int set_fleet_interval(struct hn_config *config, const char *value, struct hn_error *err)
{
	int r = hn_duration_parse(value, &config->fleet_interval_ns, err);

	if (r == 0 &&
	    (config->fleet_interval_ns < 100 * HN_NS_PER_MS || config->fleet_interval_ns > 60 * HN_NS_PER_S))
		return hn_fail(err, -EINVAL, "'%.40s' is not within 100ms and 1m", value);
	return r;
}

struct key {
	const char *section, *name, *standard; /* standard: the default as text */
	set_function set;
	const char *meaning;
};

static const struct key keys[] = {
	{"homenoded", "socket", HN_SOCKET_PATH_DEFAULT, set_socket, "unix socket of the API"},
	{"homenoded", "log_level", "info", set_log_level, "error, warning, info or debug"},
	{"homenoded", "reserved_cpus", "none", set_reserved_cpus,
	 "CPUs set apart for the host itself, such as 0-1,32: no vCPU is placed there; none for none"},
	{"homenoded", "reserved_memory", "0", set_reserved_memory,
	 "memory of every node set apart for the host itself, such as 2G: no guest is planned into it"},
	{"homenoded", "metrics", "none", set_metrics,
	 "address and port that answer /metrics for Prometheus, such as 127.0.0.1:9177; none for none. Who "
	 "can "
	 "reach it reads guests' names"},
	{"homenoded", "metrics_guests", "1000", set_metrics_guests,
	 "guests that metrics tell one by one, 0 to 100000; the rest together as \"other\""},
	{"api", "operators", "none", set_api_operators,
	 "group whose members may ask and act on the socket, as root and homenoded's own group may; none for "
	 "none"},
	{"api", "readers", "none", set_api_readers,
	 "group whose members may ask on the socket, and change nothing; none for none"},
	{"api", "listen", "none", set_api_listen,
	 "address and port that answer the API over TLS, such as 192.0.2.7:9178, to clients with a "
	 "certificate; "
	 "none for none"},
	{"api", "cert", "none", set_api_cert, "certificate shown there, with its chain, in PEM"},
	{"api", "key", "none", set_api_key, "its private key, in PEM"},
	{"api", "ca", "none", set_api_ca,
	 "certificates in PEM whose holders' clients are let in: a reader with OU=homenode-reader, an "
	 "operator "
	 "with OU=homenode-operator in its subject"},
	{"guests", "folders", "/run/homenode/qmp", set_folders,
	 "folders watched for QMP sockets, separated by blanks; NAME.qga beside NAME.qmp is a guest agent's"},
	{"guests", "mode", "observe", set_mode,
	 "of guests without a section of their own: off, observe, advise (plan only) or enforce"},
	{"libvirt", "uri", "qemu:///system", set_libvirt_uri,
	 "libvirt's connection whose domains are looked after; none for none"},
	{"libvirt", "introspect", "proc", set_libvirt_introspect,
	 "how a domain without a QMP socket for homenode is looked into: proc (by its XML and /proc) or "
	 "monitor "
	 "(through libvirt's monitor, which marks the domain as tainted)"},
	{"sampling", "tick", "10s", set_tick, "how often a guest is looked at, 100ms to 1h"},
	{"sampling", "samples_per_cell", "2816", set_samples,
	 "pages asked for per cell and look, at most: 2816 tell a share to 2.2 points, whatever the guest's "
	 "size"},
	{"sampling", "cpu_budget", "2%", set_cpu_budget,
	 "share of one CPU that looks at all guests may cost, 0.01% to 100%: ticks become longer before they "
	 "cost more; none for no limit"},
	{"sampling", "guest_cpu_budget", "1%", set_guest_cpu_budget,
	 "the same of looks at one guest, whose tick alone becomes longer"},
	{"sampling", "agent", "60s", set_agent,
	 "how often a guest is asked about itself, through its agent and its balloon: 1s to 1h, or off; "
	 "nothing is decided on what it says"},
	{"moves", "looks", "2", set_looks, "consecutive looks that must agree before anything is moved"},
	{"moves", "settle", "20s", set_settle,
	 "a guest is left alone that long after an operation; longer after fruitless ones"},
	{"moves", "rate_limit", "none", set_rate_limit,
	 "bytes a second moved at most, such as 200M; none for no limit"},
	{"moves", "guest_rate_limit", "none", set_guest_rate_limit, "the same, for one guest"},
	{"moves", "pair_rate_limit", "none", set_pair_rate_limit, "the same, between two nodes"},
	{"moves", "stall_budget", "10%", set_stall_budget,
	 "share of its time that moving may cost a guest, 0.5% to 100%; none for no bound"},
	{"moves", "longest_gap", "100ms", set_longest_gap,
	 "memory stays whose pages are so large that copying one takes longer: 1 GiB, as a rule; none for no "
	 "bound"},
	{"moves", "keep_free", "64M", set_keep_free, "memory left free on every node"},
	{"moves", "at_once", "1", set_at_once,
	 "migrations at the same time, each to another node; rate_limit is shared between them"},
	{"moves", "kernel_balancing", "leave", set_balancing,
	 "leave kernel NUMA balancing as it is, or off-while-enforcing: off while a guest is in mode "
	 "enforce"},
	{"store", "path", HN_STORE_PATH_DEFAULT, set_store_path,
	 "file that the history of the guests is kept in; none for none"},
	{"store", "size", "256M", set_store_size,
	 "how large that file may grow, 4M to 1T: then the oldest goes"},
	{"fleet", "endpoints", "none", set_fleet_endpoints,
	 "of an etcd that this host is published in, such as https://10.0.0.1:2379,https://10.0.0.2:2379; "
	 "none "
	 "for none"},
	{"fleet", "prefix", "/homenode/", set_fleet_prefix, "of the keys in etcd, as homenode-fleetd has it"},
	{"fleet", "name", "auto", set_fleet_name, "what the fleet calls this host; auto for the host's name"},
	{"fleet", "api", "none", set_fleet_api,
	 "address at which the fleet reaches this host's API, such as https://HOST:9178; none: the fleet "
	 "cannot "
	 "reserve here"},
	{"fleet", "interval", "500ms", set_fleet_interval,
	 "how often it is looked whether something has changed, 100ms to 1m: no more records are published "
	 "than "
	 "that"},
	{"fleet", "ca", "none", set_fleet_ca,
	 "file with the CA of etcd's certificates; none for the system's"},
	{"fleet", "cert", "none", set_fleet_cert, "file with this host's certificate for etcd"},
	{"fleet", "key", "none", set_fleet_key, "file with its key"},
	{"fleet", "user", "none", set_fleet_user, "user of etcd"},
	{"fleet", "password_file", "none", set_fleet_password_file,
	 "file with that user's password on its first line, readable by nobody else"},
};

void hn_config_init(struct hn_config *config)
{
	memset(config, 0, sizeof(*config));
	for (size_t i = 0; i < HN_COUNT(keys); i++)
		(void)keys[i].set(config, keys[i].standard, NULL);
}

void hn_config_done(struct hn_config *config)
{
	free(config->rules);
	config->rules = NULL;
	config->rule_count = 0;
}

/* What inih's callbacks carry. The first mistake is kept; inih then returns its line. */
struct parse {
	FILE *file;
	struct hn_config *config;
	struct hn_error *err;
	char section[SECTION_MAX]; /* what the last line said that looked like one */
	bool failed;
};

/* inih remembers so much of a section's name, and guests have longer ones: they are read here. */
static void note_section(struct parse *parse, const char *line)
{
	const char *start = strchr(line, '[');

	if (start && strspn(line, " \t\v\f\xEF\xBB\xBF") == (size_t)(start - line))
		snprintf(parse->section, sizeof(parse->section), "%.*s", (int)strcspn(start + 1, "]\r\n"),
			 start + 1);
}

static char *read_line(char *line, int size, void *stream)
{
	struct parse *parse = stream;
	char *got = fgets(line, size, parse->file);

	if (got)
		note_section(parse, got);
	return got;
}

/* A line may look like a section and be the rest of a value: inih's word counts as far as it goes. */
static const char *whole_section(const struct parse *parse, const char *section)
{
	size_t length = strlen(section);

	return length >= INIH_SECTION_MAX && strncmp(parse->section, section, length) == 0 ? parse->section
											   : section;
}

static struct hn_guest_rule *rule_of(struct hn_config *config, const char *pattern)
{
	struct hn_guest_rule *grown;

	for (size_t i = 0; i < config->rule_count; i++)
		if (strcmp(config->rules[i].pattern, pattern) == 0)
			return &config->rules[i];
	grown = reallocarray(config->rules, config->rule_count + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	config->rules = grown;
	grown += config->rule_count++;
	memset(grown, 0, sizeof(*grown));
	snprintf(grown->pattern, sizeof(grown->pattern), "%s", pattern);
	return grown;
}

/* A key of [guest PATTERN]. */
static int set_rule(struct parse *parse, const char *pattern, const char *name, const char *value)
{
	enum hn_setting setting = HN_SETTING_COUNT;
	struct hn_guest_rule *rule;

	if (hn_setting_find(name, &setting, NULL) < 0)
		return hn_fail(parse->err, -EINVAL, "unknown key '%.40s' in section [" RULE_SECTION " %.40s]",
			       name, pattern);
	if (strlen(pattern) >= HN_NAME_MAX)
		return hn_fail(parse->err, -EINVAL,
			       "the name in section [" RULE_SECTION
			       " %.40s...] is longer than %d bytes: a pattern "
			       "such as [" RULE_SECTION " %.40s*] matches it, too",
			       pattern, HN_NAME_MAX - 1, pattern);
	if (!*value)
		return hn_fail(parse->err, -EINVAL, "%s: a value is missing", name);
	if (setting == HN_SETTING_POLICY && !hn_policy_find(value, parse->err))
		return hn_error_prefix(parse->err, "%s", name);
	rule = rule_of(parse->config, pattern);
	return rule ? hn_settings_set(&rule->settings, name, value, parse->err) : hn_oom(parse->err);
}

static int set_key(struct parse *parse, const char *section, const char *name, const char *value)
{
	bool section_known = false;

	if (strncmp(section, RULE_SECTION " ", sizeof(RULE_SECTION)) == 0)
		return set_rule(parse, section + sizeof(RULE_SECTION), name, value);
	for (size_t i = 0; i < HN_COUNT(keys); i++) {
		if (strcmp(keys[i].section, section) != 0)
			continue;
		section_known = true;
		if (strcmp(keys[i].name, name) == 0)
			return keys[i].set(parse->config, value, parse->err) < 0
				       ? hn_error_prefix(parse->err, "%s", name)
				       : 0;
	}
	if (strcmp(section, RULE_SECTION) == 0)
		return hn_fail(parse->err, -EINVAL, "write the guest's name or a pattern: [guest web-*]");
	if (!section_known)
		return hn_fail(parse->err, -EINVAL, "unknown section [%.40s]", section);
	return hn_fail(parse->err, -EINVAL, "unknown key '%.40s' in section [%.40s]", name, section);
}

static int on_ini_value(void *user, const char *section, const char *name, const char *value)
{
	struct parse *parse = user;

	if (parse->failed)
		return 1;
	if (set_key(parse, whole_section(parse, section), name, value) == 0)
		return 1;
	parse->failed = true;
	return 0;
}

int hn_config_load(const char *path, struct hn_config *config, struct hn_error *err)
{
	HN_AUTO(file) FILE *file = fopen(path, "re");
	struct parse parse = {.file = file, .config = config, .err = err};
	int line;

	if (!file)
		return hn_fail_errno(err, -errno, "cannot read %s", path);
	line = ini_parse_stream(read_line, &parse, on_ini_value, &parse);
	if (ferror(file))
		return hn_fail_errno(err, -EIO, "cannot read %s", path);
	if (line < 0)
		return hn_oom(err);
	if (line > 0 && !parse.failed)
		return hn_fail(err, -EINVAL,
			       "%s:%d: neither [section], nor key = value, nor a comment (# or ;)", path,
			       line);
	if (line > 0) {
		hn_error_prefix(err, "%s:%d", path, line);
		return -EINVAL;
	}
	if (config->api_listen[0] && !(config->api_cert[0] && config->api_key[0] && config->api_ca[0]))
		return hn_fail(err, -EINVAL, "%s: [api] listen: cert, key and ca are needed as well", path);
	return 0;
}

const struct hn_guest_rule *hn_config_rule(const struct hn_config *config, const char *guest)
{
	for (size_t i = 0; i < config->rule_count; i++)
		if (fnmatch(config->rules[i].pattern, guest, 0) == 0)
			return &config->rules[i];
	return NULL;
}

void hn_config_print_sample(FILE *out)
{
	const char *section = "";

	fprintf(out, "# homenode's configuration. What is commented out is the default.\n");
	for (size_t i = 0; i < HN_COUNT(keys); i++) {
		if (strcmp(section, keys[i].section) != 0) {
			section = keys[i].section;
			fprintf(out, "\n[%s]\n", section);
		}
		fprintf(out, "# %s\n#%s = %s\n", keys[i].meaning, keys[i].name, keys[i].standard);
	}
	fprintf(out, "\n#[" RULE_SECTION " web-*]\n");
	for (unsigned i = 0; i < HN_SETTING_COUNT; i++)
		fprintf(out, "# %s\n#%s = %s\n", hn_setting_meaning((enum hn_setting)i),
			hn_setting_name((enum hn_setting)i), hn_setting_default((enum hn_setting)i));
}
