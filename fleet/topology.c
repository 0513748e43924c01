#include "fleet/topology.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "model/check.h"
#include "model/codec.h"

static void round_memory(struct hn_node *node)
{
	uint64_t unit = node->memory_bytes >= HN_GIB ? 64 * HN_MIB : HN_MIB;

	if (node->memory_bytes > unit)
		node->memory_bytes -= node->memory_bytes % unit;
}

static int strip(const struct hn_host *host, struct hn_host **ret, struct hn_error *err)
{
	struct hn_host *copy = hn_host_copy(host);
	char *name = strdup("topology");

	if (!copy || !name) {
		hn_host_free(copy);
		free(name);
		return hn_oom(err);
	}
	free(copy->name);
	copy->name = name;
	copy->kernel_balancing = copy->fifo_hazard = false;
	for (size_t i = 0; i < copy->node_count; i++) {
		struct hn_node *node = &copy->nodes[i];

		node->free_bytes = node->reserved_bytes = node->watermark_bytes = 0;
		node->draining = false;
		round_memory(node);
		for (size_t pool = 0; pool < node->pool_count; pool++)
			node->pools[pool].total_pages = node->pools[pool].free_pages = 0;
	}
	*ret = copy;
	return 0;
}

static int name(struct hn_topology *topology, struct hn_error *err)
{
	HN_AUTO(json) json_object *json = hn_topology_encode(topology);
	unsigned char hash[EVP_MAX_MD_SIZE];
	size_t length = 0;
	const char *text =
		json ? json_object_to_json_string_length(json, JSON_C_TO_STRING_PLAIN, &length) : NULL;

	if (!text || EVP_Digest(text, length, hash, NULL, EVP_sha256(), NULL) != 1)
		return hn_oom(err);
	for (size_t i = 0; i < (HN_TOPOLOGY_DIGEST_MAX - 1) / 2; i++)
		sprintf(topology->digest + 2 * i, "%02x", hash[i]);
	return 0;
}

int hn_topology_of(const struct hn_host *host, struct hn_topology **ret, struct hn_error *err)
{
	HN_AUTO(hn_topology) struct hn_topology *topology = calloc(1, sizeof(*topology));
	int r;

	if (!topology)
		return hn_oom(err);
	topology->users = 1;
	if (host->node_count > HN_TOPOLOGY_NODES_MAX)
		return hn_fail(err, -EOPNOTSUPP,
			       "the fleet knows hosts of %d nodes at most, and this one has %zu",
			       HN_TOPOLOGY_NODES_MAX, host->node_count);
	if ((r = strip(host, &topology->host, err)) < 0 || (r = name(topology, err)) < 0)
		return r;
	*ret = hn_steal(topology);
	return 0;
}

struct hn_topology *hn_topology_share(struct hn_topology *topology)
{
	topology->users++;
	return topology;
}

void hn_topology_free(struct hn_topology *topology)
{
	if (!topology || --topology->users > 0)
		return;
	hn_host_free(topology->host);
	free(topology);
}

json_object *hn_topology_encode(const struct hn_topology *topology)
{
	return hn_host_encode(topology->host);
}

int hn_topology_decode(json_object *json, const char *digest, struct hn_topology **ret, struct hn_error *err)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	HN_AUTO(hn_topology) struct hn_topology *topology = NULL;
	int r = hn_host_decode(json, &host, err);

	if (r < 0 || (r = hn_host_check(host, err)) < 0)
		return r == -ENOMEM ? r : (hn_error_prefix(err, "topology %.40s", digest), -EPROTO);
	if ((r = hn_topology_of(host, &topology, err)) < 0)
		return r;
	if (strcmp(topology->digest, digest) != 0)
		return hn_fail(err, -EPROTO, "topology %.40s is not the one that its name says", digest);
	*ret = hn_steal(topology);
	return 0;
}
