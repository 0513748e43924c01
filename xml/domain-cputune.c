/*
 * domain-cputune - how a guest's vCPUs want to be placed, from how libvirt was told to place them.
 */
#include <string.h>

#include "xml/domain-parts.h"

static struct hn_set present_vcpus(const struct hn_guest *guest)
{
	struct hn_set vcpus = {0};

	for (size_t i = 0; i < guest->cell_count; i++)
		hn_set_or(&vcpus, &guest->cells[i].vcpus);
	return vcpus;
}

/* Every vCPU pinned to one CPU, no two to the same. */
static int read_pins(xmlNodePtr tune, const struct hn_guest *guest, bool *ret_dedicated, struct hn_error *err)
{
	struct hn_set left = present_vcpus(guest), pinned = {0}, used = {0}, cpus;
	bool own = true;
	int r;

	HN_XML_FOREACH(pin, tune, "vcpupin")
	{
		uint64_t vcpu;
		int cpu;

		if ((r = hn_xml_number(pin, "vcpu", 0, HN_SET_MAX - 1, &vcpu, err)) < 0 ||
		    (r = hn_xml_set(pin, "cpuset", &cpus, err)) < 0)
			return r;
		if (hn_set_has(&pinned, (int)vcpu))
			return hn_xml_fail(pin, err, "vcpu %d is pinned twice", (int)vcpu);
		hn_set_add(&pinned, (int)vcpu);
		cpu = hn_set_next(&cpus, 0);
		own = own && hn_set_count(&cpus) == 1 && !hn_set_has(&used, cpu);
		hn_set_add(&used, cpu);
	}
	hn_set_subtract(&left, &pinned);
	*ret_dedicated = own && hn_set_empty(&left);
	return 0;
}

/* libvirt refuses a vCPU in two of them. */
static int read_schedulers(xmlNodePtr tune, const struct hn_guest *guest, bool *ret_realtime,
			   struct hn_error *err)
{
	struct hn_set seen = {0}, present = present_vcpus(guest), vcpus, twice;
	int r;

	*ret_realtime = false;
	HN_XML_FOREACH(scheduler, tune, "vcpusched")
	{
		if ((r = hn_xml_set(scheduler, "vcpus", &vcpus, err)) < 0)
			return r;
		twice = vcpus;
		hn_set_and(&twice, &seen);
		if (!hn_set_empty(&twice))
			return hn_xml_fail(scheduler, err,
					   "vcpus names vCPU %d, which another vcpusched has too",
					   hn_set_next(&twice, 0));
		hn_set_or(&seen, &vcpus);
		hn_set_and(&vcpus, &present);
		if (!hn_set_empty(&vcpus) &&
		    (hn_xml_is(scheduler, "scheduler", "fifo") || hn_xml_is(scheduler, "scheduler", "rr")))
			*ret_realtime = true;
	}
	return 0;
}

static int read_iothreads(xmlNodePtr domain, struct hn_guest *guest, struct hn_error *err)
{
	xmlNodePtr count = hn_xml_child(domain, "iothreads");
	uint64_t number = 0, listed = 0;
	int r;

	if (count && (r = hn_xml_number(count, NULL, 0, HN_SET_MAX, &number, err)) < 0)
		return r;
	HN_XML_FOREACH(iothread, hn_xml_child(domain, "iothreadids"), "iothread")
	{
		listed++;
	}
	guest->iothread_count = (unsigned)(listed > number ? listed : number);
	return 0;
}

int hn_domain_cputune_read(xmlNodePtr domain, struct hn_guest *guest, struct hn_error *err)
{
	xmlNodePtr tune = hn_xml_child(domain, "cputune");
	bool dedicated, realtime;
	int r;

	if ((r = read_iothreads(domain, guest, err)) < 0 ||
	    (r = read_pins(tune, guest, &dedicated, err)) < 0 ||
	    (r = read_schedulers(tune, guest, &realtime, err)) < 0)
		return r;
	guest->class = realtime ? HN_CLASS_REALTIME : dedicated ? HN_CLASS_DEDICATED : HN_CLASS_SHARED;
	return 0;
}
