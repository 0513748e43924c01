/*
 * domain-devices - the host's devices a guest uses, and what they do to its memory: VFIO and vDPA pin all of
 * it for DMA, an encrypted guest's pages are bound to where they were encrypted.
 */
#include <stdio.h>
#include <string.h>

#include "xml/domain-parts.h"

static int add_address(xmlNodePtr element, struct hn_guest *guest, struct hn_error *err)
{
	xmlNodePtr address = hn_xml_child(hn_xml_child(element, "source"), "address");
	uint64_t domain = 0, bus, slot, function;
	char name[32];
	int r;

	if (!address)
		return hn_xml_fail(element, err, "its source's <address> is missing");
	if ((hn_xml_has(address, "domain") &&
	     (r = hn_xml_number(address, "domain", 0, UINT32_MAX, &domain, err)) < 0) ||
	    (r = hn_xml_number(address, "bus", 0, 0xff, &bus, err)) < 0 ||
	    (r = hn_xml_number(address, "slot", 0, 0x1f, &slot, err)) < 0 ||
	    (r = hn_xml_number(address, "function", 0, 7, &function, err)) < 0)
		return r;
	snprintf(name, sizeof(name), "%04x:%02x:%02x.%x", (unsigned)domain, (unsigned)bus, (unsigned)slot,
		 (unsigned)function);
	for (size_t i = 0; i < guest->device_count; i++) {
		if (strcmp(guest->devices[i], name) != 0)
			continue;
		if (xmlStrEqual(element->name, (const xmlChar *)"disk")) /* namespaces of one NVMe device */
			return 0;
		return hn_xml_fail(address, err, "device %s is there twice", name);
	}
	return hn_guest_add_device(guest, name) ? hn_oom(err) : 0;
}

/* 1 when the element is a PCI device of the host's, which is added; or one that pins memory without. */
static int read_device(xmlNodePtr element, struct hn_guest *guest, struct hn_error *err)
{
	const char *kind = (const char *)element->name;
	bool is_pci;
	int r;

	if (hn_xml_is(element, "type", "mdev") || hn_xml_is(element, "type", "vdpa"))
		return 1;
	is_pci = (strcmp(kind, "hostdev") == 0 && hn_xml_is(element, "type", "pci")) ||
		 (strcmp(kind, "interface") == 0 && hn_xml_is(element, "type", "hostdev") &&
		  hn_xml_is(hn_xml_child(hn_xml_child(element, "source"), "address"), "type", "pci")) ||
		 (strcmp(kind, "disk") == 0 && hn_xml_is(element, "type", "nvme"));
	if (!is_pci)
		return 0;
	r = add_address(element, guest, err);
	return r < 0 ? r : 1;
}

int hn_domain_devices_read(xmlNodePtr domain, struct hn_guest *guest, struct hn_error *err)
{
	static const char *const kinds[] = {"hostdev", "interface", "disk"};
	enum hn_movability movability = HN_MOVABLE;

	for (size_t i = 0; i < HN_COUNT(kinds); i++) {
		HN_XML_FOREACH(element, hn_xml_child(domain, "devices"), kinds[i])
		{
			int r = read_device(element, guest, err);

			if (r < 0)
				return r;
			if (r > 0)
				movability = HN_IMMOVABLE_PINNED;
		}
	}
	if (hn_xml_child(domain, "launchSecurity"))
		movability = HN_IMMOVABLE_ENCRYPTED;
	for (size_t i = 0; i < guest->backend_count; i++)
		guest->backends[i].movability = movability;
	return 0;
}
