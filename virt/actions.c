/*
 * What is done to a domain. An action's request is copied into its job, so that the worker needs nothing of
 * the loop's; the loop keeps a list of those under way, so that their replies can be forgotten.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "virt/failure.h"
#include "virt/virt-private.h"

#define PINS_MAX 1100

struct hn_action {
	struct hn_job job;
	TAILQ_ENTRY(hn_action) link;
	struct hn_virt *virt; /* the loop's thread only, as are done and context */
	hn_virt_done done;    /* NULL: forgotten */
	void *context;
	int (*act)(struct hn_action *action, virDomainPtr domain, struct hn_link *link);
	char uuid[40];
	bool persistent;
	size_t pin_count;
	struct hn_virt_pin *pins;
	struct hn_set nodes;
	char *key, *namespace, *element;
	struct hn_error err;
};

static void action_free(struct hn_action *action)
{
	free(action->pins);
	free(action->key);
	free(action->namespace);
	free(action->element);
	free(action);
}
HN_CLEANUP_DEFINE(action, struct hn_action *, action_free);

/* ---- the worker's thread */

static unsigned flags_of(const struct hn_action *action, virDomainPtr domain)
{
	bool defined = action->persistent && virDomainIsPersistent(domain) == 1;

	return VIR_DOMAIN_AFFECT_LIVE | (defined ? VIR_DOMAIN_AFFECT_CONFIG : 0);
}

static int pin_thread(virDomainPtr domain, const struct hn_virt_pin *pin, unsigned flags)
{
	unsigned char map[HN_SET_MAX / 8] = {0};
	int length = 0;

	HN_SET_FOREACH (cpu, &pin->cpus) {
		map[cpu / 8] |= (unsigned char)(1 << cpu % 8);
		length = cpu / 8 + 1;
	}
	switch (pin->kind) {
	case HN_VIRT_VCPU:
		return virDomainPinVcpuFlags(domain, pin->number, map, length, flags);
	case HN_VIRT_EMULATOR:
		return virDomainPinEmulator(domain, map, length, flags);
	case HN_VIRT_IOTHREAD:
		return virDomainPinIOThread(domain, pin->number, map, length, flags);
	}
	return -1;
}

/* Every function of libvirt forgets the last error, virDomainGetName() too: the name is asked for before. */
static int pin_fail(const struct hn_action *action, size_t at, const char *name, struct hn_error *err)
{
	static const char *const kinds[] = {
		[HN_VIRT_VCPU] = "vCPU",
		[HN_VIRT_EMULATOR] = "the emulator",
		[HN_VIRT_IOTHREAD] = "iothread",
	};
	const struct hn_virt_pin *pin = &action->pins[at];
	char cpus[HN_SET_TEXT_MAX], number[16] = "";

	if (pin->kind != HN_VIRT_EMULATOR)
		snprintf(number, sizeof(number), " %u", pin->number);
	return hn_virt_fail(err, "domain %s: %s%s could not be pinned to CPUs %.100s (%zu of %zu had been)",
			    name, kinds[pin->kind], number, hn_set_format(&pin->cpus, cpus, sizeof(cpus)), at,
			    action->pin_count);
}

static int act_pin(struct hn_action *action, virDomainPtr domain, struct hn_link *link)
{
	unsigned flags = flags_of(action, domain);
	const char *name = virDomainGetName(domain);

	for (size_t i = 0; i < action->pin_count; i++) {
		hn_link_mark(link);
		virResetLastError();
		if (pin_thread(domain, &action->pins[i], flags) < 0)
			return pin_fail(action, i, name, &action->err);
	}
	return 0;
}

static int act_nodes(struct hn_action *action, virDomainPtr domain, struct hn_link *link)
{
	unsigned flags = flags_of(action, domain);
	const char *name = virDomainGetName(domain);
	virTypedParameterPtr parameters = NULL;
	char text[HN_SET_TEXT_MAX];
	int count = 0, room = 0;
	int r = 0;

	hn_set_format(&action->nodes, text, sizeof(text));
	if (virTypedParamsAddString(&parameters, &count, &room, VIR_DOMAIN_NUMA_NODESET, text) < 0)
		return hn_oom(&action->err);
	if (virDomainSetNumaParameters(domain, parameters, count, flags) < 0)
		r = hn_virt_fail(&action->err, "domain %s: its memory could not be bound to nodes %s", name,
				 text);
	virTypedParamsFree(parameters, count);
	return r;
}

static int act_metadata(struct hn_action *action, virDomainPtr domain, struct hn_link *link)
{
	unsigned flags = flags_of(action, domain);
	const char *name = virDomainGetName(domain);

	if (virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, action->element, action->key,
				 action->namespace, flags) < 0)
		return hn_virt_fail(&action->err, "domain %s: its metadata could not be written", name);
	return 0;
}

static void run_action(struct hn_job *base, struct hn_link *link)
{
	struct hn_action *action = (struct hn_action *)base;
	HN_AUTO(vir_domain) virDomainPtr domain = NULL;

	if (hn_link_domain(link, action->uuid, &domain, &action->err) == 0)
		action->act(action, domain, link);
	hn_link_explain(link, &action->err);
}

/* ---- the loop's thread */

static void action_done(struct hn_job *base, bool told)
{
	struct hn_action *action = (struct hn_action *)base;
	struct hn_virt *virt = action->virt;

	if (told) {
		TAILQ_REMOVE(&virt->actions, action, link);
		hn_virt_enter(virt);
		if (action->done)
			action->done(action->err.code ? &action->err : NULL, action->context);
		hn_virt_leave(virt);
	}
	action_free(action);
}

static struct hn_action *action_new(struct hn_virt *virt, const char *uuid, bool persistent,
				    hn_virt_done done, void *context)
{
	struct hn_action *action = calloc(1, sizeof(*action));

	if (!action)
		return NULL;
	action->job = (struct hn_job){.run = run_action, .done = action_done};
	action->virt = virt;
	action->done = done;
	action->context = context;
	action->persistent = persistent;
	snprintf(action->uuid, sizeof(action->uuid), "%s", uuid);
	return action;
}

/* Takes the action over only if it returns 0. */
static int submit(struct hn_virt *virt, struct hn_action *action, struct hn_error *err)
{
	int r;

	if (!hn_virt_connected(virt))
		return hn_fail(err, -ENOTCONN, "libvirt at %s is not connected", virt->uri);
	r = hn_worker_submit(virt->worker, &action->job, err);
	if (r == 0)
		TAILQ_INSERT_TAIL(&virt->actions, action, link);
	return r;
}

int hn_virt_pin(struct hn_virt *virt, const char *uuid, const struct hn_virt_pin *pins, size_t count,
		bool persistent, hn_virt_done done, void *context, struct hn_error *err)
{
	HN_AUTO(action) struct hn_action *action = action_new(virt, uuid, persistent, done, context);
	int r;

	if (!action)
		return hn_oom(err);
	if (count > PINS_MAX)
		return hn_fail(err, -EINVAL, "domain %s: %zu pins are more than %d", uuid, count, PINS_MAX);
	for (size_t i = 0; i < count; i++)
		if (hn_set_empty(&pins[i].cpus))
			return hn_fail(err, -EINVAL, "domain %s: no CPU to pin a thread to", uuid);
	action->act = act_pin;
	action->pin_count = count;
	action->pins = calloc(count + 1, sizeof(*pins));
	if (!action->pins)
		return hn_oom(err);
	if (count)
		memcpy(action->pins, pins, count * sizeof(*pins));
	r = submit(virt, action, err);
	if (r == 0)
		action = NULL;
	return r;
}

int hn_virt_set_nodes(struct hn_virt *virt, const char *uuid, const struct hn_set *nodes, bool persistent,
		      hn_virt_done done, void *context, struct hn_error *err)
{
	HN_AUTO(action) struct hn_action *action = action_new(virt, uuid, persistent, done, context);
	int r;

	if (!action)
		return hn_oom(err);
	if (hn_set_empty(nodes))
		return hn_fail(err, -EINVAL, "domain %s: no node to bind its memory to", uuid);
	action->act = act_nodes;
	action->nodes = *nodes;
	r = submit(virt, action, err);
	if (r == 0)
		action = NULL;
	return r;
}

int hn_virt_set_metadata(struct hn_virt *virt, const char *uuid, const char *key, const char *namespace_uri,
			 const char *element, hn_virt_done done, void *context, struct hn_error *err)
{
	HN_AUTO(action) struct hn_action *action = action_new(virt, uuid, true, done, context);
	int r;

	if (!action)
		return hn_oom(err);
	action->act = act_metadata;
	action->key = strdup(key);
	action->namespace = strdup(namespace_uri);
	action->element = element ? strdup(element) : NULL;
	if (!action->key || !action->namespace || (element && !action->element))
		return hn_oom(err);
	r = submit(virt, action, err);
	if (r == 0)
		action = NULL;
	return r;
}

void hn_actions_end(struct hn_virt *virt)
{
	struct hn_action *action;
	struct hn_error err;

	TAILQ_FOREACH(action, &virt->actions, link)
	{
		hn_virt_done done = hn_steal(action->done);

		hn_fail(&err, -ENOTCONN, "the connection to libvirt at %s was given up", virt->uri);
		if (done)
			done(&err, action->context);
	}
}

void hn_virt_forget(struct hn_virt *virt, const void *context)
{
	struct hn_action *action;

	TAILQ_FOREACH(action, &virt->actions, link)
	if (action->context == context)
		action->done = NULL;
}
