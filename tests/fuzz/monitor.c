/*
 * A monitor's bytes, from framing to the guest that is made of its answers: cut differently they are the same
 * messages. The first byte says how they are cut: to single bytes where they are few.
 */
#include "fuzz.h"
#include "qmp/assembly.h"
#include "qmp/facts.h"
#include "qmp/framing.h"
#include "qmp/message.h"

#define MESSAGE_MAX 16384
#define MESSAGES_MAX 64
#define PIECES_MAX 256

struct stream {
	size_t count;
	json_object *messages[MESSAGES_MAX];
	int result; /* of the end */
};

static void read_stream(const char *bytes, size_t length, bool sentinels, size_t piece, struct stream *ret)
{
	HN_AUTO(hn_framing) struct hn_framing *framing = hn_framing_new(MESSAGE_MAX, sentinels);

	fuzz_require(framing);
	*ret = (struct stream){0};
	for (size_t at = 0; at < length && ret->count < MESSAGES_MAX;) {
		size_t offered = length - at < piece ? length - at : piece, used = 0;
		HN_AUTO(memory) char *copy = fuzz_text((const uint8_t *)bytes + at, offered);
		struct hn_error err = {0};
		json_object *message = NULL;

		ret->result = hn_framing_feed(framing, copy, offered, &used, &message, &err);
		if (ret->result < 0) {
			fuzz_require_refusal(ret->result, &err);
			return;
		}
		fuzz_require(used <= offered && (ret->result == 1 || used == offered));
		fuzz_require((ret->result == 1) == json_object_is_type(message, json_type_object));
		if (ret->result == 1)
			ret->messages[ret->count++] = message;
		at += used;
	}
}

/* Each question is answered once. */
static void take(struct hn_facts *facts, unsigned *answered, json_object *body)
{
	static const hn_facts_take takes[] = {
		hn_facts_take_status,  hn_facts_take_name,      hn_facts_take_uuid,
		hn_facts_take_vcpus,   hn_facts_take_iothreads, hn_facts_take_memdevs,
		hn_facts_take_devices, hn_facts_take_sev,       hn_facts_take_confidential,
		hn_facts_take_numa,    hn_facts_take_ramblocks, hn_facts_take_mtree,
	};

	for (size_t i = 0; i < HN_COUNT(takes); i++) {
		struct hn_error err = {0};
		int r = *answered >> i & 1 ? 0 : takes[i](facts, body, &err);

		if (r < 0)
			fuzz_require_refusal(r, &err);
		else
			*answered |= 1u << i;
	}
}

static void assemble(struct hn_facts *facts)
{
	HN_AUTO(memory) struct hn_region *regions = NULL;
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	char region[HN_NAME_MAX];
	uint64_t address;
	size_t count;
	struct hn_error err = {0};

	fuzz_require(hn_regions_new(facts, &regions, &count, &err) == 0);
	for (size_t i = 0; i < count; i++)
		for (size_t probe = 0; probe < regions[i].probe_count; probe++)
			hn_region_take_address(facts, &regions[i], probe, regions[i].id,
					       0x7f0000000000 + regions[i].probes[probe].offset);
	fuzz_require(hn_assembly_guest(facts, regions, count, "guest", &guest, &err) == 0);
	fuzz_require(guest->name[0]);
	if (facts->note_count)
		(void)hn_mtree_parse_gpa2hva(facts->notes[0], region, &address, NULL);
}

static void take_all(const struct stream *stream)
{
	struct hn_facts facts = {.guest = "guest"};
	unsigned answered = 0;

	for (size_t i = 0; i < stream->count; i++) {
		struct hn_message message;
		struct hn_error err = {0};
		int r = hn_message_read(stream->messages[i], &message, &err);

		if (r < 0)
			fuzz_require_refusal(r, &err);
		else if (message.kind == HN_MESSAGE_RETURN)
			take(&facts, &answered, message.body);
	}
	assemble(&facts);
	hn_facts_done(&facts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream whole, cut;
	size_t piece;
	bool sentinels;

	if (size < 1)
		return 0;
	sentinels = data[0] & 1;
	piece = 1 + (data[0] >> 1);
	if (piece < size / PIECES_MAX)
		piece = size / PIECES_MAX;
	read_stream((const char *)data + 1, size - 1, sentinels, SIZE_MAX, &whole);
	read_stream((const char *)data + 1, size - 1, sentinels, piece, &cut);
	fuzz_require(whole.count == cut.count);
	fuzz_require(whole.count == MESSAGES_MAX || (whole.result < 0) == (cut.result < 0));
	take_all(&whole);
	for (size_t i = 0; i < whole.count; i++)
		fuzz_require_same_json(whole.messages[i], cut.messages[i]);
	return 0;
}
