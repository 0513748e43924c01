/*
 * virt.h where homenode is built without libvirt: there is no connection, so nothing but hn_virt_new() is
 * ever called.
 */
#include <errno.h>

#include "virt/virt.h"

static int fail(struct hn_error *err)
{
	return hn_fail(err, -EOPNOTSUPP, "homenode was built without libvirt");
}

int hn_virt_new(struct event_base *base, const char *uri, const struct hn_virt_listener *listener,
		struct hn_virt **ret, struct hn_error *err)
{
	return fail(err);
}

int hn_virt_new_limited(struct event_base *base, const char *uri, const struct hn_virt_limits *limits,
			const struct hn_virt_listener *listener, struct hn_virt **ret, struct hn_error *err)
{
	return fail(err);
}

void hn_virt_free(struct hn_virt *virt)
{
}

bool hn_virt_connected(const struct hn_virt *virt)
{
	return false;
}

const char *hn_virt_uri(const struct hn_virt *virt)
{
	return "";
}

int hn_virt_pin(struct hn_virt *virt, const char *uuid, const struct hn_virt_pin *pins, size_t count,
		bool persistent, hn_virt_done done, void *context, struct hn_error *err)
{
	return fail(err);
}

int hn_virt_set_nodes(struct hn_virt *virt, const char *uuid, const struct hn_set *nodes, bool persistent,
		      hn_virt_done done, void *context, struct hn_error *err)
{
	return fail(err);
}

int hn_virt_set_metadata(struct hn_virt *virt, const char *uuid, const char *key, const char *namespace_uri,
			 const char *element, hn_virt_done done, void *context, struct hn_error *err)
{
	return fail(err);
}

void hn_virt_forget(struct hn_virt *virt, const void *context)
{
}

int hn_virt_wire_open(struct hn_virt *virt, const char *uuid, enum hn_virt_wire wire, int *ret_fd,
		      struct hn_error *err)
{
	return fail(err);
}
