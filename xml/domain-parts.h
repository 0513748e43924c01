#pragma once
/*
 * domain-parts - the parts of a domain, each read into the guest; for domain-read.c alone. All return 0,
 * -EPROTO with the line, or -ENOMEM.
 */
#include "model/guest.h"
#include "xml/element.h"

/* Parses and finds a <domain> of type kvm or qemu in it; errors of hn_domain_read(). The caller frees *ret.
 */
int hn_domain_parse(const char *xml, size_t length, xmlDocPtr *ret, struct hn_error *err);

/* All vCPUs there can be, from 0 on, and those that are there at start. */
int hn_domain_vcpus_read(xmlNodePtr domain, struct hn_set *all, struct hn_set *present, struct hn_error *err);

/* Cells with vCPUs and memory; backends "ram-nodeN", or "pc.ram" without cells. */
int hn_domain_cells_read(xmlNodePtr domain, struct hn_guest *guest, struct hn_error *err);

/* Page sizes of the cells and how their memory is backed; then DIMMs and virtio-mem. Cells must be there. */
int hn_domain_backing_read(xmlNodePtr domain, struct hn_guest *guest, struct hn_error *err);
int hn_domain_memory_devices_read(xmlNodePtr domain, struct hn_guest *guest, struct hn_error *err);

/* Nodes of the backends, and those the guest is allowed. Cells must be there. */
int hn_domain_numatune_read(xmlNodePtr domain, struct hn_guest *guest, struct hn_error *err);

/* Class and iothreads. */
int hn_domain_cputune_read(xmlNodePtr domain, struct hn_guest *guest, struct hn_error *err);

/* PCI devices, and what keeps memory from moving. Backends must be there. */
int hn_domain_devices_read(xmlNodePtr domain, struct hn_guest *guest, struct hn_error *err);
