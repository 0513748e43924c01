#pragma once
/*
 * fetch - answers of the API as model values.
 */
#include "cli/client.h"
#include "cli/picture.h"
#include "model/history.h"
#include "model/host.h"
#include "model/report.h"
#include "model/snapshot.h"
#include "policy/decide.h"

/* Each as hn_client_call(), and -EPROTO when the answer is not what this program knows. The caller frees
 * *ret. */
int hn_fetch_host(struct hn_client *client, struct hn_host **ret, struct hn_error *err);
/* And what its kernel tells; *ret_activity is NULL when homenoded has nothing of it. */
int hn_fetch_host_activity(struct hn_client *client, struct hn_host **ret, struct hn_activity **ret_activity,
			   struct hn_error *err);
int hn_fetch_guest(struct hn_client *client, const char *name, struct hn_report **ret, struct hn_error *err);
/* And what the daemon decides with. */
int hn_fetch_snapshot(struct hn_client *client, struct hn_snapshot **ret,
		      struct hn_decide_options *ret_options, struct hn_error *err);

/* Of these kinds ("samples", "decisions,moves"), from since_ns ago on; of samples those of the whole guest,
 * at most as many as the API gives at once. */
int hn_fetch_history(struct hn_client *client, const char *name, const char *kinds, uint64_t since_ns,
		     struct hn_history **ret, struct hn_error *err);

struct hn_report_list {
	size_t count;
	struct hn_report **items;
};
int hn_fetch_guests(struct hn_client *client, struct hn_report_list *ret, struct hn_error *err);
void hn_report_list_done(struct hn_report_list *list);

/* The host and all guests in brief, and one of them in full, unless its name is "" or there is none of it. */
int hn_fetch_picture(struct hn_client *client, const char *guest, struct hn_picture **ret,
		     struct hn_error *err);
