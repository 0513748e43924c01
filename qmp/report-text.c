#include "qmp/report-text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"

#define NS_PER_TICK (HN_NS_PER_S / 100)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A whole number that ends where a word does; 0 and *text behind it. */
static int take_number(const char **text, uint64_t *ret)
{
	const char *at = *text + strspn(*text, " \t");
	uint64_t number = 0;

	if (!is_digit(*at))
		return -EPROTO;
	for (; is_digit(*at); at++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
			return -EPROTO;
	if (number == HN_REPORTED_UNKNOWN || (*at && !strchr(" \t\r\n", *at)))
		return -EPROTO;
	*text = at;
	*ret = number;
	return 0;
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

/* Behind the word that the line begins with, or NULL. */
static const char *behind(const char *line, const char *word)
{
	size_t length = strlen(word);

	return strncmp(line, word, length) == 0 && strchr(" \t", line[length]) && line[length] ? line + length
											       : NULL;
}

static int bad_number(const char *line, struct hn_error *err)
{
	return hn_fail(err, -EPROTO, "'%.*s' has no whole number that can be",
		       (int)strcspn(line, "\r\n") % 60, line);
}

struct counter {
	const char *name;
	uint64_t *slot;
};

/* Lines of a name and a number; of a name that comes twice the first counts. */
static int take_counters(const char *text, const struct counter *counters, size_t count, struct hn_error *err)
{
	for (const char *line = text; *line; line = next_line(line)) {
		for (size_t i = 0; i < count; i++) {
			const char *at = behind(line, counters[i].name);

			if (!at || *counters[i].slot != HN_REPORTED_UNKNOWN)
				continue;
			if (take_number(&at, counters[i].slot) < 0)
				return bad_number(line, err);
		}
	}
	return 0;
}

int hn_report_take_numastat(struct hn_reported *reported, int node, const char *text, struct hn_error *err)
{
	uint64_t values[6] = {HN_REPORTED_UNKNOWN, HN_REPORTED_UNKNOWN, HN_REPORTED_UNKNOWN,
			      HN_REPORTED_UNKNOWN, HN_REPORTED_UNKNOWN, HN_REPORTED_UNKNOWN};
	const struct counter counters[] = {
		{"numa_hit", &values[0]},       {"numa_miss", &values[1]},  {"numa_foreign", &values[2]},
		{"interleave_hit", &values[3]}, {"local_node", &values[4]}, {"other_node", &values[5]},
	};
	struct hn_reported_node *slot;
	int r = take_counters(text, counters, HN_COUNT(counters), err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < HN_COUNT(counters); i++)
		if (values[i] == HN_REPORTED_UNKNOWN)
			return hn_fail(err, -EPROTO, "%s is missing", counters[i].name);
	if (!(slot = hn_reported_add_node(reported, node)))
		return hn_oom(err);
	slot->hit = values[0];
	slot->miss = values[1];
	slot->foreign = values[2];
	slot->interleave = values[3];
	slot->local = values[4];
	slot->other = values[5];
	return 0;
}

/* "Node 0 MemTotal:  16303184 kB" */
static const char *behind_node(const char *line, int node)
{
	char start[32];

	snprintf(start, sizeof(start), "Node %d", node);
	line = behind(line, start);
	return line ? line + strspn(line, " \t") : NULL;
}

int hn_report_take_meminfo(struct hn_reported *reported, int node, const char *text, struct hn_error *err)
{
	uint64_t total = HN_REPORTED_UNKNOWN, free = HN_REPORTED_UNKNOWN;
	const struct counter counters[] = {{"MemTotal:", &total}, {"MemFree:", &free}};
	struct hn_reported_node *slot;

	for (const char *line = text; *line; line = next_line(line)) {
		const char *rest = behind_node(line, node);
		int r = 0;

		for (size_t i = 0; rest && r == 0 && i < HN_COUNT(counters); i++) {
			const char *at = behind(rest, counters[i].name);

			if (at && (take_number(&at, counters[i].slot) < 0 || strncmp(at, " kB", 3) != 0))
				r = bad_number(line, err);
		}
		if (r < 0)
			return r;
	}
	if (total == HN_REPORTED_UNKNOWN || free == HN_REPORTED_UNKNOWN)
		return hn_fail(err, -EPROTO, "MemTotal or MemFree is missing");
	if (free > total || total > HN_REPORTED_UNKNOWN / 2 / HN_KIB)
		return hn_fail(err, -EPROTO, "MemTotal and MemFree cannot be");
	if (!(slot = hn_reported_add_node(reported, node)))
		return hn_oom(err);
	slot->total_bytes = total * HN_KIB;
	slot->free_bytes = free * HN_KIB;
	return 0;
}

int hn_report_take_vmstat(struct hn_reported *reported, const char *text, struct hn_error *err)
{
	uint64_t values[4] = {HN_REPORTED_UNKNOWN, HN_REPORTED_UNKNOWN, HN_REPORTED_UNKNOWN,
			      HN_REPORTED_UNKNOWN};
	const struct counter counters[] = {
		{"numa_hint_faults", &values[0]},
		{"numa_hint_faults_local", &values[1]},
		{"numa_pages_migrated", &values[2]},
		{"pgmigrate_success", &values[3]},
	};
	int r = take_counters(text, counters, HN_COUNT(counters), err);

	if (r < 0)
		return r;
	reported->hint_faults = values[0];
	reported->hint_faults_local = values[1];
	reported->pages_migrated = values[2];
	reported->migrate_success = values[3];
	return 0;
}

/* "cpu3 1 2 3 ...": the CPU's number, and behind it; NULL for any other line. */
static const char *behind_cpu(const char *line, int *ret_cpu)
{
	uint64_t number;

	if (strncmp(line, "cpu", 3) != 0 || !is_digit(line[3]))
		return NULL;
	line += 3;
	if (take_number(&line, &number) < 0 || number >= HN_SET_MAX)
		return NULL;
	*ret_cpu = (int)number;
	return line;
}

/* Adds value x unit to *sum; -EPROTO when that is more than fits. */
static int add_time(uint64_t *sum, uint64_t value, uint64_t unit)
{
	return __builtin_mul_overflow(value, unit, &value) || __builtin_add_overflow(*sum, value, sum)
		       ? -EPROTO
		       : 0;
}

/* user nice system idle iowait irq softirq steal; older kernels tell fewer. */
static int take_cpu_line(struct hn_reported_cpu *ret, const char *at)
{
	uint64_t *const sums[] = {&ret->busy_ns, &ret->busy_ns, &ret->busy_ns, &ret->idle_ns,
				  &ret->idle_ns, &ret->busy_ns, &ret->busy_ns, &ret->steal_ns};

	for (size_t i = 0; i < HN_COUNT(sums); i++) {
		uint64_t ticks;

		at += strspn(at, " \t");
		if (i >= 4 && (*at == '\n' || *at == '\0'))
			return 0;
		if (take_number(&at, &ticks) < 0 || add_time(sums[i], ticks, NS_PER_TICK) < 0)
			return -EPROTO;
	}
	return 0;
}

static int keep_cpu(struct hn_reported *reported, const struct hn_reported_cpu *cpu, struct hn_error *err)
{
	struct hn_reported_cpu *slot;

	if (reported->cpu_count >= HN_REPORTED_CPUS_MAX)
		return hn_fail(err, -EPROTO, "more than %d CPUs", HN_REPORTED_CPUS_MAX);
	if (!(slot = hn_reported_add_cpu(reported, cpu->cpu)))
		return hn_oom(err);
	*slot = *cpu;
	return 0;
}

static void forget_cpus(struct hn_reported *reported)
{
	reported->cpu_count = 0;
	free(hn_steal(reported->cpus));
}

static int take_stat(struct hn_reported *reported, const char *text, struct hn_error *err)
{
	for (const char *line = text; *line; line = next_line(line)) {
		struct hn_reported_cpu cpu = {0};
		const char *at = behind_cpu(line, &cpu.cpu);
		int r;

		if (!at)
			continue;
		if (take_cpu_line(&cpu, at) < 0)
			return bad_number(line, err);
		if ((r = keep_cpu(reported, &cpu, err)) < 0)
			return r;
	}
	return reported->cpu_count ? 0 : hn_fail(err, -EPROTO, "no CPU is told of");
}

int hn_report_take_stat(struct hn_reported *reported, const char *text, struct hn_error *err)
{
	int r;

	forget_cpus(reported);
	if ((r = take_stat(reported, text, err)) < 0)
		forget_cpus(reported);
	return r;
}

/* A member of milliseconds; what is not there adds nothing, but for the first three and idle. */
static int take_ms(json_object *item, const char *key, bool needed, uint64_t *sum, struct hn_error *err)
{
	uint64_t ms;
	int r;

	if (!needed && !hn_json_has(item, key))
		return 0;
	if ((r = hn_json_get_u64(item, key, &ms, err)) < 0)
		return r;
	return add_time(sum, ms, HN_NS_PER_MS) < 0 ? hn_fail(err, -EPROTO, "member '%s' is too large", key)
						   : 0;
}

static int take_cpu_item(struct hn_reported *reported, json_object *item, struct hn_error *err)
{
	struct hn_reported_cpu cpu = {0};
	const char *type;
	int r;

	if ((r = hn_json_get_string(item, "type", &type, err)) < 0)
		return r;
	if (strcmp(type, "linux") != 0)
		return 0;
	if ((r = hn_json_get_int(item, "cpu", &cpu.cpu, err)) < 0 ||
	    (r = take_ms(item, "user", true, &cpu.busy_ns, err)) < 0 ||
	    (r = take_ms(item, "nice", true, &cpu.busy_ns, err)) < 0 ||
	    (r = take_ms(item, "system", true, &cpu.busy_ns, err)) < 0 ||
	    (r = take_ms(item, "idle", true, &cpu.idle_ns, err)) < 0 ||
	    (r = take_ms(item, "iowait", false, &cpu.idle_ns, err)) < 0 ||
	    (r = take_ms(item, "irq", false, &cpu.busy_ns, err)) < 0 ||
	    (r = take_ms(item, "softirq", false, &cpu.busy_ns, err)) < 0 ||
	    (r = take_ms(item, "steal", false, &cpu.steal_ns, err)) < 0)
		return r;
	if (cpu.cpu < 0 || cpu.cpu >= HN_SET_MAX)
		return hn_fail(err, -EPROTO, "CPU %d cannot be", cpu.cpu);
	return keep_cpu(reported, &cpu, err);
}

int hn_report_take_cpustats(struct hn_reported *reported, json_object *result, struct hn_error *err)
{
	size_t count;
	int r = 0;

	if (!json_object_is_type(result, json_type_array))
		return hn_fail(err, -EPROTO, "the answer is no list");
	count = json_object_array_length(result);
	if (count > HN_REPORTED_CPUS_MAX)
		return hn_fail(err, -EPROTO, "more than %d CPUs", HN_REPORTED_CPUS_MAX);
	forget_cpus(reported);
	for (size_t i = 0; i < count && r == 0; i++)
		r = take_cpu_item(reported, json_object_array_get_idx(result, i), err);
	if (r < 0)
		forget_cpus(reported);
	else if (reported->cpu_count == 0)
		r = hn_fail(err, -EPROTO, "no CPU of a Linux is told of");
	return r;
}

int hn_report_take_balloon(struct hn_reported *reported, json_object *result, struct hn_error *err)
{
	return hn_json_get_u64(result, "actual", &reported->balloon.actual_bytes, err);
}

int hn_report_take_balloon_stats(struct hn_reported *reported, json_object *result, struct hn_error *err)
{
	struct hn_reported_balloon *balloon = &reported->balloon;
	const struct counter counters[] = {
		{"stat-free-memory", &balloon->free_bytes},
		{"stat-available-memory", &balloon->available_bytes},
		{"stat-swap-in", &balloon->swapped_in_bytes},
		{"stat-swap-out", &balloon->swapped_out_bytes},
	};
	json_object *stats, *value;
	uint64_t updated;
	int r;

	if ((r = hn_json_get_object(result, "stats", &stats, err)) < 0 ||
	    (r = hn_json_get_u64(result, "last-update", &updated, err)) < 0)
		return r;
	if (updated == 0)
		return 0; /* the guest has not told yet */
	for (size_t i = 0; i < HN_COUNT(counters); i++)
		if (json_object_object_get_ex(stats, counters[i].name, &value) &&
		    json_object_is_type(value, json_type_int) && json_object_get_int64(value) >= 0)
			*counters[i].slot = json_object_get_uint64(value);
	return 0;
}

const char *hn_report_find_balloon(json_object *result)
{
	size_t count = json_object_is_type(result, json_type_array) ? json_object_array_length(result) : 0;

	for (size_t i = 0; i < count; i++) {
		json_object *item = json_object_array_get_idx(result, i);
		const char *name, *type;

		if (hn_json_get_string(item, "type", &type, NULL) == 0 &&
		    hn_json_get_string(item, "name", &name, NULL) == 0 &&
		    strncmp(type, "child<virtio-balloon", strlen("child<virtio-balloon")) == 0)
			return name;
	}
	return NULL;
}
