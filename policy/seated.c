#include "policy/seated.h"

/*
 * A guest that was pinned by its operator, or is left alone since it is realtime, was never bound by
 * homenode: its home, if it has any, names CPUs that it does not use, and only its threads tell which it
 * does.
 */

void hn_cores_fill(const struct hn_host *host, struct hn_cores *ret)
{
	ret->host = host;
	hn_set_clear(&ret->common);
	for (size_t cpu = 0; cpu < HN_SET_MAX; cpu++)
		ret->number[cpu] = -1;
	for (size_t i = 0; i < host->cpu_count; i++) {
		if (host->cpus[i].id >= 0 && host->cpus[i].id < HN_SET_MAX)
			ret->number[host->cpus[i].id] = host->cpus[i].core;
		if (!host->cpus[i].isolated)
			hn_set_add(&ret->common, host->cpus[i].id);
	}
}

/* How many cores the CPUs are of, counted until there are more than that; CPUs of none count for nothing. */
static int count_cores(const struct hn_cores *cores, const struct hn_set *cpus, int most)
{
	struct hn_set seen = {0};
	int count = 0;

	HN_SET_FOREACH (cpu, cpus) {
		if (cores->number[cpu] < 0 || hn_set_has(&seen, cores->number[cpu]))
			continue;
		hn_set_add(&seen, cores->number[cpu]);
		if (++count > most)
			break;
	}
	return count;
}

static bool sits(const struct hn_cores *cores, const struct hn_set *allowed, int most)
{
	int count;

	if (hn_set_inside(&cores->common, allowed) && !hn_set_empty(&cores->common))
		return false;
	count = count_cores(cores, allowed, most);
	return count > 0 && count <= most;
}

/* Their siblings, too. */
static void complete_cores(const struct hn_cores *cores, struct hn_set *cpus)
{
	struct hn_set numbers = {0};

	HN_SET_FOREACH (cpu, cpus)
		hn_set_add(&numbers, cores->number[cpu]);
	for (size_t i = 0; i < cores->host->cpu_count; i++)
		if (hn_set_has(&numbers, cores->host->cpus[i].core))
			hn_set_add(cpus, cores->host->cpus[i].id);
}

struct hn_set hn_seated_add(const struct hn_cores *cores, const struct hn_guest_state *state,
			    struct hn_set *owned)
{
	const struct hn_guest *guest = state->guest;
	struct hn_set here = {0}, stay = {0};
	int vcpus = hn_guest_vcpu_count(guest);

	for (size_t i = 0; i < guest->thread_count; i++) {
		const struct hn_set *allowed = state->sample->threads[i].allowed;
		bool meant = guest->threads[i].kept || guest->class == HN_CLASS_REALTIME;

		if (guest->threads[i].kind != HN_THREAD_VCPU || !sits(cores, allowed, meant ? vcpus : 1))
			continue;
		hn_set_or(&here, allowed);
		if (meant)
			hn_set_add(&stay, guest->threads[i].vcpu);
	}
	if (!hn_set_empty(&here))
		complete_cores(cores, &here);
	hn_set_or(owned, &here);
	return stay;
}
