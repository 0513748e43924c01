#include "xml/domain-read.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "model/check.h"
#include "xml/domain-parts.h"

static int check_root(xmlNodePtr root, struct hn_error *err)
{
	char type[40];
	int r;

	if (root->ns || !xmlStrEqual(root->name, (const xmlChar *)"domain"))
		return hn_xml_fail(root, err, "is not a <domain>");
	if ((r = hn_xml_text(root, "type", type, sizeof(type), err)) < 0)
		return r;
	if (strcmp(type, "kvm") != 0 && strcmp(type, "qemu") != 0)
		return hn_xml_fail(root, err, "type '%s' is neither kvm nor qemu", type);
	return 0;
}

/* 32 hexadecimal digits with dashes anywhere, as libvirt takes them; written with four dashes. */
static int read_uuid(xmlNodePtr element, struct hn_guest *guest, struct hn_error *err)
{
	char text[80];
	size_t digits = 0, at = 0;
	int r = hn_xml_text(element, NULL, text, sizeof(text), err);

	if (r < 0)
		return r;
	for (const char *letter = text; *letter; letter++) {
		if (*letter == '-')
			continue;
		if (!isxdigit((unsigned char)*letter) || digits == 32)
			return hn_xml_fail(element, err, "'%s' is no UUID", text);
		if (digits == 8 || digits == 12 || digits == 16 || digits == 20)
			guest->uuid[at++] = '-';
		guest->uuid[at++] = (char)tolower((unsigned char)*letter);
		digits++;
	}
	return digits == 32 ? 0 : hn_xml_fail(element, err, "'%s' is no UUID", text);
}

static int read_identity(xmlNodePtr domain, struct hn_guest *guest, struct hn_error *err)
{
	xmlNodePtr name = hn_xml_child(domain, "name"), uuid = hn_xml_child(domain, "uuid");
	int r;

	if (!name)
		return hn_xml_fail(domain, err, "<name> is missing");
	if ((r = hn_xml_text(name, NULL, guest->name, sizeof(guest->name), err)) < 0)
		return r;
	if (guest->name[0] == '\0')
		return hn_xml_fail(name, err, "'' is empty");
	return uuid ? read_uuid(uuid, guest, err) : 0;
}

int hn_domain_parse(const char *xml, size_t length, xmlDocPtr *ret, struct hn_error *err)
{
	HN_AUTO(xml_document) xmlDocPtr document = NULL;
	int r = hn_xml_parse(xml, length, HN_DOMAIN_BYTES_MAX, &document, err);

	if (r < 0 || (r = check_root(xmlDocGetRootElement(document), err)) < 0)
		return r;
	*ret = hn_steal(document);
	return 0;
}

int hn_domain_read(const char *xml, size_t length, struct hn_guest **ret, struct hn_error *err)
{
	HN_AUTO(xml_document) xmlDocPtr document = NULL;
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	xmlNodePtr domain;
	int r = hn_domain_parse(xml, length, &document, err);

	if (r < 0)
		return r;
	domain = xmlDocGetRootElement(document);
	guest = hn_guest_new("");
	if (!guest)
		return hn_oom(err);
	if ((r = read_identity(domain, guest, err)) < 0 ||
	    (r = hn_domain_cells_read(domain, guest, err)) < 0 ||
	    (r = hn_domain_backing_read(domain, guest, err)) < 0 ||
	    (r = hn_domain_memory_devices_read(domain, guest, err)) < 0 ||
	    (r = hn_domain_numatune_read(domain, guest, err)) < 0 ||
	    (r = hn_domain_cputune_read(domain, guest, err)) < 0 ||
	    (r = hn_domain_devices_read(domain, guest, err)) < 0 || (r = hn_guest_check(guest, err)) < 0)
		return r;
	*ret = hn_steal(guest);
	return 0;
}
