/* Sets of CPUs and nodes: what is taken is written in a way that reads the same, and both readers agree. */
#include "base/set.h"
#include "fuzz.h"
#include "hooks/node-set.h"

static void check_hooks(const char *text, size_t size, const struct hn_set *set, bool taken)
{
	char buffer[NODE_SET_TEXT_MAX], *formatted;
	struct node_set nodes, again;

	if (!node_set_parse(text, size, &nodes))
		return;
	/* the hooks' reader is the stricter one */
	fuzz_require(taken && memchr(text, '\0', size) == NULL);
	for (unsigned i = 0; i < NODE_SET_MAX; i++)
		fuzz_require(node_set_has(&nodes, i) == hn_set_has(set, (int)i));
	fuzz_require((int)node_set_count(&nodes) == hn_set_count(set));
	node_set_format(&nodes, buffer, sizeof(buffer));
	formatted = fuzz_text((const uint8_t *)buffer, strlen(buffer));
	fuzz_require(node_set_parse(formatted, strlen(formatted), &again));
	fuzz_require(memcmp(&nodes, &again, sizeof(nodes)) == 0);
	free(formatted);
}

static void check_format(const struct hn_set *set)
{
	char text[HN_SET_TEXT_MAX], cut[16];
	struct hn_set again;
	int members = 0;

	hn_set_format(set, text, sizeof(text));
	fuzz_require(hn_set_parse(text, &again, NULL) == 0);
	fuzz_require(hn_set_equal(set, &again));
	HN_SET_FOREACH (number, set) {
		fuzz_require(hn_set_has(set, number));
		members++;
	}
	fuzz_require(members == hn_set_count(set));
	hn_set_format(set, cut, sizeof(cut));
	fuzz_require(strlen(cut) < sizeof(cut));
	if (strlen(text) < sizeof(cut))
		fuzz_require(strcmp(cut, text) == 0);
	else
		fuzz_require(strcmp(cut + strlen(cut) - 3, "...") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HN_AUTO(memory) char *text = fuzz_text(data, size);
	struct hn_set set = {{0}};
	struct hn_error err = {0};
	int r = hn_set_parse(text, &set, &err);

	if (r < 0)
		fuzz_require_refusal(r, &err);
	if (r < 0)
		fuzz_require(hn_set_empty(&set));
	else
		check_format(&set);
	check_hooks(text, size, &set, r == 0);
	return 0;
}
