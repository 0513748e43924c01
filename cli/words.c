#include "cli/words.h"

#include <langinfo.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

const char *hn_say_share(const struct hn_interval *share, char *buffer, size_t size)
{
	double half = 100 * (share->high - share->low) / 2;

	if (half > 1)
		snprintf(buffer, size, "%.0f %s%.0f %%", 100 * share->value,
			 strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? "±" : "+-", half);
	else if (share->value > 0 && share->value < 0.005)
		snprintf(buffer, size, "<1 %%");
	else if (share->value < 1 && share->value >= 0.995)
		snprintf(buffer, size, ">99 %%");
	else
		snprintf(buffer, size, "%.0f %%", 100 * share->value);
	return buffer;
}

enum hn_tone hn_tone_of_share(double share)
{
	return share >= 0.95 ? HN_TONE_GOOD : share >= 0.75 ? HN_TONE_MIDDLING : HN_TONE_BAD;
}

const char *hn_say_home(const struct hn_report *report, char *buffer, size_t size)
{
	struct hn_set nodes;

	if (!report->home || report->guest->mode < HN_MODE_ADVISE) {
		snprintf(buffer, size, "-");
		return buffer;
	}
	nodes = hn_placement_nodes(report->home);
	return hn_set_format(&nodes, buffer, size);
}

const char *hn_say_bar(double share, unsigned width, char *buffer, size_t size)
{
	unsigned full = (unsigned)lround(fmin(1, fmax(0, share)) * width), used = 0;

	if (size < width + 3) {
		snprintf(buffer, size, "[]");
		return buffer;
	}
	buffer[used++] = '[';
	for (unsigned i = 0; i < width; i++)
		buffer[used++] = i < full ? '#' : '-';
	buffer[used++] = ']';
	buffer[used] = '\0';
	return buffer;
}

const char *hn_say_left(const struct hn_operation *operation, char *buffer, size_t size)
{
	double rate =
		operation->elapsed_ns ? (double)operation->moved_bytes / (double)operation->elapsed_ns : 0;
	char text[HN_UNITS_TEXT_MAX];

	*buffer = '\0';
	if (rate > 0 && operation->moved_bytes < operation->to_move_bytes &&
	    operation->elapsed_ns > HN_NS_PER_S / 2)
		snprintf(buffer, size, "%s left",
			 hn_duration_format(
				 (uint64_t)ceil((double)(operation->to_move_bytes - operation->moved_bytes) /
						rate / 1e9) *
					 HN_NS_PER_S,
				 text, sizeof(text)));
	return buffer;
}

static void say_operation(const struct hn_operation *operation, char *buffer, size_t size)
{
	char bytes[HN_UNITS_TEXT_MAX], bar[32], left[HN_UNITS_TEXT_MAX + 8];
	double share = operation->to_move_bytes
			       ? (double)operation->moved_bytes / (double)operation->to_move_bytes
			       : 0;

	if (operation->message[0])
		snprintf(buffer, size, "%s", operation->message);
	else if (operation->to_node < 0)
		snprintf(buffer, size, "binding threads");
	else
		snprintf(buffer, size, "moving %s to node %d  %s %.0f %%  %s",
			 hn_bytes_format(operation->to_move_bytes, bytes, sizeof(bytes)), operation->to_node,
			 hn_say_bar(share, 10, bar, sizeof(bar)), 100 * fmin(1, share),
			 hn_say_left(operation, left, sizeof(left)));
}

const char *hn_say_now(const struct hn_report *report, char *buffer, size_t size)
{
	const struct hn_plan *plan = report->plan;

	if (report->problem[0])
		snprintf(buffer, size, "%s", report->problem);
	else if (report->guest->mode == HN_MODE_OFF)
		snprintf(buffer, size, "not looked at (mode off)");
	else if (report->operation.state == HN_OPERATION_RUNNING)
		say_operation(&report->operation, buffer, size);
	else if (!plan)
		snprintf(buffer, size, "first look to come");
	else if (plan->verdict == HN_VERDICT_AT_HOME)
		snprintf(buffer, size, "%s",
			 report->guest->mode >= HN_MODE_ADVISE ? "at home" : "good as it is");
	else if (plan->verdict == HN_VERDICT_BLOCKED || plan->verdict == HN_VERDICT_UNKNOWN)
		snprintf(buffer, size, "%s: %s", hn_verdict_name(plan->verdict), plan->reason);
	else if (plan->verdict == HN_VERDICT_LEFT_ALONE)
		snprintf(buffer, size, "left alone: %s", plan->reason);
	else if (report->guest->mode == HN_MODE_OBSERVE)
		snprintf(buffer, size, "could be better; see homenode show %s", report->guest->name);
	else if (report->guest->mode == HN_MODE_ADVISE)
		snprintf(buffer, size, "advice: %s", plan->reason);
	else
		snprintf(buffer, size, "%s: %s", hn_verdict_name(plan->verdict), plan->reason);
	return buffer;
}

enum hn_tone hn_tone_of_now(const struct hn_report *report)
{
	if (report->problem[0])
		return HN_TONE_BAD;
	if (report->operation.state == HN_OPERATION_RUNNING)
		return HN_TONE_MIDDLING;
	if (report->plan && report->plan->verdict == HN_VERDICT_BLOCKED)
		return HN_TONE_BAD;
	return HN_TONE_PLAIN;
}

const char *hn_say_thread(const struct hn_thread *thread, char *buffer, size_t size)
{
	const char *kind = hn_thread_kind_name(thread->kind), *name = thread->name;

	if (strncmp(name, "IO ", 3) == 0)
		name += 3;
	if (thread->kind == HN_THREAD_VCPU)
		snprintf(buffer, size, "vCPU %d", thread->vcpu);
	else if (strncmp(name, kind, strlen(kind)) == 0)
		snprintf(buffer, size, "%s", name);
	else
		snprintf(buffer, size, "%s%s%s", kind, *name ? " " : "", name);
	return buffer;
}

const char *hn_say_residency(const struct hn_host *host, const struct hn_thread_sample *thread, char *buffer,
			     size_t size)
{
	size_t used = 0;

	snprintf(buffer, size, "-");
	for (size_t node = 0; node < host->node_count && used < size; node++)
		if (thread->residency[node] >= 0.005)
			used += (size_t)snprintf(buffer + used, size - used, "%s%d: %.0f %%",
						 used ? "  " : "", host->nodes[node].id,
						 100 * thread->residency[node]);
	return buffer;
}
