/*
 * api-settings - a guest's XML and its settings in it, over the API.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "daemon/api-call.h"
#include "daemon/domain.h"
#include "daemon/events.h"
#include "daemon/open-call.h"
#include "daemon/settings.h"
#include "policy/policies.h"

void hn_api_get_guest_xml(const struct hn_call *call)
{
	const struct hn_managed *managed = hn_call_guest(call);

	if (!managed)
		return;
	if (managed->domain && managed->domain->xml)
		hn_call_send_text(call, 200, "application/xml", managed->domain->xml,
				  strlen(managed->domain->xml));
	else
		hn_call_send_problem(call, 404, "libvirt does not know this guest, so there is no XML of it");
}

static json_object *encode_settings(const struct hn_managed *managed)
{
	enum hn_setting_source sources[HN_SETTING_COUNT];
	const struct hn_guest *guest =
		managed->domain && managed->domain->guest ? managed->domain->guest : managed->guest;
	json_object *json = json_object_new_object(), *from = json_object_new_object();
	struct hn_guest *nameless = guest ? NULL : hn_guest_new(managed->name);
	struct hn_settings settings;

	if (!json || !from || !(guest || nameless)) {
		json_object_put(json);
		json_object_put(from);
		return NULL;
	}
	settings = hn_domain_settings(managed, guest ? guest : nameless, sources);
	for (unsigned i = 0; i < HN_SETTING_COUNT; i++)
		if (hn_settings_says(&settings, (enum hn_setting)i))
			hn_json_add_string(from, hn_setting_name((enum hn_setting)i),
					   hn_setting_source_name(sources[i]));
	hn_json_add(json, "settings", hn_settings_encode(&settings));
	hn_json_add(json, "sources", from);
	hn_guest_free(nameless);
	return json;
}

void hn_api_get_settings(const struct hn_call *call)
{
	const struct hn_managed *managed = hn_call_guest(call);

	if (managed)
		hn_call_send_json(call, 200, "application/json", encode_settings(managed));
}

/* A request that waits for libvirt: its guest or its client may be gone when that answers. */
struct waiting {
	struct hn_service *service;
	struct hn_open_call open;
	struct hn_settings settings;
	char uuid[40];
	bool abandoned; /* the client has hung up */
};

static void on_client_gone(void *context)
{
	((struct waiting *)context)->abandoned = true;
}

static void on_metadata_set(const struct hn_error *err, void *context)
{
	struct waiting *waiting = context;
	struct hn_managed *managed = hn_managed_of_domain(waiting->service, waiting->uuid);

	if (managed && managed->domain->setting == waiting)
		managed->domain->setting = NULL;
	if (managed && !err)
		managed->domain->wishes.settings = waiting->settings;
	if (managed && !err)
		hn_event_emit(managed->service, HN_EVENT_SETTINGS, managed->name, encode_settings(managed));
	if (!waiting->abandoned) {
		const struct hn_call call = {.service = waiting->service,
					     .request = hn_open_call_end(&waiting->open)};

		if (err)
			hn_call_send_failure(&call, err);
		else if (managed)
			hn_call_send_json(&call, 200, "application/json", encode_settings(managed));
		else
			hn_call_send_problem(&call, 404, "the guest has ended meanwhile");
	}
	free(waiting);
}

static int read_settings(const struct hn_call *call, const struct hn_managed *managed,
			 struct hn_settings *ret, struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	int r;

	if (!managed->domain)
		return hn_fail(
			err, -EOPNOTSUPP,
			"libvirt does not know this guest: its settings are those of a [guest %s] section in "
			"homenode.conf",
			managed->name);
	if (managed->domain->unread) /* what is not known would be wiped */
		return hn_fail(err, -EOPNOTSUPP,
			       "its settings cannot be added to while they cannot be read: %s",
			       managed->domain->unread);
	if (managed->domain->setting) /* each writes all of them, and this one would not know the other's */
		return hn_fail(err, -EBUSY, "other settings are being written: try again in a moment");
	*ret = managed->domain->wishes.settings;
	if ((r = hn_call_body_object(call, &json, err)) < 0 || (r = hn_settings_decode(json, ret, err)) < 0)
		return r;
	if (hn_settings_says(ret, HN_SETTING_POLICY) && !hn_policy_find(ret->policy, err))
		return -EINVAL;
	return 0;
}

static int set_metadata(const struct hn_call *call, struct hn_managed *managed,
			const struct hn_settings *settings, struct hn_error *err)
{
	struct waiting *waiting = calloc(1, sizeof(*waiting));
	char *element = NULL;
	int r;

	if (!waiting)
		return hn_oom(err);
	waiting->service = call->service;
	waiting->settings = *settings;
	snprintf(waiting->uuid, sizeof(waiting->uuid), "%s", managed->domain->uuid);
	r = hn_domain_settings_write(settings, &element, err);
	if (r == 0)
		r = hn_virt_set_metadata(managed->domain->virt, managed->domain->uuid, HN_DOMAIN_PREFIX,
					 HN_DOMAIN_NAMESPACE, element, on_metadata_set, waiting, err);
	free(element);
	if (r < 0) {
		free(waiting);
		return r;
	}
	managed->domain->setting = waiting;
	hn_open_call_begin(&waiting->open, call, on_client_gone, waiting);
	return 0;
}

void hn_api_set_settings(const struct hn_call *call)
{
	struct hn_managed *managed = hn_call_guest(call);
	struct hn_settings settings;
	struct hn_error err;

	if (managed && (read_settings(call, managed, &settings, &err) < 0 ||
			set_metadata(call, managed, &settings, &err) < 0))
		hn_call_send_failure(call, &err);
}
