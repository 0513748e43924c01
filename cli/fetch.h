#pragma once
/*
 * fetch - answers of the API as model values.
 */
#include "cli/client.h"
#include "model/host.h"
#include "model/report.h"
#include "model/snapshot.h"
#include "policy/decide.h"

/* Each as hn_client_call(), and -EPROTO when the answer is not what this program knows. The caller frees
 * *ret. */
int hn_fetch_host(struct hn_client *client, struct hn_host **ret, struct hn_error *err);
int hn_fetch_guest(struct hn_client *client, const char *name, struct hn_report **ret, struct hn_error *err);
/* And what the daemon decides with. */
int hn_fetch_snapshot(struct hn_client *client, struct hn_snapshot **ret,
		      struct hn_decide_options *ret_options, struct hn_error *err);

struct hn_report_list {
	size_t count;
	struct hn_report **items;
};
int hn_fetch_guests(struct hn_client *client, struct hn_report_list *ret, struct hn_error *err);
void hn_report_list_done(struct hn_report_list *list);
