#include "daemon/newcomer.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "daemon/settings.h"
#include "model/request.h"
#include "policy/policies.h"
#include "xml/domain-read.h"
#include "xml/domain-wishes.h"

#define MEMBERS "name uuid domain vcpus memory_bytes cells class page_bytes"

static bool has_word(const char *words, const char *word)
{
	size_t length = strlen(word);

	if (length == 0 || strchr(word, ' '))
		return false;
	for (const char *at = words; (at = strstr(at, word)); at += length)
		if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

static int check_members(json_object *json, const char *other, struct hn_error *err)
{
	json_object_object_foreach(json, key, value)
	{
		(void)value;
		if (!has_word(MEMBERS, key) && !has_word(other, key))
			return hn_fail(err, -EINVAL, "unknown member '%.40s'; known: " MEMBERS " %s", key,
				       other);
		if (hn_json_has(json, "domain") && has_word(MEMBERS, key) && strcmp(key, "domain") != 0)
			return hn_fail(err, -EINVAL, "'%s' and 'domain' both: the domain's XML tells it",
				       key);
	}
	return 0;
}

static int check_name(const char *name, struct hn_error *err)
{
	size_t length = strlen(name);

	if (length == 0 || length >= HN_NAME_MAX)
		return hn_fail(err, -EINVAL, "member 'name' is not of 1 to %d bytes", HN_NAME_MAX - 1);
	for (const char *at = name; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 127)
			return hn_fail(err, -EINVAL, "member 'name' has a control character");
	return 0;
}

static int check_uuid(const char *uuid, struct hn_error *err)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < sizeof(shape); i++)
		if (shape[i] == 'x' ? !isxdigit((unsigned char)uuid[i]) || isupper((unsigned char)uuid[i])
				    : uuid[i] != shape[i])
			return hn_fail(err, -EINVAL,
				       "member 'uuid' is not one as libvirt writes it: lower case, %s",
				       shape);
	return 0;
}

static int read_count(json_object *json, const char *key, unsigned *ret, struct hn_error *err)
{
	uint64_t value = 0;
	int r = hn_json_get_u64(json, key, &value, err);

	if (r == 0 && value > HN_REQUEST_VCPUS_MAX)
		return hn_fail(err, -EINVAL, "member '%s' is more than %d", key, HN_REQUEST_VCPUS_MAX);
	*ret = (unsigned)value;
	return r;
}

static int read_sizes(json_object *json, const char *name, struct hn_guest **ret, struct hn_error *err)
{
	struct hn_request request = {.cells = 1};
	const char *class;
	int r;

	if ((r = read_count(json, "vcpus", &request.vcpus, err)) < 0 ||
	    (r = hn_json_get_u64(json, "memory_bytes", &request.memory_bytes, err)) < 0 ||
	    (hn_json_has(json, "cells") && (r = read_count(json, "cells", &request.cells, err)) < 0) ||
	    (hn_json_has(json, "page_bytes") &&
	     (r = hn_json_get_u64(json, "page_bytes", &request.page_bytes, err)) < 0) ||
	    (hn_json_has(json, "class") && ((r = hn_json_get_string(json, "class", &class, err)) < 0 ||
					    (r = hn_class_parse(class, &request.class, err)) < 0)))
		return r;
	return hn_request_guest(&request, name, ret, err);
}

static int read_by_sizes(struct hn_service *service, json_object *json, struct hn_guest **ret,
			 struct hn_error *err)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	struct hn_settings settings;
	const char *name, *uuid = "";
	int r;

	if ((r = hn_json_get_string(json, "name", &name, err)) < 0 || (r = check_name(name, err)) < 0 ||
	    (hn_json_has(json, "uuid") &&
	     ((r = hn_json_get_string(json, "uuid", &uuid, err)) < 0 || (r = check_uuid(uuid, err)) < 0)) ||
	    (r = read_sizes(json, name, &guest, err)) < 0)
		return r;
	snprintf(guest->uuid, sizeof(guest->uuid), "%s", uuid);
	settings = hn_settings_of(service->config, guest, NULL, NULL);
	hn_settings_apply(&settings, guest);
	*ret = hn_steal(guest);
	return 0;
}

/* What a domain tells has no bound of its own. */
static int check_cells(const struct hn_guest *guest, struct hn_error *err)
{
	if (guest->cell_count > HN_REQUEST_CELLS_MAX)
		return hn_fail(err, -EINVAL, "it has %zu cells: %d at most can be asked about",
			       guest->cell_count, HN_REQUEST_CELLS_MAX);
	return 0;
}

static int read_domain(struct hn_service *service, json_object *json, struct hn_guest **ret,
		       struct hn_error *err)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	struct hn_domain_wishes wishes = {0};
	struct hn_settings settings;
	const char *xml;
	int r;

	if ((r = hn_json_get_string(json, "domain", &xml, err)) < 0 ||
	    (r = hn_domain_read(xml, strlen(xml), &guest, err)) < 0 || (r = check_cells(guest, err)) < 0 ||
	    (r = hn_domain_wishes_read(xml, strlen(xml), &wishes, err)) < 0)
		return r;
	settings = hn_settings_of(service->config, guest, &wishes.settings, NULL);
	hn_settings_apply(&settings, guest);
	hn_settings_respect_pins(&wishes, &settings, false, service->host, guest);
	hn_domain_wishes_done(&wishes);
	*ret = hn_steal(guest);
	return 0;
}

int hn_newcomer_read(struct hn_service *service, json_object *json, const char *other, struct hn_guest **ret,
		     struct hn_error *err)
{
	int r = check_members(json, other, err);

	if (r < 0)
		return r;
	return hn_json_has(json, "domain") ? read_domain(service, json, ret, err)
					   : read_by_sizes(service, json, ret, err);
}
