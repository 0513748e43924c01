#include "daemon/config.h"

#include <errno.h>
#include <fnmatch.h>
#include <ini.h>
#include <string.h>

#include "base/units.h"
#include "model/names.h"
#include "policy/policies.h"

/*
 * One table of keys: section, name, default as text, what it means, and how it is read. Defaults go through
 * the same readers as the file, so the sample that is printed cannot differ from what is in force.
 */

static const char *const balancing_names[HN_BALANCING_COUNT] = {"leave", "off-while-enforcing"};

typedef int (*set_function)(void *config_or_rule, const char *value, struct hn_error *err);

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

static int set_socket(void *target, const char *value, struct hn_error *err)
{
	struct hn_config *config = target;

	return set_text(config->socket, sizeof(config->socket), value, err);
}

static int set_log_level(void *target, const char *value, struct hn_error *err)
{
	return hn_log_level_parse(value, &((struct hn_config *)target)->log_level, err);
}

static int set_reserved_cpus(void *target, const char *value, struct hn_error *err)
{
	return hn_set_parse(strcmp(value, "none") == 0 ? "" : value,
			    &((struct hn_config *)target)->reserved_cpus, err);
}

static int set_reserved_memory(void *target, const char *value, struct hn_error *err)
{
	return hn_bytes_parse(value, &((struct hn_config *)target)->reserved_memory_bytes, err);
}

static int set_folders(void *target, const char *value, struct hn_error *err)
{
	struct hn_config *config = target;
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

static int set_mode(void *target, const char *value, struct hn_error *err)
{
	return hn_mode_parse(value, &((struct hn_config *)target)->mode, err);
}

static int set_tick(void *target, const char *value, struct hn_error *err)
{
	struct hn_config *config = target;
	int r = hn_duration_parse(value, &config->tick_ns, err);

	if (r == 0 && (config->tick_ns < 100 * HN_NS_PER_MS || config->tick_ns > 3600 * HN_NS_PER_S))
		return hn_fail(err, -EINVAL, "'%.40s' is not within 100ms and 1h", value);
	return r;
}

static int set_samples(void *target, const char *value, struct hn_error *err)
{
	return set_number(&((struct hn_config *)target)->samples_per_cell, value, 64, 1 << 20, err);
}

static int set_looks(void *target, const char *value, struct hn_error *err)
{
	return set_number(&((struct hn_config *)target)->looks, value, 1, 100, err);
}

static int set_settle(void *target, const char *value, struct hn_error *err)
{
	struct hn_config *config = target;
	int r = hn_duration_parse(value, &config->settle_ns, err);

	/* it is doubled up to six times */
	if (r == 0 && config->settle_ns > 86400 * HN_NS_PER_S)
		return hn_fail(err, -EINVAL, "'%.40s' is more than a day", value);
	return r;
}

static int set_rate_limit(void *target, const char *value, struct hn_error *err)
{
	struct hn_config *config = target;
	int r = strcmp(value, "none") == 0 ? (config->rate_limit_bytes = 0, 0)
					   : hn_bytes_parse(value, &config->rate_limit_bytes, err);

	if (r == 0 && config->rate_limit_bytes && config->rate_limit_bytes < HN_MIB)
		return hn_fail(err, -EINVAL, "'%.40s' is less than 1M a second; write none for no limit",
			       value);
	return r;
}

static int set_keep_free(void *target, const char *value, struct hn_error *err)
{
	return hn_bytes_parse(value, &((struct hn_config *)target)->keep_free_bytes, err);
}

static int set_at_once(void *target, const char *value, struct hn_error *err)
{
	return set_number(&((struct hn_config *)target)->at_once, value, 1, 64, err);
}

static int set_balancing(void *target, const char *value, struct hn_error *err)
{
	int r = hn_name_parse(balancing_names, HN_COUNT(balancing_names), "value", value, err);

	if (r < 0)
		return r;
	((struct hn_config *)target)->balancing = (enum hn_balancing)r;
	return 0;
}

static int set_rule_mode(void *target, const char *value, struct hn_error *err)
{
	struct hn_guest_rule *rule = target;

	rule->has_mode = true;
	return hn_mode_parse(value, &rule->mode, err);
}

static int set_rule_class(void *target, const char *value, struct hn_error *err)
{
	struct hn_guest_rule *rule = target;

	rule->has_class = true;
	return hn_class_parse(value, &rule->class, err);
}

static int set_rule_policy(void *target, const char *value, struct hn_error *err)
{
	struct hn_guest_rule *rule = target;

	return hn_policy_find(value, err) ? set_text(rule->policy, sizeof(rule->policy), value, err)
					  : -EINVAL;
}

struct key {
	const char *section, *name, *standard; /* standard: the default as text */
	set_function set;
	const char *meaning;
};

#define RULE_SECTION "guest" /* followed by a blank and a pattern */

static const struct key keys[] = {
	{"homenoded", "socket", HN_SOCKET_PATH_DEFAULT, set_socket, "unix socket of the API"},
	{"homenoded", "log_level", "info", set_log_level, "error, warning, info or debug"},
	{"homenoded", "reserved_cpus", "none", set_reserved_cpus,
	 "CPUs set apart for the host itself, such as 0-1,32: no vCPU is placed there; none for none"},
	{"homenoded", "reserved_memory", "0", set_reserved_memory,
	 "memory of every node set apart for the host itself, such as 2G: no guest is planned into it"},
	{"guests", "folders", "/run/homenode/qmp", set_folders,
	 "folders watched for QMP sockets, separated by blanks; NAME.qga beside NAME.qmp is a guest agent's"},
	{"guests", "mode", "observe", set_mode,
	 "of guests without a section of their own: off, observe, advise (plan only) or enforce"},
	{"sampling", "tick", "10s", set_tick, "how often a guest is looked at, 100ms to 1h"},
	{"sampling", "samples_per_cell", "2816", set_samples,
	 "pages asked for per cell and look: 2816 tell a share to 2.2 points, whatever the guest's size"},
	{"moves", "looks", "2", set_looks, "consecutive looks that must agree before anything is moved"},
	{"moves", "settle", "20s", set_settle,
	 "a guest is left alone that long after an operation; longer after fruitless ones"},
	{"moves", "rate_limit", "none", set_rate_limit,
	 "bytes a second moved at most, such as 200M; none for no limit"},
	{"moves", "keep_free", "64M", set_keep_free, "memory left free on every node"},
	{"moves", "at_once", "1", set_at_once,
	 "migrations at the same time; rate_limit is shared between them"},
	{"moves", "kernel_balancing", "leave", set_balancing,
	 "leave kernel NUMA balancing as it is, or off-while-enforcing: off while a guest is in mode "
	 "enforce"},
	{RULE_SECTION, "mode", NULL, set_rule_mode, "as in [guests], for guests whose name matches"},
	{RULE_SECTION, "class", "shared", set_rule_class, "shared, dedicated or realtime"},
	{RULE_SECTION, "policy", "home-node", set_rule_policy,
	 "the placement policy; homenode.conf(5) lists them"},
};

void hn_config_init(struct hn_config *config)
{
	memset(config, 0, sizeof(*config));
	for (size_t i = 0; i < HN_COUNT(keys); i++)
		if (strcmp(keys[i].section, RULE_SECTION) != 0)
			(void)keys[i].set(config, keys[i].standard, NULL);
}

void hn_config_done(struct hn_config *config)
{
	free(config->rules);
	config->rules = NULL;
	config->rule_count = 0;
}

/* What inih's callback carries. The first mistake is kept; inih then returns its line. */
struct parse {
	struct hn_config *config;
	struct hn_error *err;
	bool failed;
};

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

static int set_key(struct parse *parse, const char *section, const char *name, const char *value)
{
	bool is_rule = strncmp(section, RULE_SECTION " ", sizeof(RULE_SECTION)) == 0;
	const char *table_section = is_rule ? RULE_SECTION : section;
	bool section_known = false;
	void *target = parse->config;

	for (size_t i = 0; i < HN_COUNT(keys); i++) {
		if (strcmp(keys[i].section, table_section) != 0)
			continue;
		section_known = is_rule || strcmp(section, RULE_SECTION) != 0;
		if (!section_known || strcmp(keys[i].name, name) != 0)
			continue;
		if (is_rule && !(target = rule_of(parse->config, section + sizeof(RULE_SECTION))))
			return hn_oom(parse->err);
		return keys[i].set(target, value, parse->err) < 0 ? hn_error_prefix(parse->err, "%s", name)
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
	if (set_key(parse, section, name, value) == 0)
		return 1;
	parse->failed = true;
	return 0;
}

int hn_config_load(const char *path, struct hn_config *config, struct hn_error *err)
{
	struct parse parse = {.config = config, .err = err};
	HN_AUTO(file) FILE *file = fopen(path, "re");
	int line;

	if (!file)
		return hn_fail_errno(err, -errno, "cannot read %s", path);
	line = ini_parse_file(file, on_ini_value, &parse);
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
		bool is_rule = strcmp(keys[i].section, RULE_SECTION) == 0;

		if (strcmp(section, keys[i].section) != 0) {
			section = keys[i].section;
			fprintf(out, "\n%s[%s%s]\n", is_rule ? "#" : "", section, is_rule ? " web-*" : "");
		}
		fprintf(out, "# %s\n#%s = %s\n", keys[i].meaning, keys[i].name,
			keys[i].standard ? keys[i].standard : "observe");
	}
}
