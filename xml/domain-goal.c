#include "xml/domain-goal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xml/domain-parts.h"

#define IOTHREADS_MAX 4096

void hn_domain_goal_done(struct hn_domain_goal *goal)
{
	free(goal->vcpus);
	free(goal->iothreads);
	memset(goal, 0, sizeof(*goal));
}

const struct hn_set *hn_domain_goal_nodes(const struct hn_domain_goal *goal, unsigned long cell)
{
	for (size_t i = 0; i < goal->cell_count; i++)
		if (goal->cells[i].cell >= 0 && (unsigned long)goal->cells[i].cell == cell)
			return &goal->cells[i].nodes;
	return &goal->nodes;
}

#if defined(__x86_64__)
static const char *const own_architectures[] = {"x86_64", "i686"};
#elif defined(__aarch64__)
static const char *const own_architectures[] = {"aarch64", "armv7l"};
#else
static const char *const own_architectures[] = {""};
#endif

static bool asks_one_thread(xmlNodePtr domain)
{
	for (xmlNodePtr lines = domain->children; lines; lines = lines->next) {
		if (lines->type != XML_ELEMENT_NODE ||
		    !xmlStrEqual(lines->name, (const xmlChar *)"commandline"))
			continue;
		for (xmlNodePtr argument = lines->children; argument; argument = argument->next) {
			char text[100] = "";

			if (argument->type == XML_ELEMENT_NODE && hn_xml_has(argument, "value") &&
			    hn_xml_text(argument, "value", text, sizeof(text), NULL) == 0 &&
			    (strstr(text, "icount") || strstr(text, "thread=single")))
				return true;
		}
	}
	return false;
}

/*
 * A thread of its own for each vCPU: with KVM, and in emulation of the host's own architecture unless it is
 * told otherwise (QEMU, default_mttcg_enabled()).
 */
static bool has_vcpu_threads(xmlNodePtr domain)
{
	xmlNodePtr type = hn_xml_child(hn_xml_child(domain, "os"), "type");

	if (hn_xml_is(domain, "type", "kvm"))
		return true;
	if (asks_one_thread(domain))
		return false;
	if (!type || !hn_xml_has(type, "arch"))
		return true;
	for (size_t i = 0; i < HN_COUNT(own_architectures); i++)
		if (hn_xml_is(type, "arch", own_architectures[i]))
			return true;
	return false;
}

/* CPUs that a vCPU may run on when nothing was chosen for it. */
static struct hn_set common_cpus(const struct hn_host *host, const struct hn_set *nodes)
{
	struct hn_set cpus = {0};

	for (size_t i = 0; i < host->cpu_count; i++)
		if (hn_set_has(nodes, host->cpus[i].node) && !host->cpus[i].isolated &&
		    !host->cpus[i].reserved)
			hn_set_add(&cpus, host->cpus[i].id);
	for (size_t i = 0; i < host->node_count && hn_set_empty(&cpus); i++)
		if (hn_set_has(nodes, host->nodes[i].id))
			cpus = host->nodes[i].cpus;
	return cpus;
}

static int check_cells(const struct hn_guest *guest, const struct hn_host *host,
		       const struct hn_placement *home, struct hn_error *err)
{
	if (home->node_count != host->node_count || home->cell_count != guest->cell_count)
		return hn_fail(
			err, -EINVAL,
			"the placement of %zu cells on %zu nodes is not one of guest '%s' on this host",
			home->cell_count, home->node_count, guest->name);
	for (size_t i = 0; i < home->cell_count; i++) {
		if (home->cells[i].cell != guest->cells[i].id || hn_set_empty(&home->cells[i].nodes))
			return hn_fail(err, -EINVAL, "the placement has no home for cell %d of guest '%s'",
				       guest->cells[i].id, guest->name);
		HN_SET_FOREACH (node, &home->cells[i].nodes) {
			if (hn_host_node_index(host, node) < 0)
				return hn_fail(err, -EINVAL,
					       "the placement names node %d, which this host "
					       "does not have",
					       node);
		}
	}
	return 0;
}

static int take_chosen(const struct hn_placement *home, struct hn_domain_goal *goal, struct hn_error *err)
{
	for (size_t i = 0; i < home->vcpu_count; i++) {
		const struct hn_vcpu_home *vcpu = &home->vcpus[i];

		if (vcpu->vcpu < 0 || (size_t)vcpu->vcpu >= goal->vcpu_count || hn_set_empty(&vcpu->cpus))
			return hn_fail(err, -EINVAL,
				       "the placement's vCPU %d is none of the guest's, or has "
				       "no CPUs",
				       vcpu->vcpu);
		goal->vcpus[vcpu->vcpu] = vcpu->cpus;
		hn_set_or(&goal->cpus, &vcpu->cpus);
	}
	return 0;
}

/* vCPUs that can be plugged in later: where the cell they would belong to is. */
static int place_absent(xmlNodePtr domain, const struct hn_host *host, struct hn_domain_goal *goal,
			struct hn_error *err)
{
	xmlNodePtr numa = hn_xml_child(hn_xml_child(domain, "cpu"), "numa");
	struct hn_set cpus = common_cpus(host, &goal->cells[0].nodes), members;
	unsigned long place = 0;
	uint64_t id;

	HN_XML_FOREACH(cell, numa, "cell")
	{
		struct hn_set cell_cpus;
		int r;

		id = place++;
		if ((hn_xml_has(cell, "id") &&
		     (r = hn_xml_number(cell, "id", 0, HN_SET_MAX - 1, &id, err)) < 0) ||
		    (hn_xml_has(cell, "cpus") && (r = hn_xml_set(cell, "cpus", &members, err)) < 0))
			return r;
		if (!hn_xml_has(cell, "cpus"))
			continue;
		cell_cpus = common_cpus(host, hn_domain_goal_nodes(goal, (unsigned long)id));
		HN_SET_FOREACH (vcpu, &members) {
			if ((size_t)vcpu < goal->vcpu_count && hn_set_empty(&goal->vcpus[vcpu]))
				goal->vcpus[vcpu] = cell_cpus;
		}
	}
	for (size_t i = 0; i < goal->vcpu_count; i++) {
		if (hn_set_empty(&goal->vcpus[i]))
			goal->vcpus[i] = cpus;
		hn_set_or(&goal->cpus, &goal->vcpus[i]);
	}
	return 0;
}

static int place_vcpus(xmlNodePtr domain, const struct hn_guest *guest, const struct hn_host *host,
		       const struct hn_placement *home, struct hn_domain_goal *goal, struct hn_error *err)
{
	struct hn_set all = {0}, present = {0};
	int r = hn_domain_vcpus_read(domain, &all, &present, err);

	if (r < 0)
		return r;
	if (home->vcpu_count != (size_t)hn_set_count(&present))
		return hn_fail(err, -EINVAL, "the placement has CPUs for %zu of the %d vCPUs of guest '%s'",
			       home->vcpu_count, hn_set_count(&present), guest->name);
	goal->vcpu_count = (size_t)hn_set_count(&all);
	goal->vcpus = calloc(goal->vcpu_count + 1, sizeof(*goal->vcpus));
	if (!goal->vcpus)
		return hn_oom(err);
	if ((r = take_chosen(home, goal, err)) < 0 || (r = place_absent(domain, host, goal, err)) < 0)
		return r;
	/* where every CPU is somebody's own, the emulator shares those of the home */
	if (hn_set_empty(&goal->other))
		goal->other = common_cpus(host, &goal->nodes);
	hn_set_or(&goal->cpus, &goal->other);
	if (goal->pins_vcpus)
		return 0;
	for (size_t i = 0; i < goal->vcpu_count; i++)
		goal->vcpus[i] = goal->cpus;
	goal->other = goal->cpus;
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	const unsigned *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool has_id(const unsigned *ids, size_t count, unsigned id)
{
	for (size_t i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* What is not told gets the lowest numbers from 1 on that are free (libvirt,
 * virDomainIOThreadIDDefArrayInit). */
static int read_iothreads(xmlNodePtr domain, size_t count, struct hn_domain_goal *goal, struct hn_error *err)
{
	size_t told;
	int r;

	if (count > IOTHREADS_MAX)
		return hn_xml_fail(domain, err, "%zu iothreads are more than the %d that are handled", count,
				   IOTHREADS_MAX);
	goal->iothreads = calloc(count + 1, sizeof(*goal->iothreads));
	if (!goal->iothreads)
		return hn_oom(err);
	HN_XML_FOREACH(iothread, hn_xml_child(domain, "iothreadids"), "iothread")
	{
		uint64_t id = 0;

		if ((r = hn_xml_number(iothread, "id", 1, UINT32_MAX, &id, err)) < 0)
			return r;
		goal->iothreads[goal->iothread_count++] = (unsigned)id;
	}
	told = goal->iothread_count;
	for (unsigned id = 1; goal->iothread_count < count; id++)
		if (!has_id(goal->iothreads, told, id))
			goal->iothreads[goal->iothread_count++] = id;
	qsort(goal->iothreads, goal->iothread_count, sizeof(*goal->iothreads), compare_ids);
	return 0;
}

int hn_domain_goal_make(xmlNodePtr domain, const struct hn_guest *guest, const struct hn_host *host,
			const struct hn_placement *home, struct hn_domain_goal *ret, struct hn_error *err)
{
	struct hn_domain_goal goal = {
		.pins_vcpus = has_vcpu_threads(domain),
		.other = home->other_cpus,
		.nodes = hn_placement_nodes(home),
		.has_cells = hn_xml_child(hn_xml_child(hn_xml_child(domain, "cpu"), "numa"), "cell") != NULL,
		.cell_count = home->cell_count,
		.cells = home->cells,
	};
	int r = check_cells(guest, host, home, err);

	if (r < 0 || (r = place_vcpus(domain, guest, host, home, &goal, err)) < 0 ||
	    (r = read_iothreads(domain, guest->iothread_count, &goal, err)) < 0) {
		hn_domain_goal_done(&goal);
		return r;
	}
	*ret = goal;
	return 0;
}
