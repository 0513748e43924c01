/*
 * api-libvirt - what libvirt's hook and the numad drop-in ask, over the API.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "daemon/api-call.h"
#include "daemon/arrival.h"
#include "model/codec.h"

#define VCPUS_MAX 8192

static int hook(const struct hn_call *call, char **ret, size_t *ret_length, struct hn_error *err)
{
	char guest[HN_NAME_MAX], sub[32];
	size_t length;
	const char *xml = hn_call_body(call, &length);
	int r;

	if ((r = hn_call_parameter(call, "guest", guest, sizeof(guest), err)) < 0 ||
	    (r = hn_call_parameter(call, "sub", sub, sizeof(sub), err)) < 0)
		return r;
	r = hn_arrival_hook(call->service, guest, call->name, sub, xml ? xml : "", length, ret, ret_length,
			    err);
	hn_reservations_commit(&call->service->reservations);
	return r;
}

void hn_api_libvirt_hook(const struct hn_call *call)
{
	char *xml = NULL;
	size_t length = 0;
	struct hn_error err;

	if (hook(call, &xml, &length, &err) < 0) {
		hn_log(HN_LOG_WARNING, "libvirt's hook %s: %s", call->name, err.message);
		hn_call_send_failure(call, &err);
	} else if (xml) {
		hn_call_send_text(call, 200, "application/xml", xml, length);
	} else {
		hn_call_send_text(call, 204, NULL, NULL, 0);
	}
	free(xml);
}

static int number(const struct hn_call *call, const char *key, uint64_t most, uint64_t *ret,
		  struct hn_error *err)
{
	char text[24], *end;
	int r = hn_call_parameter(call, key, text, sizeof(text), err);

	if (r < 0)
		return r;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-' || *ret == 0 || *ret > most)
		return hn_fail(err, -EINVAL, "%s=%s is not a number from 1 to %llu", key, text,
			       (unsigned long long)most);
	return 0;
}

void hn_api_numad(const struct hn_call *call)
{
	uint64_t vcpus, mib;
	struct hn_set nodes;
	struct hn_error err;
	char text[HN_SET_TEXT_MAX + 1];

	if (number(call, "vcpus", VCPUS_MAX, &vcpus, &err) < 0 ||
	    number(call, "memory_mib", (uint64_t)1 << 40, &mib, &err) < 0 ||
	    hn_arrival_advise(call->service, (unsigned)vcpus, mib, &nodes, &err) < 0) {
		hn_call_send_failure(call, &err);
		return;
	}
	hn_reservations_commit(&call->service->reservations);
	hn_set_format(&nodes, text, sizeof(text) - 1);
	strcat(text, "\n");
	hn_call_send_text(call, 200, "text/plain", text, strlen(text));
}
