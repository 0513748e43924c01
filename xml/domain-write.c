#include "xml/domain-write.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xml/domain-goal.h"
#include "xml/domain-parts.h"
#include "xml/domain-read.h"
#include "xml/family.h"

/* In the order of libvirt's formatter (src/conf/domain_conf.c, virDomainDefFormatInternalSetRootName). */
static const struct hn_kind domain_kinds[] = {
	{"name", NULL},
	{"uuid", NULL},
	{"genid", NULL},
	{"title", NULL},
	{"description", NULL},
	{"metadata", NULL},
	{"maxMemory", NULL},
	{"memory", NULL},
	{"currentMemory", NULL},
	{"blkiotune", NULL},
	{"memtune", NULL},
	{"memoryBacking", NULL},
	{"vcpu", NULL},
	{"vcpus", NULL},
	{"iothreads", NULL},
	{"iothreadids", NULL},
	{"defaultiothread", NULL},
	{"cputune", NULL},
	{"numatune", NULL},
	{NULL, NULL},
};

static const struct hn_kind cputune_kinds[] = {
	{"shares", NULL},
	{"period", NULL},
	{"quota", NULL},
	{"global_period", NULL},
	{"global_quota", NULL},
	{"emulator_period", NULL},
	{"emulator_quota", NULL},
	{"iothread_period", NULL},
	{"iothread_quota", NULL},
	{"vcpupin", "vcpu"},
	{"emulatorpin", NULL},
	{"iothreadpin", "iothread"},
	{NULL, NULL},
};

static const struct hn_kind numatune_kinds[] = {{"memory", NULL}, {"memnode", "cellid"}, {NULL, NULL}};

static const struct hn_kind device_kinds[] = {{"memory", NULL}, {NULL, NULL}};
static const struct hn_kind memory_kinds[] = {{"source", NULL}, {"target", NULL}, {NULL, NULL}};
static const struct hn_kind source_kinds[] = {{"nodemask", NULL}, {NULL, NULL}};

#define AUTO_DONE(type) __attribute__((cleanup(type##_done))) struct type

/* A document being written. */
struct writing {
	struct hn_text text;
	struct hn_domain_goal goal;
	bool adds; /* HN_DOMAIN_ALL */
	struct hn_family domain;
	struct hn_newborns newborns; /* of the domain */
	struct hn_edits edits;
	struct hn_error *err;
};

static char *format(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *format(const char *format, ...)
{
	va_list arguments;
	char *text = NULL;
	int r;

	va_start(arguments, format);
	r = vasprintf(&text, format, arguments);
	va_end(arguments);
	return r < 0 ? NULL : text;
}

static char *format_set(const struct hn_set *set)
{
	char text[HN_SET_TEXT_MAX];

	return strdup(hn_set_format(set, text, sizeof(text)));
}

/* An attribute that is there gets the set as its value, unless it says so already. */
static int set_set(struct writing *writing, const struct hn_relative *element, const char *name,
		   const struct hn_set *goal)
{
	struct hn_markup_attribute place;
	struct hn_set is;
	int r;

	if (!hn_xml_has(element->node, name) || hn_set_empty(goal))
		return 0;
	if ((r = hn_xml_set(element->node, name, &is, writing->err)) < 0 || hn_set_equal(&is, goal))
		return r;
	if (!hn_markup_attribute(writing->text, &element->markup, name, &place))
		return hn_xml_fail(element->node, writing->err, "%s is not found in the text", name);
	return hn_edits_add(&writing->edits, place.value, place.value_end - place.value, format_set(goal),
			    writing->err);
}

/* A new attribute behind another, or behind the element's name. */
static int add_set(struct writing *writing, const struct hn_relative *element, const char *name,
		   const char *after, const struct hn_set *goal)
{
	size_t at = element->markup.start + 1 + hn_markup_name_length(writing->text, &element->markup);
	struct hn_markup_attribute place;
	char text[HN_SET_TEXT_MAX];

	if (hn_markup_attribute(writing->text, &element->markup, after, &place))
		at = place.value_end + 1;
	return hn_edits_add(&writing->edits, at, 0,
			    format(" %s='%s'", name, hn_set_format(goal, text, sizeof(text))), writing->err);
}

/* placement='auto' gives way to what stands in its place. */
static int replace_auto(struct writing *writing, const struct hn_relative *element, const char *text)
{
	struct hn_markup_attribute place;

	if (!hn_markup_attribute(writing->text, &element->markup, "placement", &place))
		return hn_xml_fail(element->node, writing->err, "placement is not found in the text");
	return hn_edits_add(&writing->edits, place.name, place.value_end + 1 - place.name, strdup(text),
			    writing->err);
}

/*
 * <vcpu>
 */

static int write_vcpu(struct writing *writing)
{
	const struct hn_relative *vcpu = hn_family_child(&writing->domain, "vcpu", 0);
	const struct hn_set *cpus = &writing->goal.cpus;
	char text[HN_SET_TEXT_MAX];
	bool is_auto;
	int r = 0;

	if (!vcpu)
		return writing->adds ? hn_newborns_add(&writing->newborns,
						       hn_family_kind(&writing->domain, "vcpu"), 0,
						       format("<vcpu placement='static' cpuset='%s'>1</vcpu>",
							      hn_set_format(cpus, text, sizeof(text))),
						       writing->err)
				     : 0;
	is_auto = hn_xml_is(vcpu->node, "placement", "auto");
	if (is_auto && !writing->adds)
		return 0;
	if (is_auto)
		r = replace_auto(writing, vcpu, "placement='static'");
	if (r < 0 || hn_xml_has(vcpu->node, "cpuset"))
		return r < 0 ? r : set_set(writing, vcpu, "cpuset", cpus);
	return writing->adds ? add_set(writing, vcpu, "cpuset", "placement", cpus) : 0;
}

/*
 * Children of <cputune> and <numatune>
 */

/* The family of the domain's child, empty with no parent when there is none. */
static int read_family(struct writing *writing, const char *name, const struct hn_kind *kinds,
		       struct hn_family *ret)
{
	const struct hn_relative *child = hn_family_child(&writing->domain, name, 0);

	*ret = (struct hn_family){.text = writing->text, .kinds = kinds};
	return child ? hn_family_read(writing->text, child, kinds, ret, writing->err) : 0;
}

/* Puts newborns into the family, or makes them one in the domain. */
static int insert(struct writing *writing, const struct hn_family *family, const char *name,
		  const struct hn_newborns *newborns)
{
	struct hn_indent indent;

	if (newborns->count == 0)
		return 0;
	if (family->parent.node)
		return hn_family_insert(family, newborns, &writing->edits, writing->err);
	indent = hn_family_indent(&writing->domain);
	indent = hn_indent_within(&indent);
	return hn_newborns_add(&writing->newborns, hn_family_kind(&writing->domain, name), 0,
			       hn_newborns_format(newborns, name, &indent), writing->err);
}

/* A pin that is missing. */
static int add_pin(struct writing *writing, const struct hn_family *family, const char *kind,
		   unsigned long number, const struct hn_set *cpus, struct hn_newborns *newborns)
{
	size_t place = hn_family_kind(family, kind);
	const char *attribute = family->kinds[place].number;
	char set[HN_SET_TEXT_MAX], *text;

	if (!writing->adds || hn_set_empty(cpus) || hn_family_child(family, kind, number))
		return 0;
	hn_set_format(cpus, set, sizeof(set));
	text = attribute ? format("<%s %s='%lu' cpuset='%s'/>", kind, attribute, number, set)
			 : format("<%s cpuset='%s'/>", kind, set);
	return hn_newborns_add(newborns, place, number, text, writing->err);
}

static int rewrite_pins(struct writing *writing, const struct hn_family *tune)
{
	const struct hn_domain_goal *goal = &writing->goal;
	size_t vcpupin = hn_family_kind(tune, "vcpupin"), emulatorpin = hn_family_kind(tune, "emulatorpin");
	size_t iothreadpin = hn_family_kind(tune, "iothreadpin");
	int r = 0;

	for (size_t i = 0; i < tune->count && r == 0; i++) {
		const struct hn_relative *pin = &tune->children[i];

		if (pin->kind == vcpupin && pin->number < goal->vcpu_count)
			r = set_set(writing, pin, "cpuset", &goal->vcpus[pin->number]);
		else if (pin->kind == emulatorpin)
			r = set_set(writing, pin, "cpuset", &goal->other);
		else if (pin->kind == iothreadpin)
			r = set_set(writing, pin, "cpuset", &goal->other);
	}
	return r;
}

static int write_cputune(struct writing *writing)
{
	const struct hn_domain_goal *goal = &writing->goal;
	AUTO_DONE(hn_family) tune = {0};
	AUTO_DONE(hn_newborns) missing = {0};
	int r = read_family(writing, "cputune", cputune_kinds, &tune);

	if (r < 0 || (r = rewrite_pins(writing, &tune)) < 0)
		return r;
	for (size_t i = 0; goal->pins_vcpus && i < goal->vcpu_count; i++)
		if ((r = add_pin(writing, &tune, "vcpupin", i, &goal->vcpus[i], &missing)) < 0)
			return r;
	if ((r = add_pin(writing, &tune, "emulatorpin", 0, &goal->other, &missing)) < 0)
		return r;
	for (size_t i = 0; i < goal->iothread_count; i++)
		if ((r = add_pin(writing, &tune, "iothreadpin", goal->iothreads[i], &goal->other, &missing)) <
		    0)
			return r;
	return insert(writing, &tune, "cputune", &missing);
}

/* The mode for what is new: the one that is there, if there is one. */
static void find_mode(const struct hn_family *tune, char mode[20])
{
	const struct hn_relative *from = hn_family_child(tune, "memory", 0);

	strcpy(mode, "strict");
	for (size_t i = 0; !from && i < tune->count; i++)
		if (tune->kinds[tune->children[i].kind].name)
			from = &tune->children[i];
	if (from && hn_xml_has(from->node, "mode") && hn_xml_text(from->node, "mode", mode, 20, NULL) < 0)
		strcpy(mode, "strict");
}

/* Mode preferred is for one node where the kernel or libnuma is not new (libvirt,
 * virNumaSetupMemoryPolicy()).
 */
static struct hn_set memory_nodes(const struct writing *writing, const char *mode, const struct hn_set *is)
{
	const struct hn_set *nodes = &writing->goal.nodes;

	if (strcmp(mode, "preferred") != 0 || hn_set_equal(is, nodes))
		return *nodes;
	return hn_set_of(hn_set_next(&writing->goal.cells[0].nodes, 0));
}

static int rewrite_memory(struct writing *writing, const struct hn_relative *memory)
{
	bool has_set = hn_xml_has(memory->node, "nodeset");
	struct hn_set is = {0}, goal, *nodes = &goal;
	char set[HN_SET_TEXT_MAX], text[HN_SET_TEXT_MAX + 20];
	int r;

	if (has_set && (r = hn_xml_set(memory->node, "nodeset", &is, writing->err)) < 0)
		return r;
	goal = memory_nodes(writing, hn_xml_is(memory->node, "mode", "preferred") ? "preferred" : "", &is);
	if (!hn_xml_is(memory->node, "placement", "auto")) {
		if (has_set || !writing->adds)
			return set_set(writing, memory, "nodeset", nodes);
		return add_set(writing, memory, "nodeset",
			       hn_xml_has(memory->node, "placement") ? "placement" : "mode", nodes);
	}
	if (!writing->adds)
		return 0;
	snprintf(text, sizeof(text), "nodeset='%s'", hn_set_format(nodes, set, sizeof(set)));
	r = replace_auto(writing, memory, has_set ? "placement='static'" : text);
	return r < 0 || !has_set ? r : set_set(writing, memory, "nodeset", nodes);
}

static int rewrite_numatune(struct writing *writing, const struct hn_family *tune)
{
	size_t memory = hn_family_kind(tune, "memory"), memnode = hn_family_kind(tune, "memnode");
	int r = 0;

	for (size_t i = 0; i < tune->count && r == 0; i++) {
		const struct hn_relative *child = &tune->children[i];

		if (child->kind == memory)
			r = rewrite_memory(writing, child);
		else if (child->kind == memnode)
			r = set_set(writing, child, "nodeset",
				    hn_domain_goal_nodes(&writing->goal, child->number));
	}
	return r;
}

static int add_memnodes(struct writing *writing, const struct hn_family *tune, const char *mode,
			struct hn_newborns *missing)
{
	const struct hn_domain_goal *goal = &writing->goal;
	char set[HN_SET_TEXT_MAX];

	for (size_t i = 0; goal->has_cells && i < goal->cell_count; i++) {
		unsigned long cell = (unsigned long)goal->cells[i].cell;
		int r;

		if (hn_family_child(tune, "memnode", cell))
			continue;
		r = hn_newborns_add(missing, hn_family_kind(tune, "memnode"), cell,
				    format("<memnode cellid='%lu' mode='%s' nodeset='%s'/>", cell, mode,
					   hn_set_format(&goal->cells[i].nodes, set, sizeof(set))),
				    writing->err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int write_numatune(struct writing *writing)
{
	AUTO_DONE(hn_family) tune = {0};
	AUTO_DONE(hn_newborns) missing = {0};
	char mode[20], set[HN_SET_TEXT_MAX];
	struct hn_set nodes;
	int r = read_family(writing, "numatune", numatune_kinds, &tune);

	if (r < 0 || (r = rewrite_numatune(writing, &tune)) < 0 || !writing->adds)
		return r;
	find_mode(&tune, mode);
	nodes = memory_nodes(writing, mode, &(const struct hn_set){0});
	if (!hn_family_child(&tune, "memory", 0) &&
	    (r = hn_newborns_add(&missing, hn_family_kind(&tune, "memory"), 0,
				 format("<memory mode='%s' nodeset='%s'/>", mode,
					hn_set_format(&nodes, set, sizeof(set))),
				 writing->err)) < 0)
		return r;
	if ((r = add_memnodes(writing, &tune, mode, &missing)) < 0)
		return r;
	return insert(writing, &tune, "numatune", &missing);
}

/*
 * <devices><memory><source><nodemask>: host nodes of a DIMM, which its cell's go over
 */

static int write_nodemask(struct writing *writing, const struct hn_relative *source,
			  const struct hn_set *goal)
{
	AUTO_DONE(hn_family) family = {0};
	const struct hn_relative *mask;
	struct hn_set is;
	int r = hn_family_read(writing->text, source, source_kinds, &family, writing->err);

	if (r < 0)
		return r;
	mask = hn_family_child(&family, "nodemask", 0);
	if (!mask)
		return 0;
	if ((r = hn_xml_set(mask->node, NULL, &is, writing->err)) < 0 || hn_set_equal(&is, goal))
		return r;
	return hn_edits_add(&writing->edits, mask->markup.content, mask->markup.close - mask->markup.content,
			    format_set(goal), writing->err);
}

static int write_memory_device(struct writing *writing, const struct hn_relative *device)
{
	AUTO_DONE(hn_family) family = {0};
	xmlNodePtr node = hn_xml_child(hn_xml_child(device->node, "target"), "node");
	const struct hn_relative *source;
	uint64_t cell = 0;
	int r = hn_family_read(writing->text, device, memory_kinds, &family, writing->err);

	if (r < 0)
		return r;
	source = hn_family_child(&family, "source", 0);
	if (!source || !hn_xml_child(source->node, "nodemask"))
		return 0;
	if (node && (r = hn_xml_number(node, NULL, 0, UINT32_MAX, &cell, writing->err)) < 0)
		return r;
	return write_nodemask(writing, source, hn_domain_goal_nodes(&writing->goal, (unsigned long)cell));
}

static int write_devices(struct writing *writing)
{
	AUTO_DONE(hn_family) devices = {0};
	xmlNodePtr element = NULL;
	struct hn_relative parent = {0};
	int r;

	for (size_t i = 0; i < writing->domain.count && !element; i++) {
		parent = writing->domain.children[i];
		if (!parent.node->ns && xmlStrEqual(parent.node->name, (const xmlChar *)"devices"))
			element = parent.node;
	}
	if (!hn_xml_child(element, "memory"))
		return 0;
	r = hn_family_read(writing->text, &parent, device_kinds, &devices, writing->err);
	for (size_t i = 0; r == 0 && i < devices.count; i++)
		if (devices.children[i].kind == 0)
			r = write_memory_device(writing, &devices.children[i]);
	return r;
}

/*
 * The whole
 */

static int write_all(struct writing *writing, xmlNodePtr domain)
{
	struct hn_relative root = {.node = domain};
	int r;

	if (!hn_markup_root(writing->text, &root.markup))
		return hn_xml_fail(domain, writing->err, "its place in the text is not found");
	if ((r = hn_family_read(writing->text, &root, domain_kinds, &writing->domain, writing->err)) < 0 ||
	    (r = write_vcpu(writing)) < 0 || (r = write_cputune(writing)) < 0 ||
	    (r = write_numatune(writing)) < 0 || (r = write_devices(writing)) < 0)
		return r;
	return hn_family_insert(&writing->domain, &writing->newborns, &writing->edits, writing->err);
}

/* What was made is read again, as libvirt would otherwise be the first to do so. */
static int make(struct writing *writing, char **ret, struct hn_error *err)
{
	HN_AUTO(xml_document) xmlDocPtr document = NULL;
	char *made = NULL;
	int r = hn_edits_make(&writing->edits, writing->text, &made, err);

	if (r == 0 && writing->edits.count &&
	    (r = hn_xml_parse(made, strlen(made), 2 * HN_DOMAIN_BYTES_MAX, &document, err)) < 0)
		hn_error_prefix(err, "the XML as it was written");
	if (r < 0) {
		free(made);
		return r;
	}
	*ret = made;
	return 0;
}

int hn_domain_write(const char *xml, size_t length, const struct hn_guest *guest, const struct hn_host *host,
		    const struct hn_placement *home, enum hn_domain_scope scope, char **ret,
		    bool *ret_changed, struct hn_error *err)
{
	struct writing writing = {.text = {xml, length}, .adds = scope == HN_DOMAIN_ALL, .err = err};
	HN_AUTO(xml_document) xmlDocPtr document = NULL;
	int r = hn_domain_parse(xml, length, &document, err);

	if (r < 0)
		return r;
	r = hn_domain_goal_make(xmlDocGetRootElement(document), guest, host, home, &writing.goal, err);
	if (r == 0 && (r = write_all(&writing, xmlDocGetRootElement(document))) == 0)
		r = make(&writing, ret, err);
	if (r == 0 && ret_changed)
		*ret_changed = writing.edits.count > 0;
	hn_edits_done(&writing.edits);
	hn_newborns_done(&writing.newborns);
	hn_family_done(&writing.domain);
	hn_domain_goal_done(&writing.goal);
	return r;
}
