/*
 * virt-tool - connects to libvirt with virt/ and prints what it hears, one JSON object a line; obeys the
 * orders that come on standard input, one JSON object a line, until that ends.
 *
 *     virt-tool URI [KEEPALIVE_MS CALL_MS RETRY_MS GATHER_MS REPEAT_MS]
 *
 *     {"do": "pin", "uuid": U, "pins": [["vcpu", 0, "0-1"], ["emulator", 0, "0"]], "persistent": true}
 *     {"do": "nodes", "uuid": U, "nodes": "0", "persistent": false}
 *     {"do": "metadata", "uuid": U, "key": "hn", "namespace": N, "element": "<x/>" or nothing}
 *     {"do": "introspect", "uuid": U}      the client of qmp/ over a monitor wire, one pass
 *     {"do": "ask", "uuid": U, "wire": "monitor" or "agent", "command": C}
 *     {"do": "forget"}                     replies to pins
 *
 * Each order is answered by {"done": what, "error": sentence, "code": number}, and what comes with it.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "qmp/introspect.h"
#include "virt/virt.h"

static struct {
	struct event_base *base;
	struct hn_virt *virt;
	struct event *input;
	char line[1 << 20];
	size_t length;
} tool;

/* An asker of a wire: lives until its question is answered. */
struct asker {
	struct hn_qmp *qmp;
	struct hn_introspection *introspection;
	char command[64];
	bool answered;
};

static void print_and_put(json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	fflush(stdout);
	json_object_put(object);
}

static json_object *said(const char *key, const char *value)
{
	json_object *object = json_object_new_object();

	hn_json_add_string(object, key, value);
	return object;
}

static json_object *with_error(json_object *object, const struct hn_error *err)
{
	if (err) {
		hn_json_add_int(object, "code", err->code);
		hn_json_add_string(object, "error", err->message);
	}
	return object;
}

static void on_up(struct hn_virt *virt, void *context)
{
	print_and_put(said("event", "up"));
}

static void on_down(struct hn_virt *virt, const struct hn_error *why, uint64_t retry_ns, void *context)
{
	json_object *object = with_error(said("event", "down"), why);

	hn_json_add_u64(object, "retry_ms", retry_ns / HN_NS_PER_MS);
	print_and_put(object);
}

static void on_domain(struct hn_virt *virt, const struct hn_virt_domain *domain, const char *event,
		      void *context)
{
	json_object *object = said("event", "domain");

	hn_json_add_string(object, "words", event);
	hn_json_add_string(object, "uuid", domain->uuid);
	hn_json_add_string(object, "name", domain->name);
	hn_json_add_int(object, "id", domain->id);
	hn_json_add_string(object, "state", hn_run_state_name(domain->state));
	hn_json_add_bool(object, "persistent", domain->persistent);
	hn_json_add_bool(object, "agent", domain->agent);
	hn_json_add_string(object, "xml", domain->xml);
	if (domain->inactive_xml)
		hn_json_add_string(object, "inactive_xml", domain->inactive_xml);
	print_and_put(object);
}

static void on_gone(struct hn_virt *virt, const char *uuid, const char *why, void *context)
{
	json_object *object = said("event", "gone");

	hn_json_add_string(object, "uuid", uuid);
	hn_json_add_string(object, "why", why);
	print_and_put(object);
}

static void on_problem(struct hn_virt *virt, const struct hn_error *what, void *context)
{
	print_and_put(with_error(said("event", "problem"), what));
}

/* The context of an action is its name. */
static char pin_name[] = "pin", nodes_name[] = "nodes", metadata_name[] = "metadata";

static void on_action_done(const struct hn_error *err, void *context)
{
	print_and_put(with_error(said("done", context), err));
}

/* ---- wires */

static void asker_end(struct asker *asker)
{
	asker->answered = true;
	hn_introspect_cancel(hn_steal(asker->introspection));
	hn_qmp_free(asker->qmp);
	free(asker);
}

static void on_introspected(struct hn_introspect_result *result, const struct hn_error *err, void *context)
{
	struct asker *asker = context;
	json_object *object = with_error(said("done", "introspect"), err);

	asker->introspection = NULL;
	if (result) {
		size_t placed = 0;

		for (size_t i = 0; i < result->guest->backend_count; i++)
			placed += result->guest->backends[i].host_address != 0;
		hn_json_add_string(object, "name", result->guest->name);
		hn_json_add_int(object, "version", hn_qmp_version(asker->qmp));
		hn_json_add_int(object, "vcpus", hn_guest_vcpu_count(result->guest));
		hn_json_add_int(object, "cells", (int)result->guest->cell_count);
		hn_json_add_int(object, "backends", (int)result->guest->backend_count);
		hn_json_add_int(object, "placed", (int)placed);
		hn_json_add_u64(object, "bytes", hn_guest_memory_bytes(result->guest));
	}
	print_and_put(object);
	asker_end(asker);
}

static void on_replied(struct hn_qmp *qmp, json_object *result, const struct hn_error *err, void *context)
{
	json_object *object = with_error(said("done", "ask"), err);

	if (result)
		hn_json_add(object, "result", json_object_get(result));
	print_and_put(object);
	if (err && err->code == -ECONNRESET)
		return; /* down follows */
	asker_end(context);
}

static void on_wire_ready(struct hn_qmp *qmp, void *context)
{
	struct asker *asker = context;
	struct hn_error err;
	int r;

	if (asker->command[0])
		r = hn_qmp_execute(qmp, asker->command, NULL, 0, on_replied, asker, &err);
	else
		r = hn_introspect_start(qmp, "nameless", on_introspected, asker, &asker->introspection, &err);
	if (r < 0)
		print_and_put(with_error(said("done", "ready"), &err));
}

static void on_wire_down(struct hn_qmp *qmp, const struct hn_error *why, uint64_t retry_ns, void *context)
{
	print_and_put(with_error(said("event", "wire-down"), why));
	asker_end(context);
}

static int ask(const char *uuid, enum hn_virt_wire wire, const char *command, struct hn_error *err)
{
	const struct hn_qmp_listener listener = {
		.ready = on_wire_ready,
		.down = on_wire_down,
		.context = calloc(1, sizeof(struct asker)),
	};
	struct asker *asker = listener.context;
	int fd;
	int r = hn_virt_wire_open(tool.virt, uuid, wire, &fd, err);

	if (r == 0) {
		snprintf(asker->command, sizeof(asker->command), "%s", command);
		r = hn_qmp_new_from_fd(tool.base, uuid, fd,
				       wire == HN_VIRT_AGENT ? HN_QMP_AGENT : HN_QMP_MONITOR, NULL, &listener,
				       &asker->qmp, err);
	}
	if (r < 0)
		free(asker);
	return r;
}

/* ---- orders */

static int order_pin(json_object *order, const char *uuid, struct hn_error *err)
{
	json_object *rows = json_object_object_get(order, "pins");
	HN_AUTO(memory) struct hn_virt_pin *pins = calloc(json_object_array_length(rows) + 1, sizeof(*pins));

	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		json_object *row = json_object_array_get_idx(rows, i);
		const char *kind = json_object_get_string(json_object_array_get_idx(row, 0));
		int r;

		pins[i].kind = kind[0] == 'v'   ? HN_VIRT_VCPU
			       : kind[0] == 'e' ? HN_VIRT_EMULATOR
						: HN_VIRT_IOTHREAD;
		pins[i].number = (unsigned)json_object_get_int(json_object_array_get_idx(row, 1));
		r = hn_set_parse(json_object_get_string(json_object_array_get_idx(row, 2)), &pins[i].cpus,
				 err);
		if (r < 0)
			return r;
	}
	return hn_virt_pin(tool.virt, uuid, pins, json_object_array_length(rows),
			   json_object_get_boolean(json_object_object_get(order, "persistent")),
			   on_action_done, pin_name, err);
}

static int order_nodes(json_object *order, const char *uuid, struct hn_error *err)
{
	struct hn_set nodes;
	int r = hn_set_parse(json_object_get_string(json_object_object_get(order, "nodes")), &nodes, err);

	return r < 0 ? r
		     : hn_virt_set_nodes(tool.virt, uuid, &nodes,
					 json_object_get_boolean(json_object_object_get(order, "persistent")),
					 on_action_done, nodes_name, err);
}

static int order_metadata(json_object *order, const char *uuid, struct hn_error *err)
{
	return hn_virt_set_metadata(tool.virt, uuid,
				    json_object_get_string(json_object_object_get(order, "key")),
				    json_object_get_string(json_object_object_get(order, "namespace")),
				    json_object_get_string(json_object_object_get(order, "element")),
				    on_action_done, metadata_name, err);
}

static int obey(json_object *order, const char **ret_verb, struct hn_error *err)
{
	const char *uuid = "", *wire = "monitor", *command = "";
	int r = hn_json_get_string(order, "do", ret_verb, err);

	if (r < 0)
		return r;
	hn_json_get_string(order, "uuid", &uuid, NULL);
	hn_json_get_string(order, "wire", &wire, NULL);
	hn_json_get_string(order, "command", &command, NULL);
	if (strcmp(*ret_verb, "pin") == 0)
		return order_pin(order, uuid, err);
	if (strcmp(*ret_verb, "nodes") == 0)
		return order_nodes(order, uuid, err);
	if (strcmp(*ret_verb, "metadata") == 0)
		return order_metadata(order, uuid, err);
	if (strcmp(*ret_verb, "introspect") == 0)
		return ask(uuid, HN_VIRT_MONITOR, "", err);
	if (strcmp(*ret_verb, "ask") == 0)
		return ask(uuid, wire[0] == 'a' ? HN_VIRT_AGENT : HN_VIRT_MONITOR, command, err);
	if (strcmp(*ret_verb, "forget") == 0) {
		hn_virt_forget(tool.virt, pin_name);
		print_and_put(said("done", "forget"));
		return 0;
	}
	return hn_fail(err, -EINVAL, "no such order");
}

static void take_line(const char *line, size_t length)
{
	HN_AUTO(json) json_object *order = NULL;
	const char *verb = "?";
	struct hn_error err = {0};

	if (hn_json_parse(line, length, "order", &order, &err) < 0 || obey(order, &verb, &err) < 0)
		print_and_put(with_error(said("done", verb), &err));
}

static void on_input(evutil_socket_t fd, short what, void *context)
{
	ssize_t length = read(fd, tool.line + tool.length, sizeof(tool.line) - tool.length);
	char *end;

	if (length <= 0) {
		event_base_loopbreak(tool.base);
		return;
	}
	tool.length += (size_t)length;
	while ((end = memchr(tool.line, '\n', tool.length))) {
		take_line(tool.line, (size_t)(end - tool.line));
		tool.length -= (size_t)(end + 1 - tool.line);
		memmove(tool.line, end + 1, tool.length);
	}
}

static uint64_t milliseconds(const char *text)
{
	return strtoull(text, NULL, 10) * HN_NS_PER_MS;
}

int main(int argc, char **argv)
{
	const struct hn_virt_listener listener = {
		.up = on_up, .down = on_down, .domain = on_domain, .gone = on_gone, .problem = on_problem};
	struct hn_virt_limits limits = hn_virt_default_limits;
	struct hn_error err;

	if (argc == 7) {
		limits.keepalive_s = (unsigned)strtoul(argv[2], NULL, 10) / 1000;
		limits.keepalive_count = 1;
		limits.call_ns = milliseconds(argv[3]);
		limits.retry_first_ns = milliseconds(argv[4]);
		limits.gather_ns = milliseconds(argv[5]);
		limits.repeat_ns = milliseconds(argv[6]);
	} else if (argc != 2) {
		fprintf(stderr, "usage: virt-tool URI [KEEPALIVE CALL RETRY GATHER REPEAT]\n");
		return 2;
	}
	tool.base = event_base_new();
	tool.input = event_new(tool.base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, NULL);
	event_add(tool.input, NULL);
	if (hn_virt_new_limited(tool.base, argv[1], &limits, &listener, &tool.virt, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	event_base_dispatch(tool.base);
	hn_virt_free(tool.virt);
	event_free(tool.input);
	event_base_free(tool.base);
	return 0;
}
