#include "cli/explanation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cli/table.h"

static const char *const part_titles[HN_COST_PARTS] = {
	"remote", "vCPUs beyond CPUs", "MiB/s beyond bandwidth", "fragmentation", "MiB to migrate"};

/* How far from the best it may be, by the first part that is not proven. */
static void print_proof(const struct hn_explanation *explanation)
{
	if (explanation->proven) {
		printf("; proven best\n\n");
		return;
	}
	for (size_t i = 0; i < HN_COST_PARTS; i++) {
		if (explanation->cost.parts[i] <= explanation->bound.parts[i])
			continue;
		printf("; not proven best: no placement has less than %s %llu\n\n", part_titles[i],
		       (unsigned long long)explanation->bound.parts[i]);
		return;
	}
	printf("; not proven best\n\n");
}

static void print_cost(const struct hn_explanation *explanation)
{
	printf("  cost: ");
	for (size_t i = 0; i < HN_COST_PARTS; i++)
		printf("%s%s %llu", i ? ", " : "", part_titles[i],
		       (unsigned long long)explanation->cost.parts[i]);
	print_proof(explanation);
}

static enum hn_tone tone_of(enum hn_choice_kind kind)
{
	static const enum hn_tone tones[HN_CHOICE_KIND_COUNT] = {
		[HN_CHOICE_CHOSEN] = HN_TONE_GOOD,    [HN_CHOICE_EQUAL] = HN_TONE_PLAIN,
		[HN_CHOICE_WORSE] = HN_TONE_MIDDLING, [HN_CHOICE_BETTER] = HN_TONE_MIDDLING,
		[HN_CHOICE_REFUSED] = HN_TONE_BAD,
	};

	return tones[kind];
}

/* A row for all nodes of which the same is to be said, in the order of the first of them. */
static void add_cell(struct hn_table *table, const struct hn_cell_explanation *cell, size_t node_count)
{
	for (size_t i = 0; i < node_count; i++) {
		const struct hn_choice *choice = &cell->choices[i];
		struct hn_set nodes = hn_set_of(choice->node);
		char text[128];
		bool said = false;

		for (size_t j = 0; j < node_count; j++) {
			bool same = strcmp(cell->choices[j].sentence, choice->sentence) == 0;

			said = said || (same && j < i);
			if (same)
				hn_set_add(&nodes, cell->choices[j].node);
		}
		if (said)
			continue;
		hn_table_row(table);
		hn_table_cell(table, HN_TONE_PLAIN, "%d", cell->cell);
		hn_table_cell(table, HN_TONE_PLAIN, "%s", hn_set_format(&nodes, text, sizeof(text)));
		hn_table_cell(table, tone_of(choice->kind), "%s", choice->sentence);
	}
}

int hn_print_explanation(const struct hn_explanation *explanation, bool colour)
{
	struct hn_table *table = hn_table_new(colour);
	int r;

	printf("%s: %s\n", explanation->guest, explanation->sentence);
	if (explanation->fits)
		print_cost(explanation);
	else
		putchar('\n');
	hn_table_column(table, "CELL", true);
	hn_table_column(table, "NODE", false);
	hn_table_column(table, "WHY", false);
	for (size_t cell = 0; cell < explanation->cell_count; cell++)
		add_cell(table, &explanation->cells[cell], explanation->node_count);
	r = hn_table_print(table, 2, stdout);
	hn_table_free(table);
	return r;
}

void hn_print_plan(const struct hn_plan *plan)
{
	printf("%s: %s\n", hn_verdict_name(plan->verdict), plan->reason);
	for (size_t i = 0; i < plan->action_count; i++) {
		const struct hn_action *action = &plan->actions[i];
		char text[128];

		if (action->kind == HN_ACTION_BIND)
			printf("  bind thread %d to CPUs %s: %s\n", action->tid,
			       hn_set_format(&action->cpus, text, sizeof(text)), action->reason);
		else
			printf("  migrate cell %d to node %d: %s\n", action->cell, action->to_node,
			       action->reason);
	}
	for (size_t i = 0; i < plan->note_count; i++)
		printf("  note: %s\n", plan->notes[i]);
}
