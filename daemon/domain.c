#include "daemon/domain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/arrival.h"
#include "daemon/make-up.h"
#include "daemon/monitor.h"
#include "daemon/settings.h"
#include "xml/domain-read.h"

void hn_domain_free(struct hn_domain *domain)
{
	if (!domain)
		return;
	hn_domain_wishes_done(&domain->wishes);
	hn_guest_free(domain->guest);
	free(domain->xml);
	free(domain->unread);
	free(domain);
}

/* What the XML tells of a cell, by its id. */
static const struct hn_cell *cell_in(const struct hn_guest *guest, int id)
{
	int index = hn_guest_cell_index(guest, id);

	return index < 0 ? NULL : &guest->cells[index];
}

static enum hn_movability movability_of(const struct hn_guest *guest)
{
	for (size_t i = 0; i < guest->backend_count; i++)
		if (guest->backends[i].movability != HN_MOVABLE)
			return guest->backends[i].movability;
	return HN_MOVABLE;
}

void hn_domain_complete(const struct hn_domain *domain, struct hn_guest *told)
{
	const struct hn_guest *from = domain->guest;
	enum hn_movability movability;

	if (!from)
		return;
	movability = movability_of(from);
	for (size_t i = 0; i < told->cell_count; i++) {
		const struct hn_cell *cell = cell_in(from, told->cells[i].id);

		/* the XML may be from before the latest hotplug */
		if (cell && cell->page_bytes && told->cells[i].memory_bytes % cell->page_bytes == 0)
			told->cells[i].page_bytes = cell->page_bytes;
	}
	for (size_t i = 0; i < told->backend_count; i++)
		if (told->backends[i].movability == HN_MOVABLE)
			told->backends[i].movability = movability;
	for (size_t i = 0; told->device_count < from->device_count && i < from->device_count; i++)
		if (hn_guest_add_device(told, from->devices[i]) < 0)
			return;
	if (!told->uuid[0])
		snprintf(told->uuid, sizeof(told->uuid), "%s", domain->uuid);
}

bool hn_domain_is_unknown(const struct hn_domain *domain)
{
	return domain && domain->unread && !domain->guest;
}

struct hn_settings hn_domain_settings(const struct hn_managed *managed, const struct hn_guest *guest,
				      enum hn_setting_source *sources)
{
	const struct hn_domain *domain = managed->domain;
	struct hn_settings settings = hn_settings_of(managed->service->config, guest,
						     domain ? &domain->wishes.settings : NULL, sources);

	if (!hn_domain_is_unknown(domain) || settings.mode == HN_MODE_OFF)
		return settings;
	settings.mode = HN_MODE_OBSERVE;
	if (sources)
		sources[HN_SETTING_MODE] = HN_SOURCE_DOMAIN;
	return settings;
}

bool hn_domain_pins_are_ours(const struct hn_managed *managed)
{
	const struct hn_reservation *reservation =
		hn_reservations_find(&managed->service->reservations, managed->domain->uuid, managed->name);

	if (managed->persist || !reservation)
		return managed->persist;
	/* a definition is its operator's, unless it came with the guest */
	return managed->domain->persistent ? reservation->rewritten : reservation->pinned;
}

static bool keeps_pins(const struct hn_managed *managed)
{
	return managed->domain && !managed->override_pins && !hn_domain_pins_are_ours(managed);
}

bool hn_domain_vcpus_pinned(const struct hn_managed *managed)
{
	return hn_domain_is_unknown(managed->domain) ||
	       (keeps_pins(managed) && (managed->domain->wishes.vcpu_pin_count > 0 ||
					!hn_set_empty(&managed->domain->wishes.vcpu_cpus)));
}

bool hn_domain_has_kept_pins(const struct hn_managed *managed)
{
	const struct hn_domain_wishes *wishes = managed->domain ? &managed->domain->wishes : NULL;

	return hn_domain_is_unknown(managed->domain) ||
	       (keeps_pins(managed) &&
		(wishes->vcpu_pin_count > 0 || wishes->iothread_pin_count > 0 ||
		 !hn_set_empty(&wishes->vcpu_cpus) || !hn_set_empty(&wishes->emulator_cpus)));
}

static bool has_pin(const struct hn_domain_pin *pins, size_t count, unsigned number)
{
	for (size_t i = 0; i < count; i++)
		if (pins[i].number == number)
			return true;
	return false;
}

/* libvirt numbers iothreads from 1 and calls them iothreadN. */
static bool iothread_number(const struct hn_thread *thread, unsigned *ret)
{
	return sscanf(thread->name, "IO iothread%u", ret) == 1;
}

bool hn_domain_pin_of(const struct hn_thread *thread, struct hn_virt_pin *ret)
{
	*ret = (struct hn_virt_pin){0};
	switch (thread->kind) {
	case HN_THREAD_VCPU:
		ret->kind = HN_VIRT_VCPU;
		ret->number = (unsigned)thread->vcpu;
		return true;
	case HN_THREAD_IOTHREAD:
		ret->kind = HN_VIRT_IOTHREAD;
		return iothread_number(thread, &ret->number);
	case HN_THREAD_EMULATOR:
		ret->kind = HN_VIRT_EMULATOR;
		return true;
	default:
		return false;
	}
}

bool hn_domain_keeps_thread(const struct hn_managed *managed, const struct hn_thread *thread)
{
	struct hn_virt_pin pin;

	return managed->domain && hn_domain_pin_of(thread, &pin) &&
	       hn_domain_keeps_pin(managed, pin.kind, pin.number);
}

bool hn_domain_keeps_pin(const struct hn_managed *managed, enum hn_virt_pin_kind kind, unsigned number)
{
	const struct hn_domain_wishes *wishes;

	if (hn_domain_is_unknown(managed->domain))
		return true;
	if (!keeps_pins(managed))
		return false;
	wishes = &managed->domain->wishes;
	switch (kind) {
	case HN_VIRT_VCPU:
		return !hn_set_empty(&wishes->vcpu_cpus) ||
		       has_pin(wishes->vcpu_pins, wishes->vcpu_pin_count, number);
	case HN_VIRT_IOTHREAD:
		return has_pin(wishes->iothread_pins, wishes->iothread_pin_count, number);
	case HN_VIRT_EMULATOR:
		return !hn_set_empty(&wishes->emulator_cpus);
	}
	return false;
}
