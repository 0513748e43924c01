#include "daemon/binding.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/arrival.h"
#include "daemon/domain.h"
#include "daemon/guest-calls.h"
#include "daemon/hands-channel.h"

struct hn_binding {
	struct hn_managed *managed;
	const struct hn_plan *plan;
	hn_binding_done done;
	void *context;
	struct event *later; /* with nothing to ask, done is still called from the loop */
	struct hn_binding_outcome outcome;
	bool directly; /* libvirt does not pin this guest */
	size_t pin_count;
	struct hn_virt_pin *pins;
	size_t binding_count;
	struct hn_hands_binding *bindings;
};

void hn_binding_cancel(struct hn_binding *binding)
{
	if (!binding)
		return;
	hn_hands_forget(binding->managed->service->hands, binding);
	if (binding->managed->domain)
		hn_virt_forget(binding->managed->domain->virt, binding);
	if (binding->later)
		event_free(binding->later);
	free(binding->pins);
	free(binding->bindings);
	free(binding);
}

static void end(struct hn_binding *binding, const struct hn_error *err)
{
	const struct hn_binding_outcome outcome = binding->outcome;
	const struct hn_error why = err ? *err : (struct hn_error){0};
	hn_binding_done done = binding->done;
	void *context = binding->context;

	hn_binding_cancel(binding);
	done(&outcome, err ? &why : NULL, context);
}

static void on_bind_reply(int result, const void *body, size_t length, const struct hn_error *err,
			  void *context)
{
	struct hn_binding *binding = context;
	struct hn_hands_bound bound = {0};
	struct hn_error why;

	if (result == 0 && length == sizeof(bound))
		memcpy(&bound, body, sizeof(bound));
	binding->outcome.bound += bound.bound;
	if (result == 0 && bound.failed > 0) {
		hn_fail(&why, bound.result, "%u threads could not be bound, nothing was moved: %s",
			bound.failed, bound.message);
		err = &why;
	}
	end(binding, err);
}

static int bind_directly(struct hn_binding *binding, struct hn_error *err)
{
	struct hn_hands_bind bind = {
		.process = {binding->managed->guest->pid, binding->managed->guest->start_ticks},
		.binding_count = (uint32_t)binding->binding_count,
	};
	const struct timeval at_once = {0};

	if (binding->binding_count == 0)
		return event_add(binding->later, &at_once) < 0 ? hn_oom(err) : 0;
	return hn_hands_request(
		binding->managed->service->hands, HN_HANDS_BIND,
		(struct hn_hands_part[]){
			{&bind, sizeof(bind)},
			{binding->bindings, binding->binding_count * sizeof(*binding->bindings)}},
		2, NULL, on_bind_reply, binding, err);
}

static void on_nothing_left(evutil_socket_t fd, short what, void *context)
{
	end(context, NULL);
}

static const struct hn_thread *thread_of(const struct hn_guest *guest, pid_t tid)
{
	for (size_t i = 0; i < guest->thread_count; i++)
		if (guest->threads[i].tid == tid)
			return &guest->threads[i];
	return NULL;
}

/* All the emulator's threads share one pin. */
static void add_pin(struct hn_binding *binding, const struct hn_virt_pin *pin, const struct hn_set *cpus)
{
	struct hn_virt_pin *last;

	for (size_t i = 0; pin->kind == HN_VIRT_EMULATOR && i < binding->pin_count; i++) {
		if (binding->pins[i].kind == HN_VIRT_EMULATOR) {
			hn_set_or(&binding->pins[i].cpus, cpus);
			return;
		}
	}
	last = &binding->pins[binding->pin_count++];
	*last = *pin;
	last->cpus = *cpus;
}

static void add_action(struct hn_binding *binding, const struct hn_action *action)
{
	const struct hn_managed *managed = binding->managed;
	const struct hn_thread *thread = thread_of(managed->guest, action->tid);
	struct hn_virt_pin pin;
	bool known = managed->domain && thread && hn_domain_pin_of(thread, &pin);

	if (known && hn_domain_keeps_pin(managed, pin.kind, pin.number)) {
		binding->outcome.kept++;
		return;
	}
	if (known && !binding->directly)
		add_pin(binding, &pin, &action->cpus);
	else
		binding->bindings[binding->binding_count++] =
			(struct hn_hands_binding){.tid = action->tid, .cpus = action->cpus};
}

static void sort_out(struct hn_binding *binding)
{
	binding->pin_count = binding->binding_count = 0;
	binding->outcome.kept = 0;
	for (size_t i = 0; i < binding->plan->action_count; i++)
		if (binding->plan->actions[i].kind == HN_ACTION_BIND)
			add_action(binding, &binding->plan->actions[i]);
	if (binding->outcome.kept)
		snprintf(binding->outcome.note, sizeof(binding->outcome.note),
			 "%u threads stay where their operator has pinned them (pins = override lets "
			 "homenode)",
			 binding->outcome.kept);
}

static void on_pinned(const struct hn_error *err, void *context)
{
	struct hn_binding *binding = context;
	struct hn_error why;

	if (err && err->code == -EOPNOTSUPP) {
		binding->directly = true;
		sort_out(binding);
		snprintf(binding->outcome.note, sizeof(binding->outcome.note),
			 "bound directly, virsh does not show it: %.160s", err->message);
	} else if (err) {
		end(binding, err);
		return;
	} else {
		binding->outcome.bound += (unsigned)binding->pin_count;
	}
	if (bind_directly(binding, &why) < 0)
		end(binding, &why);
}

static int start(struct hn_binding *binding, struct hn_error *err)
{
	const struct hn_managed *managed = binding->managed;
	int r;

	binding->pins = calloc(binding->plan->action_count + 1, sizeof(*binding->pins));
	binding->bindings = calloc(binding->plan->action_count + 1, sizeof(*binding->bindings));
	binding->later = event_new(managed->service->base, -1, 0, on_nothing_left, binding);
	if (!binding->pins || !binding->bindings || !binding->later)
		return hn_oom(err);
	sort_out(binding);
	if ((r = hn_guest_calls_make(binding->managed, HN_CALL_AFFINITY,
				     binding->pin_count + binding->binding_count, err)) < 0)
		return r;
	if (binding->pin_count == 0)
		return bind_directly(binding, err);
	/* first: of pins that come half, or whose answer is not heard, nobody could tell whose they are */
	if (!hn_domain_has_kept_pins(managed))
		hn_arrival_pinned(binding->managed);
	return hn_virt_pin(managed->domain->virt, managed->domain->uuid, binding->pins, binding->pin_count,
			   managed->persist, on_pinned, binding, err);
}

int hn_binding_start(struct hn_managed *managed, const struct hn_plan *plan, hn_binding_done done,
		     void *context, struct hn_binding **ret, struct hn_error *err)
{
	struct hn_binding *binding = calloc(1, sizeof(*binding));
	int r;

	if (!binding)
		return hn_oom(err);
	*binding = (struct hn_binding){.managed = managed, .plan = plan, .done = done, .context = context};
	r = start(binding, err);
	if (r < 0) {
		hn_binding_cancel(binding);
		return r;
	}
	*ret = binding;
	return 0;
}
