#include "virt/link.h"

#include <errno.h>
#include <string.h>

#include "virt/ear.h"
#include "virt/failure.h"
#include "virt/worker.h"

struct hn_link {
	char *uri;
	int keepalive_s;
	unsigned keepalive_count;
	struct hn_ear *ear;
	struct hn_worker *worker;
	virConnectPtr connection;
};

struct hn_link *hn_link_new(const char *uri, int keepalive_s, unsigned keepalive_count, struct hn_ear *ear)
{
	struct hn_link *link = calloc(1, sizeof(*link));

	if (link)
		link->uri = strdup(uri);
	if (!link || !link->uri) {
		free(link);
		if (ear)
			hn_ear_unref(ear);
		return NULL;
	}
	link->keepalive_s = keepalive_s;
	link->keepalive_count = keepalive_count;
	link->ear = ear;
	return link;
}

void hn_link_free(struct hn_link *link)
{
	if (!link)
		return;
	hn_link_close(link);
	if (link->ear)
		hn_ear_unref(link->ear);
	free(link->uri);
	free(link);
}

void hn_link_set_worker(struct hn_link *link, struct hn_worker *worker)
{
	link->worker = worker;
}

void hn_link_mark(struct hn_link *link)
{
	hn_worker_mark(link->worker);
}

void hn_link_close(struct hn_link *link)
{
	if (!link->connection)
		return;
	if (link->ear)
		hn_ear_turn_away(link->ear, link->connection);
	virConnectClose(hn_steal(link->connection));
}

int hn_link_open(struct hn_link *link, struct hn_error *err)
{
	int r = 0;

	hn_link_close(link);
	virResetLastError();
	link->connection = virConnectOpen(link->uri);
	if (!link->connection)
		return hn_virt_fail(err, "cannot connect to libvirt at %s", link->uri);
	hn_link_mark(link);
	/* 1: the other end knows no keep-alive; -EOPNOTSUPP: a driver in this process needs none */
	if (virConnectSetKeepAlive(link->connection, link->keepalive_s, link->keepalive_count) < 0)
		r = hn_virt_fail(err, "libvirt at %s: no keep-alive", link->uri);
	if (r == -EOPNOTSUPP)
		r = err->code = 0;
	if (r == 0 && link->ear)
		r = hn_ear_turn_to(link->ear, link->connection, err);
	if (r < 0)
		hn_link_close(link);
	return r;
}

void hn_link_explain(const struct hn_link *link, struct hn_error *err)
{
	if (err->code == 0)
		return;
	if (hn_worker_late(link->worker)) {
		hn_error_prefix(err, "not answered in time");
		err->code = -ETIMEDOUT;
	} else if (err->code == -EREMOTEIO && !hn_link_alive(link)) {
		err->code = -ENOTCONN;
	}
}

bool hn_link_alive(const struct hn_link *link)
{
	return link->connection && virConnectIsAlive(link->connection) == 1;
}

virConnectPtr hn_link_connection(const struct hn_link *link)
{
	return link->connection;
}

int hn_link_domain(struct hn_link *link, const char *uuid, virDomainPtr *ret, struct hn_error *err)
{
	if (!link->connection)
		return hn_fail(err, -ENOTCONN, "not connected to libvirt");
	virResetLastError();
	*ret = virDomainLookupByUUIDString(link->connection, uuid);
	return *ret ? 0 : hn_virt_fail(err, "domain %s", uuid);
}
