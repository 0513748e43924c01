#include "xml/domain-wishes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "model/check.h"
#include "xml/domain-parts.h"
#include "xml/domain-read.h"

#define METADATA_ELEMENT "guest"

void hn_domain_wishes_done(struct hn_domain_wishes *wishes)
{
	free(wishes->vcpu_pins);
	free(wishes->iothread_pins);
	memset(wishes, 0, sizeof(*wishes));
}

static int fail_attribute(xmlNodePtr element, const char *name, struct hn_error *err)
{
	struct hn_error why = {0};
	enum hn_setting ignored;

	(void)hn_setting_find(name, &ignored, &why);
	return hn_xml_fail(element, err, "%s", why.message);
}

static int read_settings(xmlNodePtr element, struct hn_settings *settings, struct hn_error *err)
{
	char text[HN_SETTING_TEXT_MAX];
	struct hn_error why = {0};
	enum hn_setting setting;
	int r;

	for (xmlNodePtr child = element->children; child; child = child->next)
		if (child->type == XML_ELEMENT_NODE)
			return hn_xml_fail(child, err, "settings are attributes of <" METADATA_ELEMENT ">");
	for (xmlAttrPtr attribute = element->properties; attribute; attribute = attribute->next) {
		const char *name = (const char *)attribute->name;

		if (attribute->ns)
			continue;
		if (hn_setting_find(name, &setting, NULL) < 0)
			return fail_attribute(element, name, err);
		if ((r = hn_xml_text(element, name, text, sizeof(text), err)) < 0)
			return r;
		if (hn_settings_set(settings, name, text, &why) < 0)
			return hn_xml_fail(element, err, "%s", why.message);
	}
	return 0;
}

static int read_metadata(xmlNodePtr domain, struct hn_settings *settings, struct hn_error *err)
{
	xmlNodePtr metadata = hn_xml_child(domain, "metadata"), found = NULL;

	for (xmlNodePtr child = metadata ? metadata->children : NULL; child; child = child->next) {
		if (child->type != XML_ELEMENT_NODE || !child->ns ||
		    !xmlStrEqual(child->ns->href, (const xmlChar *)HN_DOMAIN_NAMESPACE))
			continue;
		if (!xmlStrEqual(child->name, (const xmlChar *)METADATA_ELEMENT))
			return hn_xml_fail(child, err,
					   "there is only <" METADATA_ELEMENT
					   "> in the namespace " HN_DOMAIN_NAMESPACE);
		if (found)
			return hn_xml_fail(child, err, "is there twice, on line %ld already",
					   xmlGetLineNo(found));
		found = child;
	}
	return found ? read_settings(found, settings, err) : 0;
}

/* As libvirt: a size is a whole number of KiB, rounded up. */
static int add_kib(xmlNodePtr element, const char *attribute, uint64_t *kib, struct hn_error *err)
{
	uint64_t bytes = 0;
	int r = hn_xml_bytes(element, attribute, &bytes, err);

	if (r == 0)
		*kib += (bytes - 1) / HN_KIB + 1;
	return r;
}

/* <memory>, else cells and memory devices. */
static int read_memory(xmlNodePtr domain, uint64_t *ret_mib, struct hn_error *err)
{
	xmlNodePtr memory = hn_xml_child(domain, "memory");
	uint64_t kib = 0;
	int r;

	if (memory) {
		r = add_kib(memory, NULL, &kib, err);
		*ret_mib = (kib + 1023) / 1024;
		return r;
	}
	HN_XML_FOREACH(cell, hn_xml_child(hn_xml_child(domain, "cpu"), "numa"), "cell")
	{
		if ((r = add_kib(cell, "memory", &kib, err)) < 0)
			return r;
	}
	HN_XML_FOREACH(device, hn_xml_child(domain, "devices"), "memory")
	{
		xmlNodePtr size = hn_xml_child(hn_xml_child(device, "target"), "size");

		if (size && (r = add_kib(size, NULL, &kib, err)) < 0)
			return r;
	}
	*ret_mib = (kib + 1023) / 1024;
	return 0;
}

static int read_numad(xmlNodePtr domain, struct hn_domain_wishes *wishes, struct hn_error *err)
{
	xmlNodePtr memory = hn_xml_child(hn_xml_child(domain, "numatune"), "memory");
	struct hn_set all = {0}, present = {0};
	int r = hn_domain_vcpus_read(domain, &all, &present, err);

	if (r < 0)
		return r;
	wishes->asks_numad = hn_xml_is(hn_xml_child(domain, "vcpu"), "placement", "auto") ||
			     hn_xml_is(memory, "placement", "auto");
	wishes->numad_vcpus = (unsigned)hn_set_count(&present);
	return read_memory(domain, &wishes->numad_mib, err);
}

static int compare_pins(const void *a, const void *b)
{
	const struct hn_domain_pin *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

/* All pins of one kind, in order; a number that is pinned twice is refused, as libvirt does. */
static int read_pins(xmlNodePtr tune, const char *kind, const char *attribute, uint64_t most,
		     struct hn_domain_pin **pins, size_t *count, struct hn_error *err)
{
	size_t room = 0;
	int r;

	HN_XML_FOREACH(element, tune, kind)
	{
		room++;
	}
	*pins = calloc(room + 1, sizeof(**pins));
	if (!*pins)
		return hn_oom(err);
	HN_XML_FOREACH(element, tune, kind)
	{
		uint64_t number = 0;

		if ((r = hn_xml_number(element, attribute, 0, most, &number, err)) < 0 ||
		    (r = hn_xml_set(element, "cpuset", &(*pins)[*count].cpus, err)) < 0)
			return r;
		(*pins)[(*count)++].number = (unsigned)number;
	}
	qsort(*pins, *count, sizeof(**pins), compare_pins);
	for (size_t i = 1; i < *count; i++)
		if ((*pins)[i].number == (*pins)[i - 1].number)
			return hn_xml_fail(tune, err, "%s %u is pinned twice", attribute, (*pins)[i].number);
	return 0;
}

static int read_cputune(xmlNodePtr domain, struct hn_domain_wishes *wishes, struct hn_error *err)
{
	xmlNodePtr tune = hn_xml_child(domain, "cputune"), vcpu = hn_xml_child(domain, "vcpu");
	xmlNodePtr emulator = hn_xml_child(tune, "emulatorpin");
	int r;

	if ((r = read_pins(tune, "vcpupin", "vcpu", HN_SET_MAX - 1, &wishes->vcpu_pins,
			   &wishes->vcpu_pin_count, err)) < 0 ||
	    (r = read_pins(tune, "iothreadpin", "iothread", UINT32_MAX, &wishes->iothread_pins,
			   &wishes->iothread_pin_count, err)) < 0 ||
	    (emulator && (r = hn_xml_set(emulator, "cpuset", &wishes->emulator_cpus, err)) < 0))
		return r;
	if (vcpu && hn_xml_has(vcpu, "cpuset") && !hn_xml_is(vcpu, "placement", "auto"))
		return hn_xml_set(vcpu, "cpuset", &wishes->vcpu_cpus, err);
	return 0;
}

static int read_numatune(xmlNodePtr domain, struct hn_domain_wishes *wishes, struct hn_error *err)
{
	xmlNodePtr tune = hn_xml_child(domain, "numatune"), memory = hn_xml_child(tune, "memory");

	wishes->has_memnodes = hn_xml_child(tune, "memnode") != NULL;
	if (!memory)
		return 0;
	if (hn_xml_has(memory, "mode"))
		return hn_xml_text(memory, "mode", wishes->memory_mode, sizeof(wishes->memory_mode), err);
	strcpy(wishes->memory_mode, "strict");
	return 0;
}

int hn_domain_wishes_read(const char *xml, size_t length, struct hn_domain_wishes *ret, struct hn_error *err)
{
	HN_AUTO(xml_document) xmlDocPtr document = NULL;
	xmlNodePtr domain;
	int r;

	memset(ret, 0, sizeof(*ret));
	if ((r = hn_domain_parse(xml, length, &document, err)) < 0)
		return r;
	domain = xmlDocGetRootElement(document);
	ret->is_kvm = hn_xml_is(domain, "type", "kvm");
	if ((r = read_metadata(domain, &ret->settings, err)) < 0 || (r = read_numad(domain, ret, err)) < 0 ||
	    (r = read_cputune(domain, ret, err)) < 0 || (r = read_numatune(domain, ret, err)) < 0)
		hn_domain_wishes_done(ret);
	return r;
}

static void write_escaped(FILE *out, const char *text)
{
	for (; *text; text++)
		if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else if (*text == '\'')
			fputs("&apos;", out);
		else
			putc(*text, out);
}

int hn_domain_settings_write(const struct hn_settings *settings, char **ret, struct hn_error *err)
{
	char text[HN_SETTING_TEXT_MAX], *buffer = NULL;
	size_t size = 0;
	FILE *out;
	bool failed;

	*ret = NULL;
	if (settings->said == 0)
		return 0;
	out = open_memstream(&buffer, &size);
	if (!out)
		return hn_oom(err);
	fputs("<" METADATA_ELEMENT, out);
	for (unsigned i = 0; i < HN_SETTING_COUNT; i++) {
		if (!hn_settings_says(settings, (enum hn_setting)i))
			continue;
		fprintf(out, " %s='", hn_setting_name((enum hn_setting)i));
		write_escaped(out, hn_settings_get(settings, (enum hn_setting)i, text, sizeof(text)));
		putc('\'', out);
	}
	fputs("/>", out);
	failed = ferror(out);
	if (fclose(out) != 0 || failed) {
		free(buffer);
		return hn_oom(err);
	}
	*ret = buffer;
	return 0;
}
