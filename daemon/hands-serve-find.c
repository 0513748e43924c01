/*
 * hands-serve-find - requests for guests that QMP tells nothing of: which there are, and what they are made
 * of; and for what this host is like.
 */
#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/hands-request.h"
#include "host/cpuset.h"
#include "host/doctor.h"
#include "host/helpers.h"

_Static_assert(sizeof(struct hn_hands_found) + HN_QEMUS_MAX * (sizeof(struct hn_qemu_process) +
							       sizeof(struct hn_qemu_container)) <=
		       HN_HANDS_BODY_MAX,
	       "all QEMUs can be told");

/* Said when it begins and when it is over. */
static void tell_left_out(const struct hn_qemu_list *list)
{
	static bool told;

	if (!told && list->left_out > 0)
		hn_log(HN_LOG_WARNING,
		       "%zu processes are called QEMU; only %d are looked at, as many of each user",
		       HN_QEMUS_MAX + list->left_out, HN_QEMUS_MAX);
	else if (told && list->left_out == 0)
		hn_log(HN_LOG_INFO, "all processes that are called QEMU are looked at again");
	told = list->left_out > 0;
}

int hn_hands_serve_find(const struct hn_hands_work *work, struct hn_error *err)
{
	HN_AUTO(hn_qemu_list) struct hn_qemu_list *list = NULL;
	int r = hn_hands_check_length(work, 0, 0, err);
	struct hn_hands_found found;
	struct hn_hands_part parts[3] = {{&found, sizeof(found)}};

	if (r == 0)
		r = hn_qemu_processes_read(NULL, &list, err);
	if (r < 0)
		return r;
	tell_left_out(list);
	parts[1] = (struct hn_hands_part){list->processes, list->count * sizeof(*list->processes)};
	parts[2] =
		(struct hn_hands_part){list->containers, list->container_count * sizeof(*list->containers)};
	found = (struct hn_hands_found){(uint32_t)list->count, (uint32_t)list->container_count};
	r = hn_hands_reply_with(work, parts, HN_COUNT(parts));
	hn_qemu_list_free(hn_steal(list));
	malloc_trim(0); /* a look at all processes needs more than anything else that the hands do */
	return r;
}

_Static_assert(sizeof(struct hn_hands_surveyed) + HN_THREADS_MAX * sizeof(struct hn_thread_reading) +
			       HN_MAPPINGS_MAX * sizeof(struct hn_mapping) <=
		       HN_HANDS_BODY_MAX,
	       "a survey can be told");

int hn_hands_serve_survey(const struct hn_hands_work *work, struct hn_error *err)
{
	HN_AUTO(memory) struct hn_thread_reading *threads = NULL;
	HN_AUTO(memory) struct hn_mapping *mappings = NULL;
	struct hn_hands_surveyed surveyed = {0};
	struct hn_hands_survey survey;
	size_t thread_count = 0, mapping_count = 0;
	int r = hn_hands_check_length(work, sizeof(survey), 0, err);

	if (r < 0)
		return r;
	memcpy(&survey, work->body, sizeof(survey));
	r = hn_cpuset_nodes(NULL, &survey.process, &surveyed.nodes, err);
	if (r < 0 && r != -ENOENT)
		return r;
	if ((r = hn_guest_threads_read(NULL, &survey.process, &threads, &thread_count, err)) < 0 ||
	    (r = hn_mappings_read(NULL, &survey.process, survey.least_bytes, survey.with_policies, &mappings,
				  &mapping_count, err)) < 0)
		return r;
	surveyed.thread_count = (uint32_t)thread_count;
	surveyed.mapping_count = (uint32_t)mapping_count;
	return hn_hands_reply_with(work,
				   (struct hn_hands_part[]){{&surveyed, sizeof(surveyed)},
							    {threads, thread_count * sizeof(*threads)},
							    {mappings, mapping_count * sizeof(*mappings)}},
				   3);
}

int hn_hands_serve_checkup(const struct hn_hands_work *work, struct hn_error *err)
{
	struct hn_checkup checkup = {0};
	struct hn_doctor_case known;
	int r = hn_hands_check_length(work, sizeof(known), 0, err);

	if (r < 0)
		return r;
	memcpy(&known, work->body, sizeof(known));
	hn_doctor_examine(NULL, &known, &checkup);
	return hn_hands_reply_with(work, &(struct hn_hands_part){&checkup, sizeof(checkup)}, 1);
}
