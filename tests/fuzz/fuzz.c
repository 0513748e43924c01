#include "fuzz.h"

#include <sys/mman.h>

#include "base/units.h"

#define NODES 4
#define NODE_CPUS 4

_Noreturn void fuzz_fail(const char *claim, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, claim);
	abort();
}

void fuzz_require_refusal(int result, const struct hn_error *err)
{
	fuzz_require(result < 0);
	fuzz_require(err->code < 0);
	fuzz_require(err->message[0] != '\0');
	fuzz_require(memchr(err->message, '\0', sizeof(err->message)));
}

char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

json_object *fuzz_json(const uint8_t *data, size_t size)
{
	HN_AUTO(memory) char *text = fuzz_text(data, size);
	json_object *json = NULL;
	struct hn_error err = {0};
	int r = hn_json_parse(text, size, "input", &json, &err);

	if (r == 0)
		return json;
	fuzz_require_refusal(r, &err);
	return NULL;
}

void fuzz_require_same_json(json_object *a, json_object *b)
{
	const char *text = json_object_to_json_string(a), *other = json_object_to_json_string(b);
	json_object *read_back = NULL;
	struct hn_error err = {0};

	if (hn_json_parse(text, strlen(text), "what was written", &read_back, &err) < 0)
		fuzz_fail(err.message, __FILE__, __LINE__);
	json_object_put(read_back);
	if (strcmp(text, other) != 0)
		fprintf(stderr, "first:  %s\nsecond: %s\n", text, other);
	fuzz_require(strcmp(text, other) == 0);
	json_object_put(a);
	json_object_put(b);
}

struct hn_host *fuzz_host(void)
{
	struct hn_host *host = hn_host_new("h", NODES, (size_t)NODES * NODE_CPUS);

	fuzz_require(host);
	for (size_t i = 0; i < host->cpu_count; i++) {
		host->cpus[i].node = (int)(i / NODE_CPUS);
		hn_set_add(&host->nodes[i / NODE_CPUS].cpus, (int)i);
	}
	for (size_t i = 0; i < NODES; i++)
		host->nodes[i].memory_bytes = host->nodes[i].free_bytes = 16 * HN_GIB;
	return host;
}

struct hn_placement *fuzz_home(const struct hn_guest *guest, const struct hn_host *host, int first_node)
{
	struct hn_placement *home = hn_placement_new(host->node_count, guest->cell_count);
	size_t at = 0;

	fuzz_require(home && hn_placement_set_vcpus(home, (size_t)hn_guest_vcpu_count(guest)) == 0);
	for (size_t i = 0; i < guest->cell_count; i++) {
		home->cells[i].cell = guest->cells[i].id;
		hn_set_add(&home->cells[i].nodes, (int)((size_t)first_node + i) % NODES);
	}
	for (int vcpu = 0; at < home->vcpu_count; vcpu++)
		for (size_t i = 0; i < guest->cell_count; i++)
			if (hn_set_has(&guest->cells[i].vcpus, vcpu)) {
				home->vcpus[at].vcpu = vcpu;
				home->vcpus[at++].cpus =
					host->nodes[hn_set_next(&home->cells[i].nodes, 0)].cpus;
			}
	home->other_cpus = host->nodes[first_node].cpus;
	return home;
}

const char *fuzz_file(const void *data, size_t size)
{
	static char path[32];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("input", MFD_CLOEXEC);
		fuzz_require(fd >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	fuzz_require(ftruncate(fd, 0) == 0);
	fuzz_require(pwrite(fd, data, size, 0) == (ssize_t)size);
	return path;
}
