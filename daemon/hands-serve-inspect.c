/*
 * hands-serve-inspect - requests that ask what a guest's memory is, what holds it, where it may be, which
 * devices it uses, and how well this host is set up for it; and the probe, which tries one page of memory
 * that nothing is known of.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/hands-request.h"
#include "host/cpuset.h"
#include "host/doctor.h"
#include "host/move-probe.h"
#include "host/process-maps.h"

#define AUTO_MEMORY __attribute__((cleanup(hn_cleanup_memory)))

/* The ranges behind a fixed struct; checked to lie in the process's own memory. */
static int ranges_of(const struct hn_hands_work *work, size_t fixed, uint32_t count,
		     const struct hn_process *process, const struct hn_range **ret, struct hn_error *err)
{
	int r;

	if (count > HN_HANDS_RANGES_MAX)
		return hn_fail(err, -E2BIG, "%u ranges are too many", count);
	r = hn_hands_check_length(work, fixed, count * sizeof(**ret), err);
	if (r < 0)
		return r;
	*ret = (const struct hn_range *)(const void *)(work->body + fixed);
	return hn_ranges_check(NULL, process, *ret, count, err);
}

static int inspect(const struct hn_hands_inspect *inspect, const struct hn_range *ranges,
		   struct hn_range_kind *kinds, struct hn_hands_inspected *ret,
		   struct hn_process_device *devices, struct hn_error *err)
{
	size_t device_count;
	int r;

	if ((r = hn_process_pins_read(NULL, &inspect->process, &ret->pins, err)) < 0 ||
	    (r = hn_range_kinds_read(NULL, &inspect->process, ranges, inspect->range_count, kinds, err)) <
		    0 ||
	    (r = hn_process_devices_read(NULL, &inspect->process, devices, &device_count, err)) < 0)
		return r;
	r = hn_cpuset_nodes(NULL, &inspect->process, &ret->nodes, err);
	if (r < 0 && r != -ENOENT)
		return r;
	ret->range_count = inspect->range_count;
	ret->device_count = (uint32_t)device_count;
	if (!inspect->look_inside)
		return 0;
	if ((r = hn_range_kinds_look_inside(NULL, &inspect->process, ranges, inspect->range_count,
					    inspect->seed, kinds, err)) < 0)
		return r;
	return hn_process_own_bytes(&inspect->process, ranges, inspect->range_count, inspect->seed,
				    &ret->pins.hold.own_bytes, err);
}

int hn_hands_serve_inspect(const struct hn_hands_work *work, struct hn_error *err)
{
	AUTO_MEMORY struct hn_hands_inspected *inspected = calloc(1, sizeof(*inspected));
	AUTO_MEMORY struct hn_range_kind *kinds = NULL;
	struct hn_process_device devices[HN_PROCESS_DEVICES_MAX];
	struct hn_hands_inspect request;
	const struct hn_range *ranges = NULL;
	uint64_t started_ns = hn_hands_cpu_ns();
	int r;

	if (work->header.length < sizeof(request))
		return hn_hands_check_length(work, sizeof(request), 0, err);
	memcpy(&request, work->body, sizeof(request));
	if ((r = ranges_of(work, sizeof(request), request.range_count, &request.process, &ranges, err)) < 0)
		return r;
	kinds = calloc(request.range_count + 1, sizeof(*kinds));
	if (!inspected || !kinds)
		return hn_oom(err);
	if ((r = inspect(&request, ranges, kinds, inspected, devices, err)) < 0)
		return r;
	inspected->cost_ns = hn_hands_cpu_ns() - started_ns;
	return hn_hands_reply_with(
		work,
		(struct hn_hands_part[]){{inspected, sizeof(*inspected)},
					 {kinds, inspected->range_count * sizeof(*kinds)},
					 {devices, inspected->device_count * sizeof(devices[0])}},
		3);
}

int hn_hands_serve_probe(const struct hn_hands_work *work, struct hn_error *err)
{
	AUTO_MEMORY int32_t *results = NULL;
	const struct hn_range *ranges = NULL;
	struct hn_hands_probe request;
	int r;

	if (work->header.length < sizeof(request))
		return hn_hands_check_length(work, sizeof(request), 0, err);
	memcpy(&request, work->body, sizeof(request));
	if ((r = ranges_of(work, sizeof(request), request.range_count, &request.process, &ranges, err)) < 0 ||
	    (r = hn_hands_check_guest(&request.process, err)) < 0)
		return r;
	results = calloc(request.range_count + 1, sizeof(*results));
	if (!results)
		return hn_oom(err);
	for (uint32_t i = 0; i < request.range_count; i++) {
		enum hn_probe probe = HN_PROBE_NOTHING;

		r = hn_move_probe(&request.process, &ranges[i], &request.nodes, request.seed, &probe, err);
		if (r < 0)
			return r;
		results[i] = (int32_t)probe;
	}
	return hn_hands_reply_with(
		work, &(struct hn_hands_part){results, request.range_count * sizeof(*results)}, 1);
}

int hn_hands_serve_examine(const struct hn_hands_work *work, struct hn_error *err)
{
	struct hn_checkup checkup = {0};
	struct hn_doctor_guest guest;
	int r = hn_hands_check_length(work, sizeof(guest), 0, err);

	if (r < 0)
		return r;
	memcpy(&guest, work->body, sizeof(guest));
	if ((r = hn_process_check(NULL, &guest.process, err)) < 0)
		return r;
	hn_doctor_examine_guest(NULL, &guest, &checkup);
	return hn_hands_reply_with(work, &(struct hn_hands_part){&checkup, sizeof(checkup)}, 1);
}
