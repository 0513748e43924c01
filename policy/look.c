#include "policy/look.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "policy/cpus.h"
#include "policy/decide.h"

void hn_look_conclude(struct hn_plan *plan, enum hn_verdict verdict, const char *format, ...)
{
	va_list args;

	plan->verdict = verdict;
	va_start(args, format);
	vsnprintf(plan->reason, sizeof(plan->reason), format, args);
	va_end(args);
}

bool hn_look_is_moot(const struct hn_look *look)
{
	const struct hn_guest *guest = look->guest;
	uint64_t present = 0, asked = 0;

	if (guest->mode == HN_MODE_OFF)
		return hn_look_conclude(look->plan, HN_VERDICT_LEFT_ALONE, "its mode is off"), true;
	if (hn_guest_is_untouchable(guest))
		return hn_look_conclude(look->plan, HN_VERDICT_LEFT_ALONE,
					"a realtime guest is left alone while it runs"),
		       true;
	if (guest->state == HN_RUN_INCOMING)
		return hn_look_conclude(look->plan, HN_VERDICT_UNKNOWN,
					"its memory is still arriving by live migration"),
		       true;
	if (guest->cell_count == 0)
		return hn_look_conclude(look->plan, HN_VERDICT_UNKNOWN, "its cells are not known"), true;
	if (!look->sample)
		return hn_look_conclude(look->plan, HN_VERDICT_UNKNOWN, "no sample of its memory yet"), true;
	if (look->snapshot->now_ns > look->sample->taken_ns + look->options->max_age_ns)
		return hn_look_conclude(look->plan, HN_VERDICT_UNKNOWN,
					"the last sample of its memory is too old"),
		       true;
	for (size_t i = 0; i < look->sample->cell_count; i++) {
		present += hn_cell_sample_present(&look->sample->cells[i], look->sample->node_count);
		asked += look->sample->cells[i].sampled - look->sample->cells[i].absent;
	}
	if (asked > 0 && present * 2 < asked)
		return hn_look_conclude(
			       look->plan, HN_VERDICT_UNKNOWN,
			       "the kernel does not say where most of its memory is (kernel NUMA balancing "
			       "hides it)"),
		       true;
	return false;
}

int hn_look_choose_cpus(const struct hn_look *look, struct hn_error *why)
{
	struct hn_error scarce = {0};
	int r;

	if (look->plan->home->vcpu_count > 0 && look->guest->class != HN_CLASS_SHARED)
		return 0;
	hn_placement_set_vcpus(look->plan->home, 0);
	hn_set_clear(&look->plan->home->other_cpus);
	r = hn_cpus_choose(look->snapshot, look->index, look->plan->home, &scarce);
	if (r == -ENOSPC) {
		hn_placement_set_vcpus(look->plan->home, 0);
		r = hn_plan_add_note(look->plan, "no CPUs of its own: %.200s", scarce.message);
	}
	return r < 0 ? hn_oom(why) : 0;
}
