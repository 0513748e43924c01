/*
 * homenode set - a guest's settings: shows them with where each comes from, or changes them in its domain.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/table.h"
#include "model/settings.h"
#include "policy/policies.h"

/* key=value into the body: "" is null. What would be refused anyway is refused here. */
static int add_pair(json_object *body, const char *pair, struct hn_error *err)
{
	const char *value = strchr(pair, '=');
	struct hn_settings ignored = {0};
	char key[40];

	if (!value)
		return hn_fail(err, -EINVAL, "'%.40s' is not key=value; write key= to unset", pair);
	snprintf(key, sizeof(key), "%.*s", (int)(value - pair), pair);
	value++;
	if (hn_settings_set(&ignored, key, value, err) < 0)
		return -EINVAL;
	if (strcmp(key, hn_setting_name(HN_SETTING_POLICY)) == 0 && *value && !hn_policy_find(value, err))
		return -EINVAL;
	return hn_json_add_string(body, key, *value ? value : NULL) < 0 ? hn_oom(err) : 0;
}

static int make_body(int count, char **pairs, json_object **ret, struct hn_error *err)
{
	HN_AUTO(json) json_object *body = json_object_new_object();

	if (!body)
		return hn_oom(err);
	for (int i = 0; i < count; i++)
		if (add_pair(body, pairs[i], err) < 0)
			return err->code;
	*ret = hn_steal(body);
	return 0;
}

/* The text of a member of an object in the answer; "-" when there is none. */
static const char *text_of(json_object *json, const char *object, const char *key)
{
	json_object *members, *value;

	return json_object_object_get_ex(json, object, &members) &&
			       json_object_object_get_ex(members, key, &value) &&
			       json_object_is_type(value, json_type_string)
		       ? json_object_get_string(value)
		       : "-";
}

static int print_settings(json_object *json, bool colour, struct hn_error *err)
{
	struct hn_table *table;
	json_object *ignored;
	int r = hn_json_get_object(json, "settings", &ignored, err);

	if (r < 0 || (r = hn_json_get_object(json, "sources", &ignored, err)) < 0)
		return hn_error_prefix(err,
				       "homenoded's answer is not understood (is it of another version?)");
	table = hn_table_new(colour);
	hn_table_column(table, "SETTING", false);
	hn_table_column(table, "VALUE", false);
	hn_table_column(table, "FROM", false);
	for (unsigned i = 0; i < HN_SETTING_COUNT; i++) {
		const char *key = hn_setting_name((enum hn_setting)i);

		hn_table_row(table);
		hn_table_cell(table, HN_TONE_PLAIN, "%s", key);
		hn_table_cell(table, HN_TONE_PLAIN, "%s", text_of(json, "settings", key));
		hn_table_cell(table, HN_TONE_FAINT, "%s", text_of(json, "sources", key));
	}
	r = hn_table_print(table, 0, stdout);
	hn_table_free(table);
	return r < 0 ? hn_oom(err) : 0;
}

/* Exit code 2 for what is wrong with the pairs themselves. */
static enum hn_exit run_set(const struct hn_invocation *invocation)
{
	__attribute__((cleanup(hn_cleanup_memory))) char *path = NULL;
	HN_AUTO(json) json_object *body = NULL, *json = NULL;
	struct hn_error err = {0};
	int r;

	if (invocation->argc < 2 || invocation->argv[1][0] == '-') {
		fprintf(stderr, "homenode: set takes a guest, and key=value pairs; homenode set --help lists "
				"the keys\n");
		return HN_EXIT_USAGE;
	}
	r = make_body(invocation->argc - 2, invocation->argv + 2, &body, &err);
	if (r < 0) {
		hn_report_error(&err);
		return r == -EINVAL ? HN_EXIT_USAGE : HN_EXIT_FAILED;
	}
	path = hn_client_guest_path(invocation->client, invocation->argv[1], "/settings");
	r = path ? hn_client_call(invocation->client, path,
				  invocation->argc > 2 ? json_object_to_json_string(body) : NULL, &json, &err)
		 : hn_oom(&err);
	if (r == 0 && invocation->json)
		hn_print_json(invocation, json);
	else if (r == 0)
		r = print_settings(json, invocation->colour, &err);
	return r < 0 ? hn_report_error(&err) : HN_EXIT_OK;
}

const struct hn_command hn_command_set = {
	.name = "set",
	.arguments = "GUEST [KEY=VALUE]...",
	.summary = "a guest's settings and where they come from, or new ones for its domain",
	.options = "KEY= unsets what the domain's metadata says. Keys:\n"
		   "  mode      off, observe, advise (plan only) or enforce\n"
		   "  class     shared, dedicated (a core a vCPU) or realtime\n"
		   "  policy    the placement policy; homenode.conf(5) lists them\n"
		   "  nodes     nodes it may live on, such as 0-1,4, or all\n"
		   "  near      group of guests that want to live near each other, or none\n"
		   "  apart     group of guests no two of which share a node, or none\n"
		   "  window    when a realtime guest may be moved, such as 02:00-04:30 local time, or none\n"
		   "  pins      keep the operator's own pins, or override them\n"
		   "  cpuset    leave its cgroup's memory nodes, or let them follow its home\n"
		   "  persist   yes: pins go into the domain's definition, too; no: only while it runs\n",
	.run = run_set,
};
