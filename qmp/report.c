/*
 * One question at a time: first the agent's, then the monitor's. What an answer does not bring costs what it
 * would have told, and a note; an agent that does not answer in time is asked nothing more in this pass, so a
 * silent one costs one time-out. Each question is answered exactly once, so the pass is kept until then; when
 * it was cancelled in between, that answer only frees it.
 */
#include "qmp/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/set.h"
#include "base/units.h"
#include "qmp/agent.h"
#include "qmp/report-text.h"

#define FILE_BYTES_MAX ((size_t)64 * 1024)
#define POLL_SECONDS 10 /* how often the balloon's driver is asked, where nobody has asked for it */
#define SYS_NODE "/sys/devices/system/node"

enum stage {
	STAGE_CPUSTATS, /* the agent's */
	STAGE_ONLINE,
	STAGE_NUMASTAT, /* of one node after the other */
	STAGE_MEMINFO,
	STAGE_VMSTAT,
	STAGE_STAT,
	STAGE_BALLOON, /* the monitor's */
	STAGE_PERIPHERAL,
	STAGE_PERIPHERAL_ANON,
	STAGE_POLLING,
	STAGE_POLL,
	STAGE_STATS,
	STAGE_END,
};

struct hn_report_pass {
	struct hn_qmp *agent, *monitor; /* NULL once they are asked nothing more */
	hn_report_done done;            /* NULL once called or cancelled */
	void *context;
	struct hn_reported *reported;
	struct hn_error why; /* the agent stopped answering */
	enum stage stage;
	struct hn_set nodes;
	int node;
	char balloon[160]; /* QOM path */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

static void pass_free(struct hn_report_pass *pass)
{
	hn_reported_free(pass->reported);
	free(pass);
}
HN_CLEANUP_DEFINE(pass, struct hn_report_pass *, pass_free);

void hn_report_cancel(struct hn_report_pass *pass)
{
	if (pass)
		pass->done = NULL;
}

static void note(struct hn_report_pass *pass, const struct hn_error *err)
{
	hn_reported_add_note(pass->reported, err->message); /* one that finds no memory is missed */
}

static void finish(struct hn_report_pass *pass)
{
	hn_report_done done = hn_steal(pass->done);

	if (pass->reported->taken_ns == 0)
		pass->reported->taken_ns = now_ns();
	if (done)
		done(&pass->reported, pass->why.code ? &pass->why : NULL, pass->context);
	pass_free(pass);
}

/* Whether to go on after an answer: not when the pass was cancelled. It is gone then. */
static bool is_wanted(struct hn_report_pass *pass)
{
	if (pass->done)
		return true;
	pass_free(pass);
	return false;
}

static void proceed(struct hn_report_pass *pass);

/* The agent is asked nothing more. */
static void give_up_agent(struct hn_report_pass *pass, const struct hn_error *err)
{
	pass->why = *err;
	pass->agent = NULL;
	note(pass, err);
}

typedef int (*take_text)(struct hn_report_pass *pass, const char *text, struct hn_error *err);

static int take_online(struct hn_report_pass *pass, const char *text, struct hn_error *err)
{
	int r = hn_set_parse(text, &pass->nodes, err);

	if (r == 0 && hn_set_count(&pass->nodes) > HN_REPORT_NODES) {
		hn_set_clear(&pass->nodes);
		r = hn_fail(err, -EPROTO, "more than %d nodes", HN_REPORT_NODES);
	}
	return r;
}

static int take_numastat(struct hn_report_pass *pass, const char *text, struct hn_error *err)
{
	return hn_report_take_numastat(pass->reported, pass->node, text, err);
}

static int take_meminfo(struct hn_report_pass *pass, const char *text, struct hn_error *err)
{
	return hn_report_take_meminfo(pass->reported, pass->node, text, err);
}

static int take_vmstat(struct hn_report_pass *pass, const char *text, struct hn_error *err)
{
	return hn_report_take_vmstat(pass->reported, text, err);
}

static int take_stat(struct hn_report_pass *pass, const char *text, struct hn_error *err)
{
	return hn_report_take_stat(pass->reported, text, err);
}

static const struct {
	const char *folder, *name; /* the node's number is put between them */
	bool of_node;
	take_text take;
} files[STAGE_BALLOON] = {
	[STAGE_ONLINE] = {SYS_NODE, "/online", false, take_online},
	[STAGE_NUMASTAT] = {SYS_NODE "/node", "/numastat", true, take_numastat},
	[STAGE_MEMINFO] = {SYS_NODE "/node", "/meminfo", true, take_meminfo},
	[STAGE_VMSTAT] = {"/proc", "/vmstat", false, take_vmstat},
	[STAGE_STAT] = {"/proc", "/stat", false, take_stat},
};

static void file_path(const struct hn_report_pass *pass, char *path, size_t size)
{
	char node[16] = "";

	if (files[pass->stage].of_node)
		snprintf(node, sizeof(node), "%d", pass->node);
	snprintf(path, size, "%s%s%s", files[pass->stage].folder, node, files[pass->stage].name);
}

/* From numastat to meminfo of a node, and on to the next node's; others just on. */
static void next_stage(struct hn_report_pass *pass)
{
	if (pass->stage == STAGE_MEMINFO && (pass->node = hn_set_next(&pass->nodes, pass->node + 1)) >= 0)
		pass->stage = STAGE_NUMASTAT;
	else
		pass->stage++;
	if (pass->stage == STAGE_NUMASTAT && pass->node < 0 &&
	    (pass->node = hn_set_next(&pass->nodes, 0)) < 0)
		pass->stage = STAGE_VMSTAT; /* its nodes are not known */
}

/* Nothing came of this question to the agent. */
static void agent_failed(struct hn_report_pass *pass, const struct hn_error *err)
{
	if (err->code == -ETIMEDOUT || err->code == -ECANCELED || err->code == -ENOMEM ||
	    !hn_qmp_ready(pass->agent))
		give_up_agent(pass, err);
	else if (pass->stage != STAGE_CPUSTATS) /* /proc/stat is asked instead */
		note(pass, err);
	if (pass->stage == STAGE_NUMASTAT || pass->stage == STAGE_MEMINFO) { /* so would the other nodes */
		hn_set_clear(&pass->nodes);
		pass->stage = STAGE_MEMINFO;
	}
}

static void on_file_read(const char *text, size_t length, const struct hn_error *err, void *context)
{
	struct hn_report_pass *pass = context;
	struct hn_error why = {0};
	char path[64];

	if (!is_wanted(pass))
		return;
	file_path(pass, path, sizeof(path));
	if (!err && strlen(text) != length)
		hn_fail(&why, -EPROTO, "a NUL is in it");
	else if (!err && files[pass->stage].take(pass, text, &why) == 0)
		pass->reported->taken_ns = now_ns();
	if (why.code)
		hn_error_prefix(&why, "%s: %s", hn_qmp_label(pass->agent), path);
	if (err || why.code)
		agent_failed(pass, err ? err : &why);
	next_stage(pass);
	proceed(pass);
}

static void on_cpustats(struct hn_qmp *qmp, json_object *result, const struct hn_error *err, void *context)
{
	struct hn_report_pass *pass = context;
	struct hn_error why = {0};

	if (!is_wanted(pass))
		return;
	if (err)
		agent_failed(pass, err);
	else
		hn_report_take_cpustats(pass->reported, result, &why);
	next_stage(pass);
	proceed(pass);
}

static int ask_agent(struct hn_report_pass *pass, struct hn_error *err)
{
	char path[64];

	if (now_ns() > pass->reported->started_ns + HN_REPORT_NS)
		return hn_fail(err, -ETIMEDOUT, "%s: has not told all within %.0f s",
			       hn_qmp_label(pass->agent), (double)HN_REPORT_NS / 1e9);
	if (pass->stage == STAGE_CPUSTATS)
		return hn_qmp_execute(pass->agent, "guest-get-cpustats", NULL, 0, on_cpustats, pass, err);
	file_path(pass, path, sizeof(path));
	return hn_agent_read_file(pass->agent, path, FILE_BYTES_MAX, on_file_read, pass, err);
}

/* path and property of a QOM object; value may be -1: none. */
static json_object *qom_arguments(const char *path, const char *property, int value)
{
	HN_AUTO(json) json_object *arguments = json_object_new_object();

	if (!arguments || hn_json_add_string(arguments, "path", path) < 0 ||
	    (property && hn_json_add_string(arguments, "property", property) < 0) ||
	    (value >= 0 && hn_json_add_int(arguments, "value", value) < 0))
		return NULL;
	return hn_steal(arguments);
}

static void keep_balloon(struct hn_report_pass *pass, const char *folder, json_object *result)
{
	const char *name = hn_report_find_balloon(result);

	if (name && snprintf(pass->balloon, sizeof(pass->balloon), "%s/%s", folder, name) >=
			    (int)sizeof(pass->balloon))
		pass->balloon[0] = '\0';
}

/* The stage after this answer. A guest without a balloon, or whose driver tells nothing, is normal. */
static enum stage take_monitor(struct hn_report_pass *pass, json_object *result)
{
	struct hn_error err = {0};

	switch (pass->stage) {
	case STAGE_BALLOON:
		return hn_report_take_balloon(pass->reported, result, &err) == 0 ? STAGE_PERIPHERAL
										 : STAGE_END;
	case STAGE_PERIPHERAL:
		keep_balloon(pass, "/machine/peripheral", result);
		return pass->balloon[0] ? STAGE_POLLING : STAGE_PERIPHERAL_ANON;
	case STAGE_PERIPHERAL_ANON:
		keep_balloon(pass, "/machine/peripheral-anon", result);
		return pass->balloon[0] ? STAGE_POLLING : STAGE_END;
	case STAGE_POLLING:
		if (!json_object_is_type(result, json_type_int))
			return STAGE_END;
		return json_object_get_int64(result) > 0 ? STAGE_STATS : STAGE_POLL;
	case STAGE_POLL:
		return STAGE_STATS;
	default:
		if (hn_report_take_balloon_stats(pass->reported, result, &err) < 0) {
			hn_error_prefix(&err, "%s: guest-stats", hn_qmp_label(pass->monitor));
			note(pass, &err);
		}
		return STAGE_END;
	}
}

static void on_monitor_reply(struct hn_qmp *qmp, json_object *result, const struct hn_error *err,
			     void *context)
{
	struct hn_report_pass *pass = context;

	if (!is_wanted(pass))
		return;
	pass->stage = err ? STAGE_END : take_monitor(pass, result);
	proceed(pass);
}

static int ask_monitor(struct hn_report_pass *pass, struct hn_error *err)
{
	static const char interval[] = "guest-stats-polling-interval";
	const char *command = "query-balloon";
	json_object *arguments = NULL;

	switch (pass->stage) {
	case STAGE_PERIPHERAL:
		command = "qom-list";
		arguments = qom_arguments("/machine/peripheral", NULL, -1);
		break;
	case STAGE_PERIPHERAL_ANON:
		command = "qom-list";
		arguments = qom_arguments("/machine/peripheral-anon", NULL, -1);
		break;
	case STAGE_POLLING:
		command = "qom-get";
		arguments = qom_arguments(pass->balloon, interval, -1);
		break;
	case STAGE_POLL:
		command = "qom-set";
		arguments = qom_arguments(pass->balloon, interval, POLL_SECONDS);
		break;
	case STAGE_STATS:
		command = "qom-get";
		arguments = qom_arguments(pass->balloon, "guest-stats", -1);
		break;
	default:
		break;
	}
	if (!arguments && pass->stage != STAGE_BALLOON)
		return hn_oom(err);
	return hn_qmp_execute(pass->monitor, command, arguments, 0, on_monitor_reply, pass, err);
}

/* Asks what is next, or ends. */
static void proceed(struct hn_report_pass *pass)
{
	struct hn_error err = {0};

	if (pass->stage == STAGE_STAT && pass->reported->cpu_count > 0)
		pass->stage = STAGE_BALLOON;
	if (pass->stage < STAGE_BALLOON && pass->agent && ask_agent(pass, &err) < 0)
		give_up_agent(pass, &err);
	if (pass->stage < STAGE_BALLOON && pass->agent)
		return;
	if (pass->stage < STAGE_BALLOON)
		pass->stage = STAGE_BALLOON;
	if (pass->stage < STAGE_END && pass->monitor && hn_qmp_ready(pass->monitor) &&
	    ask_monitor(pass, &err) == 0)
		return;
	finish(pass);
}

int hn_report_start(struct hn_qmp *agent, struct hn_qmp *monitor, hn_report_done done, void *context,
		    struct hn_report_pass **ret, struct hn_error *err)
{
	HN_AUTO(pass) struct hn_report_pass *pass = calloc(1, sizeof(*pass));
	int r;

	if (!pass || !(pass->reported = hn_reported_new()))
		return hn_oom(err);
	pass->agent = agent;
	pass->monitor = monitor;
	pass->done = done;
	pass->context = context;
	pass->node = -1;
	pass->stage = agent ? STAGE_CPUSTATS : STAGE_BALLOON;
	pass->reported->started_ns = now_ns();
	if ((r = agent ? ask_agent(pass, err) : ask_monitor(pass, err)) < 0)
		return r;
	*ret = hn_steal(pass);
	return 0;
}
