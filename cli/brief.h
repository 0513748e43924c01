#pragma once
/*
 * brief - a guest's report as a list of many guests needs it: without its threads and backends, and with what
 * its threads come to instead.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "model/report.h"

struct hn_brief {
	struct hn_report *report; /* no threads, backends, devices, actions, notes, and homes without bytes */
	double busy;              /* CPUs that its threads keep busy */
	double vcpu_busy;         /* and its vCPUs of these */
	size_t node_count;
	double *node_busy; /* by host node index; NULL while unknown */
};

struct hn_brief_list {
	size_t count;
	struct hn_brief *items;
};
void hn_brief_list_done(struct hn_brief_list *list);

/* The answer to GET /v1/guests, NUL-terminated. -EPROTO with the guest and the member that is wrong, -ENOMEM.
 */
int hn_brief_list_read(const char *text, struct hn_brief_list *ret, struct hn_error *err);
