#pragma once
/*
 * publish - tells the fleet of this host: its record in etcd, kept up to date (fleet/record.h,
 * fleet/announce.h).
 *
 * It is looked at once in an interval, with jitter, and told when it differs materially from what was told
 * last, or after five minutes. Where etcd is away nothing else is any different; that is said once.
 */
#include "base/error.h"
#include "daemon/service.h"

struct hn_publish;

/*
 * *ret is NULL where the configuration has no endpoints. -EOPNOTSUPP for a host that the fleet has no records
 * for, -EINVAL or -errno of reading the password, -ENOMEM.
 */
int hn_publish_new(struct hn_service *service, struct hn_publish **ret, struct hn_error *err);
void hn_publish_free(struct hn_publish *publish); /* NULL is fine */
