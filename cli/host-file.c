#include "cli/host-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "host/memory.h"
#include "host/topology.h"
#include "model/codec.h"

#define FILE_MAX (256 << 20)

/* -ENOENT is a guest that is not there: a file is another matter. */
static int fail_unreadable(const char *path, struct hn_error *err)
{
	int code = errno;

	return hn_fail(err, code == ENOENT ? -EINVAL : -code, "cannot read '%s': %s", path, strerror(code));
}

int hn_file_read(const char *path, size_t most, char **ret, size_t *ret_length, struct hn_error *err)
{
	HN_AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	char *text;
	size_t length = 0;

	if (fd < 0 || fstat(fd, &status) < 0)
		return fail_unreadable(path, err);
	if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size > most)
		return hn_fail(err, -EFBIG, "'%s' is no file of at most %zu MiB", path, most >> 20);
	text = malloc((size_t)status.st_size + 1);
	if (!text)
		return hn_oom(err);
	while (length < (size_t)status.st_size) {
		ssize_t r = read(fd, text + length, (size_t)status.st_size - length);

		if (r <= 0)
			break;
		length += (size_t)r;
	}
	text[length] = '\0';
	*ret = text;
	*ret_length = length;
	return 0;
}

int hn_input_read(size_t most, char **ret, size_t *ret_length, struct hn_error *err)
{
	__attribute__((cleanup(hn_cleanup_memory))) char *text = NULL;
	size_t length = 0, room = 0;

	for (;;) {
		ssize_t r;

		if (length == room) {
			char *grown = realloc(text, (room = room ? 2 * room : 65536) + 1);

			if (!grown)
				return hn_oom(err);
			text = grown;
		}
		r = read(STDIN_FILENO, text + length, room - length);
		if (r < 0)
			return hn_fail_errno(err, -errno, "cannot read standard input");
		if (r == 0)
			break;
		length += (size_t)r;
		if (length > most)
			return hn_fail(err, -EFBIG, "standard input is longer than %zu MiB", most >> 20);
	}
	text[length] = '\0';
	*ret = hn_steal(text);
	*ret_length = length;
	return 0;
}

static int read_json(const char *path, json_object **ret, struct hn_error *err)
{
	__attribute__((cleanup(hn_cleanup_memory))) char *text = NULL;
	size_t length = 0;
	int r = hn_file_read(path, FILE_MAX, &text, &length, err);

	return r < 0 ? r : hn_json_parse(text, length, path, ret, err);
}

/* What the daemon decided with; a file from elsewhere need not tell. */
static int read_options(json_object *json, struct hn_decide_options *ret, struct hn_error *err)
{
	json_object *options;
	uint64_t looks;
	int r;

	*ret = hn_decide_defaults;
	if (!hn_json_has(json, "options"))
		return 0;
	if ((r = hn_json_get_object(json, "options", &options, err)) < 0 ||
	    (r = hn_json_get_u64(options, "keep_free_bytes", &ret->solver.keep_free_bytes, err)) < 0 ||
	    (r = hn_json_get_u64(options, "looks", &looks, err)) < 0 ||
	    (r = hn_json_get_u64(options, "max_age_ns", &ret->max_age_ns, err)) < 0 ||
	    (r = hn_json_get_u64(options, "tick_ns", &ret->tick_ns, err)) < 0)
		return r;
	if (looks == 0 || looks > 1000)
		return hn_fail(err, -EPROTO, "member 'looks' is not within 1 and 1000");
	ret->looks = (unsigned)looks;
	return 0;
}

int hn_snapshot_read(json_object *json, struct hn_snapshot **ret, struct hn_decide_options *ret_options,
		     struct hn_error *err)
{
	struct hn_decide_options ignored;
	int r;

	if (!json_object_is_type(json, json_type_object))
		return hn_fail(err, -EPROTO, "it is no JSON object");
	r = read_options(json, ret_options ? ret_options : &ignored, err);
	return r < 0 ? r : hn_snapshot_decode(json, ret, err);
}

int hn_snapshot_file_load(const char *path, struct hn_snapshot **ret, struct hn_decide_options *ret_options,
			  struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	int r = read_json(path, &json, err);

	if (r < 0)
		return r;
	r = hn_snapshot_read(json, ret, ret_options, err);
	return r < 0 ? hn_error_prefix(err, "snapshot '%s'", path) : 0;
}

static int load_json(const char *path, struct hn_snapshot **ret, struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	struct hn_host *host = NULL;
	int r = read_json(path, &json, err);

	if (r < 0)
		return r;
	if (hn_json_has(json, "host")) {
		r = hn_snapshot_read(json, ret, NULL, err);
	} else {
		r = hn_host_decode(json, &host, err);
		if (r == 0 && !(*ret = hn_snapshot_new(host)))
			r = hn_oom(err);
	}
	return r < 0 ? hn_error_prefix(err, "host '%s'", path) : 0;
}

static int load_topology(const char *path, bool tree, struct hn_snapshot **ret, struct hn_error *err)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	uint64_t bytes = 0;
	int r = hn_topology_load(path, &host, err);

	if (r == 0 && tree)
		r = hn_host_memory_refresh(path, host, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < host->node_count; i++) {
		if (!tree)
			host->nodes[i].free_bytes = host->nodes[i].memory_bytes;
		bytes += host->nodes[i].memory_bytes;
	}
	if (bytes == 0)
		return hn_fail(err, -EINVAL, "host '%s': it does not say how much memory its nodes have",
			       path);
	*ret = hn_snapshot_new(hn_steal(host));
	return *ret ? 0 : hn_oom(err);
}

int hn_host_file_load(const char *path, struct hn_snapshot **ret, struct hn_error *err)
{
	size_t length = strlen(path);
	struct stat status;
	bool tree;

	if (stat(path, &status) < 0)
		return fail_unreadable(path, err);
	tree = S_ISDIR(status.st_mode);
	if (tree || (length > 4 && strcmp(path + length - 4, ".xml") == 0))
		return load_topology(path, tree, ret, err);
	return load_json(path, ret, err);
}

int hn_host_make(unsigned nodes, unsigned cpus, uint64_t memory_bytes, struct hn_host **ret,
		 struct hn_error *err)
{
	struct hn_host *host;

	if (nodes == 0 || nodes > 256)
		return hn_fail(err, -EINVAL, "nodes: %u is not within 1 and 256", nodes);
	if (cpus == 0 || (uint64_t)cpus * nodes > HN_SET_MAX)
		return hn_fail(err, -EINVAL, "cpus: %u on each of %u nodes is not within 1 and %d in all",
			       cpus, nodes, HN_SET_MAX);
	if (memory_bytes >> 20 == 0 || memory_bytes > UINT64_MAX >> 16)
		return hn_fail(err, -EINVAL, "memory: %llu bytes is no memory of a node",
			       (unsigned long long)memory_bytes);
	host = hn_host_new("modelled", nodes, (size_t)nodes * cpus);
	if (!host)
		return hn_oom(err);
	for (unsigned i = 0; i < nodes; i++)
		host->nodes[i].memory_bytes = host->nodes[i].free_bytes = memory_bytes;
	for (size_t i = 0; i < host->cpu_count; i++) {
		host->cpus[i].node = (int)(i / cpus);
		host->cpus[i].llc = host->cpus[i].package = (int)(i / cpus);
		hn_set_add(&host->nodes[i / cpus].cpus, (int)i);
	}
	*ret = host;
	return 0;
}
