#include "fleet/retries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "fleet/record.h"

struct retry {
	uint64_t since_ns; /* 0: free */
	char key[HN_RETRIES_KEY_MAX + 1];
	char host[HN_FLEET_NAME_MAX];
};

struct hn_retries {
	struct retry all[HN_RETRIES_MAX];
};

struct hn_retries *hn_retries_new(void)
{
	return calloc(1, sizeof(struct hn_retries));
}

void hn_retries_free(struct hn_retries *retries)
{
	free(retries);
}

static struct retry *find(struct hn_retries *retries, const char *key)
{
	for (size_t i = 0; i < HN_RETRIES_MAX; i++)
		if (retries->all[i].since_ns && strcmp(retries->all[i].key, key) == 0)
			return &retries->all[i];
	return NULL;
}

static struct retry *oldest(struct hn_retries *retries)
{
	struct retry *oldest = &retries->all[0];

	for (size_t i = 1; i < HN_RETRIES_MAX && oldest->since_ns; i++)
		if (retries->all[i].since_ns < oldest->since_ns)
			oldest = &retries->all[i];
	return oldest;
}

const char *hn_retries_find(struct hn_retries *retries, const char *key, uint64_t now_ns)
{
	const struct retry *retry = find(retries, key);

	return retry && now_ns < retry->since_ns + HN_RETRIES_LIFE_S * HN_NS_PER_S ? retry->host : NULL;
}

void hn_retries_put(struct hn_retries *retries, const char *key, const char *host, uint64_t now_ns)
{
	struct retry *retry = find(retries, key);

	if (!retry)
		retry = oldest(retries);
	retry->since_ns = now_ns ? now_ns : 1;
	snprintf(retry->key, sizeof(retry->key), "%s", key);
	snprintf(retry->host, sizeof(retry->host), "%s", host);
}

void hn_retries_drop(struct hn_retries *retries, const char *key, const char *host)
{
	struct retry *retry = find(retries, key);

	if (retry && strcmp(retry->host, host) == 0)
		retry->since_ns = 0;
}
