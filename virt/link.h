#pragma once
/*
 * link - a worker's connection to libvirt. Only the worker's thread uses it, and every function may block.
 */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"

struct hn_ear;
struct hn_link;
struct hn_worker;

HN_CLEANUP_DEFINE(vir_domain, virDomainPtr, virDomainFree);

/* Not connected. With an ear (whose reference is taken over) it hears of events. NULL: out of memory. */
struct hn_link *hn_link_new(const char *uri, int keepalive_s, unsigned keepalive_count, struct hn_ear *ear);
void hn_link_free(struct hn_link *link);

/* Once, by the worker that owns it. */
void hn_link_set_worker(struct hn_link *link, struct hn_worker *worker);
/* Between two calls of one job: the time limit begins anew. */
void hn_link_mark(struct hn_link *link);

int hn_link_open(struct hn_link *link, struct hn_error *err);
void hn_link_close(struct hn_link *link);
/* At the end of a job: a failure that comes from the connection's end becomes -ENOTCONN, or -ETIMEDOUT when
 * the job had taken too long. */
void hn_link_explain(const struct hn_link *link, struct hn_error *err);
bool hn_link_alive(const struct hn_link *link);

virConnectPtr hn_link_connection(const struct hn_link *link);
/* The caller owns *ret. -ENOENT, -ENOTCONN. */
int hn_link_domain(struct hn_link *link, const char *uuid, virDomainPtr *ret, struct hn_error *err);
