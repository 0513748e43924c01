#include "daemon/checkup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/census.h"
#include "daemon/decision.h"
#include "daemon/guest-devices.h"
#include "host/doctor.h"
#include "policy/conditions.h"

#define VERSION_NEEDED 50200 /* 5.2, as hn_qmp_version() has it */

/* Appends a name to a list that is for people: cut where it would be too long. */
static void list_name(char *list, size_t size, const char *name)
{
	size_t used = strlen(list);

	snprintf(list + used, size - used, "%s%.60s", used ? ", " : "", name);
}

static void check_versions(struct hn_service *service, struct hn_checkup *ret)
{
	const struct hn_managed *managed;
	char old[200] = "";
	unsigned known = 0;
	int oldest = 0;

	TAILQ_FOREACH(managed, &service->guests, entry)
	{
		int version = managed->qmp ? hn_qmp_version(managed->qmp) : 0;

		if (version == 0)
			continue;
		known++;
		oldest = !oldest || version < oldest ? version : oldest;
		if (version < VERSION_NEEDED)
			list_name(old, sizeof(old), managed->name);
	}
	if (known == 0)
		hn_checkup_put(ret, HN_CHECK_QEMU_VERSION, HN_FINDING_OK,
			       "no guest has a monitor for homenode that would tell");
	else if (old[0])
		hn_finding_mend(hn_checkup_put(ret, HN_CHECK_QEMU_VERSION, HN_FINDING_WARNING,
					       "older than 5.2 (%d.%d): %s", oldest / 10000,
					       oldest / 100 % 100, old),
				"start them with a newer QEMU");
	else
		hn_checkup_put(ret, HN_CHECK_QEMU_VERSION, HN_FINDING_OK, "%d.%d or newer", oldest / 10000,
			       oldest / 100 % 100);
}

static bool is_managed(const struct hn_service *service, const struct hn_qemu_process *qemu)
{
	const struct hn_managed *managed;

	TAILQ_FOREACH(managed, &service->guests, entry)
	{
		const struct hn_guest *guest = managed->guest;

		if (guest && managed->identified && guest->pid == qemu->process.pid &&
		    guest->start_ticks == qemu->process.start_ticks)
			return true;
	}
	return false;
}

static void check_strangers(struct hn_service *service, struct hn_checkup *ret)
{
	const struct hn_qemu_process *qemus;
	size_t count = hn_census_all(service->census, &qemus), strangers = 0;
	char names[240] = "", name[200];

	for (size_t i = 0; i < count; i++) {
		if (is_managed(service, &qemus[i]))
			continue;
		strangers++;
		snprintf(name, sizeof(name), "%s%spid %d", qemus[i].name, qemus[i].name[0] ? " " : "",
			 (int)qemus[i].process.pid);
		list_name(names, sizeof(names), name);
	}
	if (strangers)
		hn_finding_mend(
			hn_checkup_put(ret, HN_CHECK_STRANGERS, HN_FINDING_WARNING, "%zu of %zu: %s",
				       strangers, count, names),
			"start them with -qmp unix:%s/NAME.qmp,server=on,wait=off, or through libvirt",
			service->config->folder_count ? service->config->folders[0] : "/run/homenode/qmp");
	else
		hn_checkup_put(ret, HN_CHECK_STRANGERS, HN_FINDING_OK,
			       count ? "all %zu are managed" : "none run", count);
}

/* What the hands have found of realtime threads gives way to what one of them has done. */
static void check_stuck(const struct hn_service *service, struct hn_checkup *ret)
{
	char why[240];

	if (service->host->fifo_hazard && hn_stuck_any(service, why, sizeof(why)))
		hn_finding_mend(
			hn_checkup_put(ret, HN_CHECK_MOVES, HN_FINDING_FAIL,
				       "no memory is moved on this host: %s", why),
			"find the thread with ps -eLo cls,psr,pid,comm and let it sleep now and then");
}

int hn_checkup_add_known(struct hn_service *service, struct hn_checkup *ret, struct hn_error *err)
{
	int r = hn_service_refresh_host(service, err);

	if (r < 0)
		return r;
	hn_doctor_examine_host(service->host, ret);
	check_versions(service, ret);
	check_strangers(service, ret);
	check_stuck(service, ret);
	return 0;
}

int hn_checkup_add_conditions(const struct hn_managed *managed, struct hn_checkup *ret, struct hn_error *err)
{
	__attribute__((cleanup(hn_cleanup_memory))) struct hn_device_place *places = NULL;
	struct hn_snapshot snapshot;
	size_t index = 0, count = 0;
	int r;

	if (hn_guest_devices_place(managed, &places, &count) < 0)
		return hn_oom(err);
	if ((r = hn_decision_snapshot(managed->service, managed, &snapshot, &index, err)) < 0)
		return r;
	hn_conditions_examine(&snapshot, index, places, count, ret);
	free(snapshot.guests);
	return 0;
}
