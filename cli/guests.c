/*
 * homenode guests - every guest in a line: is anything wrong, and what is being done?
 */
#include "cli/guests.h"

#include <stdio.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/table.h"
#include "cli/words.h"

static void add_guest(struct hn_table *table, const struct hn_report *report)
{
	const struct hn_guest *guest = report->guest;
	char text[600];

	hn_table_row(table);
	hn_table_cell(table, HN_TONE_PLAIN, "%s", guest->name);
	hn_table_cell(table, HN_TONE_PLAIN, "%s", hn_run_state_name(guest->state));
	hn_table_cell(table, HN_TONE_PLAIN, "%s", hn_mode_name(guest->mode));
	hn_table_cell(table, HN_TONE_PLAIN, "%s", hn_class_name(guest->class));
	hn_table_cell(table, HN_TONE_PLAIN, "%d", hn_guest_vcpu_count(guest));
	hn_table_cell(table, HN_TONE_PLAIN, "%s",
		      hn_bytes_format(hn_guest_memory_bytes(guest), text, sizeof(text)));
	hn_table_cell(table, HN_TONE_PLAIN, "%s", hn_say_home(report, text, sizeof(text)));
	if (report->locality_known)
		hn_table_cell(table, hn_tone_of_share(report->locality.value), "%s",
			      hn_say_share(&report->locality, text, sizeof(text)));
	else
		hn_table_cell(table, HN_TONE_FAINT, "-");
	hn_table_cell(table, hn_tone_of_now(report), "%s", hn_say_now(report, text, sizeof(text)));
}

int hn_print_guests(const struct hn_report_list *list, bool colour)
{
	static const struct {
		const char *title;
		bool right;
	} columns[] = {{"GUEST", false}, {"STATE", false}, {"MODE", false}, {"CLASS", false}, {"VCPU", true},
		       {"MEMORY", true}, {"HOME", false},  {"LOCAL", true}, {"NOW", false}};
	struct hn_table *table = hn_table_new(colour);
	int r;

	if (list->count == 0) {
		hn_table_free(table);
		printf("No guests. homenoded looks for QMP sockets in the folders that homenode.conf(5) "
		       "names.\n");
		return 0;
	}
	for (size_t i = 0; i < HN_COUNT(columns); i++)
		hn_table_column(table, columns[i].title, columns[i].right);
	for (size_t i = 0; i < list->count; i++)
		add_guest(table, list->items[i]);
	r = hn_table_print(table, 0, stdout);
	hn_table_free(table);
	return r;
}

static enum hn_exit run_guests(const struct hn_invocation *invocation)
{
	HN_AUTO(json) json_object *json = NULL;
	struct hn_report_list list;
	struct hn_error err = {0};
	int r;

	if (invocation->argc > 1) {
		fprintf(stderr, "homenode: guests takes no arguments; homenode show GUEST shows one\n");
		return HN_EXIT_USAGE;
	}
	if (invocation->json) {
		if (hn_client_call(invocation->client, "/v1/guests", NULL, &json, &err) < 0)
			return hn_report_error(&err);
		hn_print_json(invocation, json);
		return HN_EXIT_OK;
	}
	if (hn_fetch_guests(invocation->client, &list, &err) < 0)
		return hn_report_error(&err);
	r = hn_print_guests(&list, invocation->colour);
	hn_report_list_done(&list);
	if (r < 0) {
		hn_oom(&err);
		return hn_report_error(&err);
	}
	return HN_EXIT_OK;
}

const struct hn_command hn_command_guests = {
	.name = "guests",
	.arguments = "",
	.summary = "every guest in a line: where it lives, how local it is, what is being done",
	.options = "",
	.run = run_guests,
};
