/*
 * Domain XML. What is taken is a possible guest; homenode's settings read from it are written so that they
 * read the same; and a placement written into it leaves XML of the same guest, in which it stands: to write
 * it again changes nothing.
 */
#include "fuzz.h"
#include "model/check.h"
#include "model/codec.h"
#include "xml/domain-read.h"
#include "xml/domain-wishes.h"
#include "xml/domain-write.h"
#include "xml/element.h"

static void check_settings(const struct hn_settings *settings)
{
	HN_AUTO(memory) char *element = NULL, *xml = NULL;
	struct hn_domain_wishes again = {0};
	struct hn_error err = {0};

	fuzz_require(hn_domain_settings_write(settings, &element, &err) == 0);
	if (!element)
		return;
	fuzz_require(asprintf(&xml,
			      "<domain type='kvm'><name>g</name><memory>1</memory><vcpu>1</vcpu><metadata>"
			      "<%s xmlns='" HN_DOMAIN_NAMESPACE "'%s</metadata></domain>",
			      "guest", element + strlen("<guest")) > 0);
	if (hn_domain_wishes_read(xml, strlen(xml), &again, &err) < 0)
		fuzz_fail(err.message, __FILE__, __LINE__);
	fuzz_require_same_json(hn_settings_encode(settings), hn_settings_encode(&again.settings));
	hn_domain_wishes_done(&again);
}

static void check_wishes(const char *xml, size_t length)
{
	struct hn_domain_wishes wishes = {0};
	struct hn_error err = {0};
	int r = hn_domain_wishes_read(xml, length, &wishes, &err);

	if (r < 0) {
		fuzz_require_refusal(r, &err);
	} else {
		check_settings(&wishes.settings);
		for (size_t i = 1; i < wishes.vcpu_pin_count; i++)
			fuzz_require(wishes.vcpu_pins[i - 1].number <= wishes.vcpu_pins[i].number);
		hn_domain_wishes_done(&wishes);
	}
}

/* The guest without what a placement says. */
static json_object *essence(struct hn_guest *guest)
{
	json_object *json;

	guest->allowed_nodes = (struct hn_set){{0}};
	guest->class = HN_CLASS_SHARED;
	for (size_t i = 0; i < guest->cell_count; i++)
		guest->cells[i].allowed_nodes = (struct hn_set){{0}};
	for (size_t i = 0; i < guest->backend_count; i++) {
		guest->backends[i].policy[0] = '\0';
		guest->backends[i].host_nodes = (struct hn_set){{0}};
	}
	json = hn_guest_encode(guest);
	fuzz_require(json);
	return json;
}

static void check_written(const char *xml, size_t length, struct hn_guest *guest, enum hn_domain_scope scope)
{
	HN_AUTO(hn_host) struct hn_host *host = fuzz_host();
	HN_AUTO(hn_placement) struct hn_placement *home = fuzz_home(guest, host, 1);
	HN_AUTO(memory) char *written = NULL, *again = NULL;
	HN_AUTO(hn_guest) struct hn_guest *read_back = NULL;
	bool changed = false;
	struct hn_error err = {0};
	int r = hn_domain_write(xml, length, guest, host, home, scope, &written, &changed, &err);

	if (r < 0) {
		fuzz_require_refusal(r, &err);
		return;
	}
	fuzz_require(changed || strncmp(written, xml, length) == 0);
	if (hn_domain_read(written, strlen(written), &read_back, &err) < 0 ||
	    hn_domain_write(written, strlen(written), read_back, host, home, scope, &again, &changed, &err) <
		    0) {
		fprintf(stderr, "%s\n", written);
		fuzz_fail(err.message, __FILE__, __LINE__);
	}
	if (changed)
		fprintf(stderr, "first: %s\nsecond: %s\n", written, again);
	fuzz_require(!changed && strcmp(written, again) == 0);
	fuzz_require_same_json(essence(guest), essence(read_back));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HN_AUTO(memory) char *xml = fuzz_text(data, size);
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	struct hn_error err = {0};
	int r = hn_domain_read(xml, size, &guest, &err);

	check_wishes(xml, size);
	if (r < 0) {
		fuzz_require_refusal(r, &err);
		return 0;
	}
	fuzz_require(hn_guest_check(guest, &err) == 0);
	check_written(xml, size, guest, HN_DOMAIN_EXISTING);
	check_written(xml, size, guest, HN_DOMAIN_ALL);
	return 0;
}
