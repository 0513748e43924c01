#include "policy/conditions.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "policy/locality.h"
#include "policy/price.h"

#define HOME_SHARE 0.99 /* of accesses that are local: at home */

struct look {
	const struct hn_snapshot *snapshot;
	size_t index;
	const struct hn_guest *guest;
	const struct hn_sample *sample; /* NULL: none that fits */
	struct hn_set vcpu_cpus;
	struct hn_checkup *ret;
};

static bool is_realtime(const struct look *look)
{
	return look->guest->class == HN_CLASS_REALTIME;
}

static enum hn_finding_verdict bad(const struct look *look)
{
	return is_realtime(look) ? HN_FINDING_FAIL : HN_FINDING_WARNING;
}

static const char *list(const struct hn_set *set, char text[80])
{
	return hn_set_format(set, text, 80);
}

/* Appends to a sentence, cut where it would be too long. */
__attribute__((format(printf, 3, 4))) static void say(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + used, size - used, format, arguments);
	va_end(arguments);
}

struct hn_set hn_vcpu_cpus(const struct hn_guest *guest, const struct hn_sample *sample)
{
	struct hn_set cpus = {0};

	for (size_t i = 0; sample && i < sample->thread_count && i < guest->thread_count; i++)
		if (guest->threads[i].kind == HN_THREAD_VCPU)
			hn_set_or(&cpus, sample->threads[i].allowed);
	return cpus;
}

bool hn_is_passed_by_balancing(const struct hn_guest *guest)
{
	for (size_t i = 0; i < guest->backend_count; i++)
		if (strcmp(guest->backends[i].policy, "bind") != 0 &&
		    guest->backends[i].backing != HN_BACKING_HUGETLB)
			return false;
	return guest->backend_count > 0;
}

static const struct hn_cpu *cpu_of(const struct hn_host *host, int id)
{
	for (size_t i = 0; i < host->cpu_count; i++)
		if (host->cpus[i].id == id)
			return &host->cpus[i];
	return NULL;
}

/* All CPUs of the cores that these CPUs belong to. */
static struct hn_set whole_cores(const struct hn_host *host, const struct hn_set *cpus)
{
	struct hn_set whole = {0};

	HN_SET_FOREACH (id, cpus) {
		const struct hn_cpu *cpu = cpu_of(host, id);

		for (size_t i = 0; cpu && i < host->cpu_count; i++)
			if (host->cpus[i].core == cpu->core)
				hn_set_add(&whole, host->cpus[i].id);
	}
	return whole;
}

static bool is_one_core(const struct hn_host *host, const struct hn_set *cpus)
{
	struct hn_set first = hn_set_of(hn_set_next(cpus, 0)), core;

	if (hn_set_empty(cpus))
		return false;
	core = whole_cores(host, &first);
	return hn_set_inside(cpus, &core);
}

/* vCPUs that do not have a core of their own within the guest. */
static struct hn_set crowded_vcpus(const struct look *look)
{
	const struct hn_host *host = look->snapshot->host;
	struct hn_set crowded = {0}, taken = {0};

	for (size_t i = 0; i < look->guest->thread_count; i++) {
		const struct hn_set *allowed = look->sample->threads[i].allowed;
		struct hn_set core = whole_cores(host, allowed), both = taken;

		if (look->guest->threads[i].kind != HN_THREAD_VCPU)
			continue;
		hn_set_and(&both, &core);
		if (!is_one_core(host, allowed) || !hn_set_empty(&both))
			hn_set_add(&crowded, look->guest->threads[i].vcpu);
		hn_set_or(&taken, &core);
	}
	return crowded;
}

/* Another guest that may run on these CPUs, or NULL. */
static const struct hn_guest *intruder_on(const struct look *look, const struct hn_set *cpus)
{
	for (size_t i = 0; i < look->snapshot->guest_count; i++) {
		const struct hn_guest_state *other = &look->snapshot->guests[i];

		for (size_t j = 0; i != look->index && other->sample && j < other->sample->thread_count;
		     j++) {
			struct hn_set both = *other->sample->threads[j].allowed;

			hn_set_and(&both, cpus);
			if (!hn_set_empty(&both))
				return other->guest;
		}
	}
	return NULL;
}

static void check_cores(const struct look *look)
{
	struct hn_set cores = whole_cores(look->snapshot->host, &look->vcpu_cpus);
	struct hn_set crowded = crowded_vcpus(look);
	const struct hn_guest *intruder = intruder_on(look, &cores);
	char text[80];

	if (!hn_set_empty(&crowded))
		hn_finding_mend(hn_checkup_put(look->ret, HN_CHECK_VCPU_CORES, bad(look),
					       "vCPUs %s have no core of their own", list(&crowded, text)),
				"start it with a <vcpupin> for each vCPU, as homenode xml writes them");
	else if (intruder)
		hn_finding_mend(hn_checkup_put(look->ret, HN_CHECK_VCPU_CORES, bad(look),
					       "guest '%.60s' may run on its cores (CPUs %s)", intruder->name,
					       list(&cores, text)),
				"homenode rebalance %.60s, or pin it elsewhere", intruder->name);
	else
		hn_checkup_put(look->ret, HN_CHECK_VCPU_CORES, HN_FINDING_OK,
			       "each has a core of its own, and no other guest may run there");
}

static struct hn_set isolated_cpus(const struct hn_host *host)
{
	struct hn_set cpus = {0};

	for (size_t i = 0; i < host->cpu_count; i++)
		if (host->cpus[i].isolated)
			hn_set_add(&cpus, host->cpus[i].id);
	return cpus;
}

static void check_isolation(const struct look *look)
{
	struct hn_set isolated = isolated_cpus(look->snapshot->host), left = look->vcpu_cpus;
	char text[80];

	hn_set_subtract(&left, &isolated);
	if (hn_set_empty(&left))
		hn_checkup_put(look->ret, HN_CHECK_VCPU_ISOLATION, HN_FINDING_OK, "CPUs %s are isolated",
			       list(&look->vcpu_cpus, text));
	else
		hn_finding_mend(
			hn_checkup_put(look->ret, HN_CHECK_VCPU_ISOLATION, HN_FINDING_FAIL,
				       "its vCPUs may run on CPUs %s, which are not isolated",
				       list(&left, text)),
			hn_set_empty(&isolated)
				? "isolcpus= on the kernel's command line, and start it anew"
				: "start it with its vCPUs pinned to isolated CPUs, as homenode xml writes "
				  "them");
}

static void check_scheduler(const struct look *look)
{
	struct hn_set without = {0};
	char text[80];

	for (size_t i = 0; i < look->guest->thread_count; i++)
		if (look->guest->threads[i].kind == HN_THREAD_VCPU &&
		    look->sample->threads[i].scheduler == HN_SCHEDULER_OTHER)
			hn_set_add(&without, look->guest->threads[i].vcpu);
	if (hn_set_empty(&without))
		hn_checkup_put(look->ret, HN_CHECK_VCPU_SCHEDULER, HN_FINDING_OK, "all are realtime threads");
	else
		hn_finding_mend(
			hn_checkup_put(look->ret, HN_CHECK_VCPU_SCHEDULER, HN_FINDING_FAIL,
				       "vCPUs %s are ordinary threads", list(&without, text)),
			"<vcpusched vcpus='%s' scheduler='fifo' priority='1'/> in <cputune> of the domain",
			list(&without, text));
}

static void check_emulator(const struct look *look)
{
	struct hn_set isolated = isolated_cpus(look->snapshot->host), others = {0}, both;
	char text[80];

	for (size_t i = 0; i < look->guest->thread_count; i++)
		if (look->guest->threads[i].kind != HN_THREAD_VCPU)
			hn_set_or(&others, look->sample->threads[i].allowed);
	both = look->vcpu_cpus;
	if (is_realtime(look))
		hn_set_or(&both, &isolated);
	hn_set_and(&both, &others);
	if (hn_set_empty(&both))
		hn_checkup_put(look->ret, HN_CHECK_EMULATOR_CPUS, HN_FINDING_OK, "they are on CPUs %s",
			       list(&others, text));
	else
		hn_finding_mend(
			hn_checkup_put(look->ret, HN_CHECK_EMULATOR_CPUS, bad(look),
				       "they may run on CPUs %s, which are for vCPUs", list(&both, text)),
			"start it with <emulatorpin> and <iothreadpin> on housekeeping CPUs of its node, "
			"as homenode xml writes them");
}

static void check_nodes(const struct look *look)
{
	const char *name = look->guest->name;
	struct hn_interval locality;

	if (!hn_locality_of_guest(look->guest, look->sample, &locality))
		hn_checkup_put(look->ret, HN_CHECK_GUEST_NODES, HN_FINDING_UNKNOWN,
			       "none of its memory has been seen");
	else if (locality.value >= HOME_SHARE)
		hn_checkup_put(look->ret, HN_CHECK_GUEST_NODES, HN_FINDING_OK,
			       "%.0f %% of its accesses are local", 100 * locality.value);
	else if (is_realtime(look))
		hn_finding_mend(hn_checkup_put(look->ret, HN_CHECK_GUEST_NODES, HN_FINDING_FAIL,
					       "%.0f %% of its accesses are local", 100 * locality.value),
				"homenode window %.60s --for 60s, then homenode rebalance %.60s", name, name);
	else
		hn_finding_mend(hn_checkup_put(look->ret, HN_CHECK_GUEST_NODES, HN_FINDING_WARNING,
					       "%.0f %% of its accesses are local", 100 * locality.value),
				"homenode rebalance %.60s", name);
}

static void check_devices(const struct look *look, const struct hn_device_place *devices, size_t count)
{
	char far[200] = "";

	for (size_t i = 0; i < count; i++)
		if (devices[i].far)
			say(far, sizeof(far), "%s%s on node %d", *far ? ", " : "", devices[i].name,
			    devices[i].node);
	if (*far)
		hn_finding_mend(
			hn_checkup_put(look->ret, HN_CHECK_DEVICES_NEAR, bad(look), "far: %s", far),
			"set nodes of the guest (homenode set %.60s nodes=...), or give it a device of its "
			"node",
			look->guest->name);
	else
		hn_checkup_put(look->ret, HN_CHECK_DEVICES_NEAR, HN_FINDING_OK,
			       count ? "none is far" : "it uses none that is known");
}

static bool is_all_hugetlb(const struct hn_guest *guest)
{
	for (size_t i = 0; i < guest->backend_count; i++)
		if (guest->backends[i].backing != HN_BACKING_HUGETLB)
			return false;
	return guest->backend_count > 0;
}

/* Of the memory that was looked at: what is in huge pages. */
static bool huge_share(const struct hn_guest *guest, double *ret)
{
	double huge = 0, all = 0;

	for (size_t i = 0; i < guest->backend_count; i++) {
		const struct hn_backend *backend = &guest->backends[i];

		if (!backend->looked_inside)
			continue;
		huge += backend->huge_share * (double)backend->bytes;
		all += (double)backend->bytes;
	}
	*ret = all > 0 ? huge / all : 0;
	return all > 0;
}

static void check_pages(const struct look *look)
{
	double share;

	if (is_all_hugetlb(look->guest))
		hn_checkup_put(look->ret, HN_CHECK_MEMORY_PAGES, HN_FINDING_OK, "all are of a pool");
	else if (is_realtime(look))
		hn_finding_mend(hn_checkup_put(look->ret, HN_CHECK_MEMORY_PAGES, HN_FINDING_FAIL,
					       "its memory is not of a pool of huge pages"),
				"<memoryBacking><hugepages/></memoryBacking> in the domain");
	else if (!huge_share(look->guest, &share))
		hn_checkup_put(look->ret, HN_CHECK_MEMORY_PAGES, HN_FINDING_UNKNOWN,
			       "its pages have not been seen");
	else if (share >= 0.5)
		hn_checkup_put(look->ret, HN_CHECK_MEMORY_PAGES, HN_FINDING_OK,
			       "%.0f %% of what was looked at are huge pages", 100 * share);
	else
		hn_finding_mend(
			hn_checkup_put(look->ret, HN_CHECK_MEMORY_PAGES, HN_FINDING_NOTE,
				       "%.0f %% of what was looked at are huge pages", 100 * share),
			"echo madvise > /sys/kernel/mm/transparent_hugepage/enabled, or a pool of huge "
			"pages");
}

static void check_there(const struct look *look)
{
	uint64_t absent = 0, sampled = 0;

	for (size_t i = 0; i < look->sample->cell_count; i++) {
		absent += look->sample->cells[i].absent;
		sampled += look->sample->cells[i].sampled;
	}
	if (sampled == 0)
		hn_checkup_put(look->ret, HN_CHECK_MEMORY_THERE, HN_FINDING_UNKNOWN,
			       "none of its memory has been seen");
	else if (absent == 0)
		hn_checkup_put(look->ret, HN_CHECK_MEMORY_THERE, HN_FINDING_OK, "all of it is there");
	else
		hn_finding_mend(
			hn_checkup_put(look->ret, HN_CHECK_MEMORY_THERE, HN_FINDING_FAIL,
				       "%.1f %% of it was never touched",
				       100 * (double)absent / (double)sampled),
			"<memoryBacking><allocation mode='immediate'/></memoryBacking> in the domain, or "
			"prealloc=on");
}

static void check_locked(const struct look *look)
{
	const struct hn_hold *hold = &look->guest->hold;
	uint64_t needed = hn_guest_memory_bytes(look->guest);
	char locked[HN_UNITS_TEXT_MAX], all[HN_UNITS_TEXT_MAX];

	if (is_all_hugetlb(look->guest))
		hn_checkup_put(look->ret, HN_CHECK_MEMORY_LOCKED, HN_FINDING_OK,
			       "pages of a pool are never swapped");
	else if (!hold->known)
		hn_checkup_put(look->ret, HN_CHECK_MEMORY_LOCKED, HN_FINDING_UNKNOWN,
			       "its process has not been looked at");
	else if (hold->locked_bytes >= needed)
		hn_checkup_put(look->ret, HN_CHECK_MEMORY_LOCKED, HN_FINDING_OK, "%s are locked",
			       hn_bytes_format(hold->locked_bytes, locked, sizeof(locked)));
	else
		hn_finding_mend(hn_checkup_put(look->ret, HN_CHECK_MEMORY_LOCKED, HN_FINDING_FAIL,
					       "%s of %s are locked",
					       hn_bytes_format(hold->locked_bytes, locked, sizeof(locked)),
					       hn_bytes_format(needed, all, sizeof(all))),
				"<memoryBacking><locked/></memoryBacking> in the domain, or -overcommit "
				"mem-lock=on");
}

static void suggest_longer_gap(const struct look *look, struct hn_finding *finding)
{
	uint64_t page_bytes = 0;
	char page[HN_UNITS_TEXT_MAX], gap[HN_UNITS_TEXT_MAX];
	double seconds;

	for (size_t i = 0; i < look->guest->backend_count; i++) {
		const struct hn_backend *backend = &look->guest->backends[i];

		if (backend->movability == HN_IMMOVABLE_LARGE_PAGES && backend->page_bytes > page_bytes)
			page_bytes = backend->page_bytes;
	}
	seconds = hn_price_page_gap(&look->snapshot->calibration, page_bytes);
	hn_finding_mend(finding,
			"to copy one page of %s takes some %s; 'longest_gap' under [moves] in homenode.conf "
			"allows that",
			hn_bytes_format(page_bytes, page, sizeof(page)),
			hn_duration_format((uint64_t)(seconds * (double)HN_NS_PER_S), gap, sizeof(gap)));
}

static void check_moves(const struct look *look)
{
	unsigned stuck[HN_MOVABILITY_COUNT] = {0}, all = 0;
	char text[200] = "", pins[120];
	struct hn_finding *finding;

	for (size_t i = 0; i < look->guest->backend_count; i++) {
		stuck[look->guest->backends[i].movability]++;
		all += look->guest->backends[i].movability != HN_MOVABLE;
	}
	if (all == 0) {
		hn_checkup_put(look->ret, HN_CHECK_MEMORY_MOVES, HN_FINDING_OK, "all of it can be moved");
		return;
	}
	for (unsigned i = HN_MOVABLE + 1; i < HN_MOVABILITY_COUNT; i++)
		if (stuck[i])
			say(text, sizeof(text), "%s%u of %zu pieces %s", *text ? ", " : "", stuck[i],
			    look->guest->backend_count, hn_movability_name((enum hn_movability)i));
	hn_pins_format(look->guest->hold.pins, pins, sizeof(pins));
	finding = hn_checkup_put(look->ret, HN_CHECK_MEMORY_MOVES, HN_FINDING_NOTE,
				 "%s%s%s: its vCPUs go to where it is", text, *pins ? " by " : "", pins);
	if (stuck[HN_IMMOVABLE_LARGE_PAGES])
		suggest_longer_gap(look, finding);
}

/* Nobody has seen its threads and pages yet. */
static void put_unseen(const struct look *look)
{
	static const enum hn_check unseen[] = {HN_CHECK_VCPU_CORES,     HN_CHECK_VCPU_ISOLATION,
					       HN_CHECK_VCPU_SCHEDULER, HN_CHECK_EMULATOR_CPUS,
					       HN_CHECK_GUEST_NODES,    HN_CHECK_MEMORY_THERE};

	for (size_t i = 0; i < HN_COUNT(unseen); i++)
		if (is_realtime(look) || unseen[i] == HN_CHECK_GUEST_NODES)
			hn_checkup_put(look->ret, unseen[i], HN_FINDING_UNKNOWN,
				       "it has not been looked at yet");
}

void hn_conditions_examine(const struct hn_snapshot *snapshot, size_t index,
			   const struct hn_device_place *devices, size_t device_count, struct hn_checkup *ret)
{
	const struct hn_guest_state *state = &snapshot->guests[index];
	struct look look = {.snapshot = snapshot, .index = index, .guest = state->guest, .ret = ret};

	if (state->sample && state->sample->thread_count == state->guest->thread_count)
		look.sample = state->sample;
	look.vcpu_cpus = hn_vcpu_cpus(look.guest, look.sample);
	if (!look.sample) {
		put_unseen(&look);
	} else {
		if (look.guest->class != HN_CLASS_SHARED) {
			check_cores(&look);
			check_emulator(&look);
		}
		if (is_realtime(&look)) {
			check_isolation(&look);
			check_scheduler(&look);
			check_there(&look);
		}
		check_nodes(&look);
	}
	if (is_realtime(&look))
		check_locked(&look);
	check_devices(&look, devices, device_count);
	check_pages(&look);
	check_moves(&look);
}
