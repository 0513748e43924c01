#pragma once
/*
 * poller - a thread that asks homenoded for a picture again and again, so that whoever draws never waits.
 */
#include <stdint.h>

#include "cli/client.h"
#include "cli/picture.h"

struct hn_poller;

/* Begins with a poll. The client belongs to the poller until it is freed. */
int hn_poller_start(struct hn_client *client, uint64_t interval_ns, struct hn_poller **ret,
		    struct hn_error *err);
/* Ends the thread at once, in the middle of a poll too. NULL is fine. */
void hn_poller_free(struct hn_poller *poller);
HN_CLEANUP_DEFINE(hn_poller, struct hn_poller *, hn_poller_free);

/* From now on with this guest in full, "" none; polls at once when that is another than before. */
void hn_poller_watch(struct hn_poller *poller, const char *guest);

/* Readable when a poll has ended, well or not. */
int hn_poller_fd(const struct hn_poller *poller);

/*
 * How the latest poll ended: 1 and a picture, which is the caller's; the negative errno of its failure with
 * the sentence; or 0 when there has been none since the last call.
 */
int hn_poller_take(struct hn_poller *poller, struct hn_picture **ret, struct hn_error *err);
