/*
 * Transcripts with random damage: nothing may crash, leak, hang or answer twice. The seed is fixed, so a
 * failure can be repeated; it says which round it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/random.h"
#include "base/units.h"
#include "harness.h"
#include "qmp/assembly.h"
#include "qmp/facts.h"
#include "qmp/framing.h"
#include "qmp/introspect.h"
#include "qmp/message.h"

#define SEED 20240229
#define ROUNDS_OF_TEXT 3000
#define ROUNDS_OF_STREAM 3000
#define ROUNDS_OF_PASS 400

static const char *const interesting[] = {
	"{",
	"}",
	"[",
	"]",
	"\"",
	"\\",
	",",
	":",
	"0",
	"-1",
	"18446744073709551615",
	"99999999999999999999999",
	"null",
	"\xff",
	"\r\n",
	"\n",
	" ",
	"@",
	"(",
	")",
	"ram): ",
	"FlatView",
	"\\u0000",
	"\\ud800",
	"node 0 size: ",
	"ffffffffffffffff",
	"/objects/",
	" KVM",
	"0x",
};

/* A copy of text with up to four injuries; length in *ret_length. */
static char *injure(struct hn_random *random, const char *text, size_t *ret_length)
{
	size_t length = strlen(text);
	char *copy = malloc(length + 4 * 32 + 1);

	memcpy(copy, text, length + 1);
	for (uint64_t left = 1 + hn_random_below(random, 4); left > 0 && length > 0; left--) {
		size_t at = hn_random_below(random, length);
		const char *piece = interesting[hn_random_below(random, HN_COUNT(interesting))];
		size_t cut = hn_random_below(random, 8) == 0 ? hn_random_below(random, length - at)
							     : hn_random_below(random, 4);

		switch (hn_random_below(random, 4)) {
		case 0: /* a byte */
			copy[at] = (char)hn_random_next(random);
			break;
		case 1: /* a hole */
			cut = cut < length - at ? cut : length - at;
			memmove(copy + at, copy + at + cut, length - at - cut + 1);
			length -= cut;
			break;
		case 2: /* something that does not belong there */
			memmove(copy + at + strlen(piece), copy + at, length - at + 1);
			memcpy(copy + at, piece, strlen(piece));
			length += strlen(piece);
			break;
		default: /* a digit */
			at += strcspn(copy + at, "0123456789");
			if (at < length)
				copy[at] = (char)('0' + hn_random_below(random, 10));
			break;
		}
	}
	*ret_length = length;
	return copy;
}

static const char *const transcripts[] = {"three-cells", "booted",  "hva-9.1",
					  "bare",        "sev-5.2", "legacy-mem"};

static void load_any(struct hn_random *random, struct transcript *ret)
{
	transcript_load(transcripts[hn_random_below(random, HN_COUNT(transcripts))], ret);
}

/* Every handler on damaged answers, then all conclusions. */
static void damaged_answers(void **state)
{
	static const hn_facts_take takes[] = {
		hn_facts_take_status,  hn_facts_take_name,      hn_facts_take_uuid,
		hn_facts_take_vcpus,   hn_facts_take_iothreads, hn_facts_take_memdevs,
		hn_facts_take_devices, hn_facts_take_sev,       hn_facts_take_confidential,
		hn_facts_take_numa,    hn_facts_take_ramblocks, hn_facts_take_mtree,
	};
	struct hn_random random = {SEED};
	struct transcript transcript;

	transcript_load("three-cells", &transcript);
	for (int round = 0; round < ROUNDS_OF_TEXT; round++) {
		struct hn_facts facts = {.guest = "g"};
		HN_AUTO(memory) struct hn_region *regions = NULL;
		HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
		size_t count;

		for (size_t i = 1; i < transcript.count; i++) {
			size_t length;
			HN_AUTO(memory) char *text = injure(&random, transcript.exchanges[i].answer, &length);
			HN_AUTO(json) json_object *object = json_tokener_parse(text);
			json_object *result;

			if (!json_object_object_get_ex(object, "return", &result) || !result)
				continue;
			/* each to its own handler, at most once, and sometimes not at all */
			if (i - 1 < HN_COUNT(takes) && hn_random_below(&random, 20) > 0)
				takes[i - 1](&facts, result, NULL);
		}
		assert_int_equal(hn_regions_new(&facts, &regions, &count, NULL), 0);
		for (size_t i = 0; i < count; i++)
			if (regions[i].probe_count)
				hn_region_take_address(&facts, &regions[i], 0, regions[i].id,
						       hn_random_next(&random));
		assert_int_equal(hn_assembly_guest(&facts, regions, count, "g", &guest, NULL), 0);
		hn_facts_done(&facts);
	}
	transcript_free(&transcript);
}

static void damaged_streams(void **state)
{
	struct hn_random random = {SEED};

	for (int round = 0; round < ROUNDS_OF_STREAM; round++) {
		HN_AUTO(hn_framing) struct hn_framing *framing = hn_framing_new(64 * HN_KIB, round % 2);
		struct transcript transcript;
		size_t length, at = 0;
		char *bytes;
		int r = 0;

		load_any(&random, &transcript);
		bytes = injure(&random, transcript.received, &length);
		while (at < length && r >= 0) {
			HN_AUTO(json) json_object *object = NULL;
			size_t piece = 1 + hn_random_below(&random, 2000), used;
			struct hn_message message;

			r = hn_framing_feed(framing, bytes + at, length - at < piece ? length - at : piece,
					    &used, &object, NULL);
			at += used;
			if (r == 1)
				hn_message_read(object, &message, NULL);
		}
		free(bytes);
		transcript_free(&transcript);
	}
}

struct pass {
	struct transcript transcript;
	struct hn_random random;
	struct hn_introspection *introspection;
	int started, answers;
	bool over;
};

static void on_introspect_done(struct hn_introspect_result *result, const struct hn_error *err, void *context)
{
	struct pass *pass = context;

	pass->answers++;
	pass->over = true;
	assert_true((result == NULL) != (err == NULL));
	if (result && hn_random_below(&pass->random, 2))
		hn_guest_free(hn_steal(result->guest));
}

static void on_ready(struct hn_qmp *qmp, void *context)
{
	struct pass *pass = context;

	if (hn_introspect_start(qmp, "g", on_introspect_done, pass, &pass->introspection, NULL) == 0)
		pass->started++;
}

static void on_down(struct hn_qmp *qmp, const struct hn_error *why, uint64_t retry_ns, void *context)
{
	struct pass *pass = context;

	pass->over = true;
}

/* Whole passes, of which each answer may be damaged. */
static void on_line(struct peer *peer, const char *line, bool sentinel, void *context)
{
	struct pass *pass = context;
	size_t before = pass->transcript.count;

	if (hn_random_below(&pass->random, 10) == 0 && before > 0) {
		size_t i = hn_random_below(&pass->random, before), length;
		char *injured = injure(&pass->random, pass->transcript.exchanges[i].answer, &length);

		free(pass->transcript.exchanges[i].answer);
		injured[length] = '\0';
		pass->transcript.exchanges[i].answer = injured;
	}
	transcript_answer(peer, line, sentinel, &pass->transcript);
}

static void damaged_passes(void **state)
{
	struct hn_random random = {SEED};

	for (int round = 0; round < ROUNDS_OF_PASS; round++) {
		struct hn_qmp_limits limits = hn_qmp_default_limits;
		struct event_base *base = event_base_new();
		struct pass pass = {.random = {hn_random_next(&random)}};
		const struct hn_qmp_listener listener = {
			.ready = on_ready, .down = on_down, .context = &pass};
		struct hn_qmp *qmp;
		struct peer *peer;
		int fd;

		limits.command_timeout_ns = limits.connect_timeout_ns = 20 * HN_NS_PER_MS;
		load_any(&random, &pass.transcript);
		fd = peer_pair(base, on_line, &pass, &peer);
		peer->chunk = hn_random_below(&random, 4) ? 0 : 1 + hn_random_below(&random, 2000);
		assert_int_equal(
			hn_qmp_new_from_fd(base, "g", fd, HN_QMP_MONITOR, &limits, &listener, &qmp, NULL), 0);
		peer_send(peer, GREETING, strlen(GREETING));
		if (!run_until(base, &pass.over, 20000))
			fail_msg("round %d hangs", round);
		hn_qmp_free(qmp);
		assert_int_equal(pass.answers, pass.started);
		peer_free(peer);
		transcript_free(&pass.transcript);
		event_base_free(base);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_answers),
		cmocka_unit_test(damaged_streams),
		cmocka_unit_test(damaged_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
