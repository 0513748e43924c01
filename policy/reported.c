/*
 * Reports are doubted before they are used: first whether there is anything to compare, then the times, which
 * are the host's, then whether counters only grow, then whether they grow no faster than the vCPUs can have
 * made them, and last whether they agree with each other. Anything that fails rejects the pair as a whole: an
 * agent that is wrong in one place is not believed in another.
 */
#include "policy/reported.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

struct pair {
	const struct hn_guest *guest;
	const struct hn_reported *earlier, *later;
	uint64_t now_ns;
	double vcpu_seconds; /* that its vCPUs can have run for between the two */
	struct hn_access *access;
};

/* Returns false, for the callers to return. */
__attribute__((format(printf, 3, 4))) static bool doubt(struct pair *pair, enum hn_doubt what,
							const char *format, ...)
{
	va_list args;

	pair->access->doubt = what;
	va_start(args, format);
	vsnprintf(pair->access->reason, sizeof(pair->access->reason), format, args);
	va_end(args);
	return false;
}

static bool tells_nodes(const struct hn_reported *reported)
{
	for (size_t i = 0; i < reported->node_count; i++)
		if (reported->nodes[i].hit != HN_REPORTED_UNKNOWN)
			return true;
	return false;
}

static bool tells_faults(const struct hn_reported *reported)
{
	return reported->hint_faults != HN_REPORTED_UNKNOWN &&
	       reported->hint_faults_local != HN_REPORTED_UNKNOWN;
}

static bool is_there_anything(struct pair *pair)
{
	if (!tells_nodes(pair->later) && !tells_faults(pair->later))
		return doubt(pair, HN_DOUBT_SILENT, "the guest tells nothing of its NUMA nodes");
	if (!pair->earlier)
		return doubt(pair, HN_DOUBT_ALONE, "the guest has been asked only once");
	if (!(tells_nodes(pair->later) && tells_nodes(pair->earlier)) &&
	    !(tells_faults(pair->later) && tells_faults(pair->earlier)))
		return doubt(pair, HN_DOUBT_SILENT, "the guest tells other counters than the time before");
	return true;
}

static bool is_in_time(struct pair *pair)
{
	const struct hn_reported *earlier = pair->earlier, *later = pair->later;
	uint64_t span = later->taken_ns > earlier->taken_ns ? later->taken_ns - earlier->taken_ns : 0;

	pair->access->span_ns = span;
	if (span < HN_REPORTED_SPAN_LEAST_NS)
		return doubt(pair, HN_DOUBT_LATE, "the guest was asked twice within half a second");
	if (span > HN_REPORTED_SPAN_MOST_NS)
		return doubt(pair, HN_DOUBT_LATE, "the guest's last but one answer is %.1f h older",
			     (double)span / 3.6e12);
	if (later->taken_ns - later->started_ns > span / 4 ||
	    earlier->taken_ns - earlier->started_ns > span / 4)
		return doubt(pair, HN_DOUBT_LATE, "the guest took %.1f s to answer, too long for %.1f s",
			     fmax((double)(later->taken_ns - later->started_ns),
				  (double)(earlier->taken_ns - earlier->started_ns)) /
				     1e9,
			     (double)span / 1e9);
	return true;
}

/* What the host has measured, and what may have been added since; never more than all vCPUs all the time. */
static double vcpu_seconds(const struct pair *pair)
{
	const struct hn_reported *earlier = pair->earlier, *later = pair->later;
	double vcpus = fmax(1, hn_guest_vcpu_count(pair->guest));
	double most = vcpus * (double)(later->taken_ns - earlier->started_ns) / 1e9, measured;

	if (!earlier->vcpu_taken_ns || !later->vcpu_taken_ns || later->vcpu_ns < earlier->vcpu_ns ||
	    later->taken_ns < later->vcpu_taken_ns)
		return most;
	measured = (double)(later->vcpu_ns - earlier->vcpu_ns) / 1e9 +
		   vcpus * (double)(later->taken_ns - later->vcpu_taken_ns) / 1e9;
	return fmin(most, measured);
}

/* A counter has not gone back, and not ahead by more than a second's worth for every vCPU second. */
static bool has_grown(struct pair *pair, const char *what, uint64_t before, uint64_t after, double per_second)
{
	if (after < before && before <= UINT32_MAX && before > UINT32_MAX / 4 * 3 && after < UINT32_MAX / 4)
		return doubt(pair, HN_DOUBT_WRAPPED, "%s has begun anew after 2^32", what);
	if (after < before)
		return doubt(pair, HN_DOUBT_BACKWARDS,
			     "%s was %.6g and is %.6g: the guest has booted, or is wrong", what,
			     (double)before, (double)after);
	if ((double)(after - before) > per_second * pair->vcpu_seconds)
		return doubt(pair, HN_DOUBT_ABSURD, "%s grew by %.3g within %.3g s of vCPU time", what,
			     (double)(after - before), pair->vcpu_seconds);
	return true;
}

struct node_pair {
	const struct hn_reported_node *before, *after;
};

static struct node_pair node_pair(const struct pair *pair, size_t cell)
{
	int id = pair->guest->cells[cell].id;

	return (struct node_pair){hn_reported_find_node(pair->earlier, id),
				  hn_reported_find_node(pair->later, id)};
}

static bool is_counted(struct node_pair nodes)
{
	return nodes.before && nodes.after && nodes.before->hit != HN_REPORTED_UNKNOWN &&
	       nodes.after->hit != HN_REPORTED_UNKNOWN;
}

/* A cell without memory is no node that has counters. */
static bool are_nodes_cells(struct pair *pair)
{
	for (size_t i = 0; i < pair->guest->cell_count; i++)
		if (pair->guest->cells[i].memory_bytes > 0 && !is_counted(node_pair(pair, i)))
			return doubt(pair, HN_DOUBT_NODES, "the guest tells nothing of node %d",
				     pair->guest->cells[i].id);
	for (size_t i = 0; i < pair->later->node_count; i++)
		if (hn_guest_cell_index(pair->guest, pair->later->nodes[i].node) < 0)
			return doubt(pair, HN_DOUBT_NODES,
				     "the guest tells of node %d, which it has not been given",
				     pair->later->nodes[i].node);
	return true;
}

/* Of the memory that the cell has its kernel keeps some for itself. */
static bool is_memory_possible(struct pair *pair)
{
	for (size_t i = 0; i < pair->guest->cell_count; i++) {
		const struct hn_cell *cell = &pair->guest->cells[i];
		const struct hn_reported_node *node = hn_reported_find_node(pair->later, cell->id);

		if (node && node->total_bytes != HN_REPORTED_UNKNOWN &&
		    node->total_bytes > cell->memory_bytes)
			return doubt(pair, HN_DOUBT_NODES,
				     "the guest tells of %.4g MiB on node %d, which has %.4g MiB",
				     (double)node->total_bytes / 1048576, cell->id,
				     (double)cell->memory_bytes / 1048576);
	}
	return true;
}

static bool has_node_grown(struct pair *pair, struct node_pair nodes)
{
	const struct hn_reported_node *before = nodes.before, *after = nodes.after;
	const struct {
		const char *name;
		uint64_t before, after;
	} counters[] = {
		{"numa_hit", before->hit, after->hit},
		{"numa_miss", before->miss, after->miss},
		{"numa_foreign", before->foreign, after->foreign},
		{"interleave_hit", before->interleave, after->interleave},
		{"local_node", before->local, after->local},
		{"other_node", before->other, after->other},
	};
	char what[48];

	for (size_t i = 0; i < HN_COUNT(counters); i++) {
		snprintf(what, sizeof(what), "%s of node %d", counters[i].name, after->node);
		if (!has_grown(pair, what, counters[i].before, counters[i].after, HN_PAGES_PER_VCPU_SECOND))
			return false;
	}
	return true;
}

/*
 * Each allocation is either wanted here or not, and either by a CPU of here or not: both pairs have the same
 * sum. They are read one after the other while they grow, and gathered from the CPUs now and then, so a few
 * per cent and some thousands of difference are no lie.
 */
static bool does_node_add_up(struct pair *pair, struct node_pair nodes)
{
	double wanted = (double)(nodes.after->hit - nodes.before->hit) +
			(double)(nodes.after->miss - nodes.before->miss),
	       made = (double)(nodes.after->local - nodes.before->local) +
		      (double)(nodes.after->other - nodes.before->other);

	if (fabs(wanted - made) > 0.05 * fmax(wanted, made) + 10000)
		return doubt(
			pair, HN_DOUBT_TORN,
			"node %d: numa_hit and numa_miss grew by %.6g, local_node and other_node by %.6g",
			nodes.after->node, wanted, made);
	return true;
}

static bool are_nodes_possible(struct pair *pair)
{
	if (!tells_nodes(pair->earlier) || !tells_nodes(pair->later))
		return true;
	if (!are_nodes_cells(pair) || !is_memory_possible(pair))
		return false;
	for (size_t i = 0; i < pair->guest->cell_count; i++) {
		struct node_pair nodes = node_pair(pair, i);

		if (is_counted(nodes) && (!has_node_grown(pair, nodes) || !does_node_add_up(pair, nodes)))
			return false;
	}
	return true;
}

static bool are_faults_possible(struct pair *pair)
{
	const struct hn_reported *before = pair->earlier, *after = pair->later;

	if (!tells_faults(before) || !tells_faults(after))
		return true;
	if (!has_grown(pair, "numa_hint_faults", before->hint_faults, after->hint_faults,
		       HN_FAULTS_PER_VCPU_SECOND) ||
	    !has_grown(pair, "numa_hint_faults_local", before->hint_faults_local, after->hint_faults_local,
		       HN_FAULTS_PER_VCPU_SECOND))
		return false;
	/* the two are not added to at the same moment */
	if ((double)(after->hint_faults_local - before->hint_faults_local) >
	    1.05 * (double)(after->hint_faults - before->hint_faults) + 1000)
		return doubt(pair, HN_DOUBT_TORN, "more of its NUMA hint faults were local than there were");
	return true;
}

static bool is_migration_possible(struct pair *pair)
{
	uint64_t before = pair->earlier->pages_migrated, after = pair->later->pages_migrated;

	if (before == HN_REPORTED_UNKNOWN || after == HN_REPORTED_UNKNOWN)
		return true;
	return has_grown(pair, "numa_pages_migrated", before, after, HN_PAGES_PER_VCPU_SECOND);
}

static bool is_believable(struct pair *pair)
{
	if (!is_there_anything(pair) || !is_in_time(pair))
		return false;
	pair->vcpu_seconds = vcpu_seconds(pair);
	return are_nodes_possible(pair) && are_faults_possible(pair) && is_migration_possible(pair);
}

/* False with too few events. */
static bool weigh(const struct pair *pair, double hits, double events, struct hn_interval *ret)
{
	double share, trials;

	if (events < HN_EVIDENCE_LEAST)
		return false;
	share = fmin(1, hits / events);
	trials = fmin(events, HN_EVIDENCE_MOST) *
		 pow(0.5, (double)pair->access->age_ns / (double)HN_EVIDENCE_HALF_LIFE_NS);
	*ret = hn_interval_wilson((uint64_t)llround(share * trials), (uint64_t)llround(trials));
	ret->value = share;
	ret->low = fmin(ret->low, share);
	ret->high = fmax(ret->high, share);
	return true;
}

static double grown(uint64_t before, uint64_t after)
{
	return (double)(after - before);
}

/* Allocations of memory of the cell, by its own CPUs and by others'. */
static void flow_of(const struct pair *pair, size_t cell, double *ret_local, double *ret_other)
{
	struct node_pair nodes = node_pair(pair, cell);
	bool counted = is_counted(nodes);

	*ret_local = counted ? grown(nodes.before->local, nodes.after->local) : 0;
	*ret_other = counted ? grown(nodes.before->other, nodes.after->other) : 0;
}

static bool has_vcpus(const struct pair *pair, size_t cell)
{
	return !hn_set_empty(&pair->guest->cells[cell].vcpus);
}

/* The only cell besides this one whose vCPUs can have used it, or -1 when there are several. */
static int only_other(const struct pair *pair, size_t cell)
{
	int other = -1;

	for (size_t i = 0; i < pair->guest->cell_count; i++) {
		if (i == cell || !has_vcpus(pair, i))
			continue;
		if (other >= 0)
			return -1;
		other = (int)i;
	}
	return other;
}

/*
 * With one other cell that has vCPUs, it was that one; its share is of all that its threads allocated, which
 * is known when memory of every cell has but one other user.
 */
static void add_use(struct pair *pair, size_t cell)
{
	struct hn_use *use = &pair->access->uses[pair->access->use_count];
	int user = only_other(pair, cell);
	double local, other, own = 0, theirs;

	flow_of(pair, cell, &local, &other);
	if (user >= 0 && pair->guest->cell_count == 2) {
		flow_of(pair, (size_t)user, &own, &theirs);
		local = own;
		use->cpus_of = pair->guest->cells[user].id;
	} else {
		use->cpus_of = -1;
	}
	use->memory_of = pair->guest->cells[cell].id;
	if (!weigh(pair, other, local + other, &use->share))
		return;
	use->per_second = other / ((double)pair->access->span_ns / 1e9);
	pair->access->use_count++;
}

static void measure_nodes(struct pair *pair)
{
	struct hn_access *access = pair->access;
	double locals = 0, others = 0;

	if (pair->guest->cell_count < 2 || !tells_nodes(pair->earlier) || !tells_nodes(pair->later))
		return;
	for (size_t i = 0; i < pair->guest->cell_count; i++) {
		double local, other;

		flow_of(pair, i, &local, &other);
		locals += local;
		others += other;
		add_use(pair, i);
	}
	access->remote_known = weigh(pair, others, locals + others, &access->remote);
}

static void measure_faults(struct pair *pair)
{
	const struct hn_reported *before = pair->earlier, *after = pair->later;
	double all, local;

	if (pair->guest->cell_count < 2 || !tells_faults(before) || !tells_faults(after))
		return;
	all = grown(before->hint_faults, after->hint_faults);
	local = grown(before->hint_faults_local, after->hint_faults_local);
	pair->access->faults_known = weigh(pair, fmax(0, all - local), all, &pair->access->remote_faults);
}

static void measure(struct pair *pair)
{
	uint64_t before = pair->earlier->pages_migrated, after = pair->later->pages_migrated;

	measure_nodes(pair);
	measure_faults(pair);
	if (before != HN_REPORTED_UNKNOWN && after != HN_REPORTED_UNKNOWN)
		pair->access->migrated_per_second =
			grown(before, after) / ((double)pair->access->span_ns / 1e9);
}

int hn_access_new_between(const struct hn_guest *guest, const struct hn_reported *earlier,
			  const struct hn_reported *later, uint64_t now_ns, struct hn_access **ret,
			  struct hn_error *err)
{
	struct pair pair = {.guest = guest, .earlier = earlier, .later = later, .now_ns = now_ns};

	pair.access = hn_access_new(guest->cell_count);
	if (!pair.access)
		return hn_oom(err);
	pair.access->age_ns = now_ns > later->taken_ns ? now_ns - later->taken_ns : 0;
	if (is_believable(&pair))
		measure(&pair);
	*ret = pair.access;
	return 0;
}

static const struct hn_use *worst_use(const struct hn_access *access)
{
	const struct hn_use *worst = NULL;

	for (size_t i = 0; i < access->use_count; i++)
		if (!worst || access->uses[i].share.low > worst->share.low)
			worst = &access->uses[i];
	return worst && worst->share.low >= HN_INSIDE_LEAST ? worst : NULL;
}

#define MEND "; pinning its threads or kernel NUMA balancing inside the guest would mend it"

const char *hn_access_say(const struct hn_access *access, char *buffer, size_t size)
{
	const struct hn_use *use = worst_use(access);

	buffer[0] = '\0';
	if (access->doubt != HN_DOUBT_NONE)
		return buffer;
	if (use && use->cpus_of >= 0)
		snprintf(buffer, size,
			 "cell %d's threads use cell %d's memory: %.0f %% remote inside the guest" MEND,
			 use->cpus_of, use->memory_of, 100 * use->share.value);
	else if (use)
		snprintf(buffer, size,
			 "other cells' threads use cell %d's memory: %.0f %% remote inside the guest" MEND,
			 use->memory_of, 100 * use->share.value);
	else if (access->faults_known && access->remote_faults.low >= HN_INSIDE_LEAST)
		snprintf(buffer, size,
			 "its threads use other cells' memory: %.0f %% of NUMA hint faults remote inside the "
			 "guest" MEND,
			 100 * access->remote_faults.value);
	return buffer;
}
