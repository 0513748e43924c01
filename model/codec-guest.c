#include "base/json.h"
#include "model/codec-parts.h"
#include "model/codec.h"

#include <errno.h>
#include <string.h>

static json_object *encode_cell(const void *element)
{
	const struct hn_cell *cell = element;
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_int(json, "id", cell->id) ||
		 hn_json_add_u64(json, "memory_bytes", cell->memory_bytes) ||
		 hn_codec_add_set(json, "vcpus", &cell->vcpus) ||
		 hn_json_add_u64(json, "page_bytes", cell->page_bytes) ||
		 hn_json_add_u64(json, "bandwidth_bytes", cell->bandwidth_bytes) ||
		 hn_codec_add_set(json, "allowed_nodes", &cell->allowed_nodes);
	return hn_codec_finish(json, failed);
}

static json_object *encode_thread(const void *element)
{
	const struct hn_thread *thread = element;
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_int(json, "tid", thread->tid) ||
		 hn_json_add_string(json, "kind", hn_thread_kind_name(thread->kind)) ||
		 hn_json_add_int(json, "vcpu", thread->vcpu) || hn_json_add_int(json, "cell", thread->cell) ||
		 hn_json_add_string(json, "name", thread->name) ||
		 (thread->kept && hn_json_add_bool(json, "kept", true)) ||
		 (thread->ours && hn_json_add_bool(json, "ours", true));
	return hn_codec_finish(json, failed);
}

static json_object *encode_seen(const struct hn_backend *backend)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_double(json, "huge_share", backend->huge_share) ||
		 hn_json_add_double(json, "merged_share", backend->merged_share);
	return hn_codec_finish(json, failed);
}

static json_object *encode_backend(const void *element)
{
	const struct hn_backend *backend = element;
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_string(json, "id", backend->id) ||
		 hn_json_add_int(json, "cell", backend->cell) ||
		 hn_json_add_u64(json, "host_address", backend->host_address) ||
		 hn_json_add_u64(json, "bytes", backend->bytes) ||
		 hn_json_add_u64(json, "page_bytes", backend->page_bytes) ||
		 hn_json_add_bool(json, "shared", backend->shared) ||
		 hn_json_add_bool(json, "prealloc", backend->prealloc) ||
		 hn_json_add_bool(json, "dimm", backend->dimm) ||
		 hn_json_add_string(json, "policy", backend->policy) ||
		 hn_codec_add_set(json, "host_nodes", &backend->host_nodes) ||
		 hn_json_add_string(json, "movability", hn_movability_name(backend->movability)) ||
		 hn_json_add_string(json, "backing", hn_backing_name(backend->backing)) ||
		 (backend->looked_inside ? hn_codec_add_part(json, "seen", encode_seen(backend))
					 : hn_json_add(json, "seen", NULL));
	return hn_codec_finish(json, failed);
}

static json_object *encode_device(const void *element)
{
	return hn_json_new_string(element);
}

/* What its operator wants of its place. */
static int add_wishes(json_object *json, const struct hn_guest *guest)
{
	return hn_codec_add_set(json, "allowed_nodes", &guest->allowed_nodes) ||
	       hn_json_add_bool(json, "window_open", guest->window_open) ||
	       hn_json_add_string(json, "near", guest->near) ||
	       hn_json_add_string(json, "apart", guest->apart) ||
	       hn_json_add_u64(json, "iothread_count", guest->iothread_count) ||
	       hn_codec_add_items(json, "devices", guest->devices, guest->device_count,
				  sizeof(*guest->devices), encode_device);
}

json_object *hn_guest_encode(const struct hn_guest *guest)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_string(json, "name", guest->name) ||
		 hn_json_add_string(json, "uuid", guest->uuid) || hn_json_add_int(json, "pid", guest->pid) ||
		 hn_json_add_u64(json, "start_ticks", guest->start_ticks) ||
		 hn_json_add_string(json, "mode", hn_mode_name(guest->mode)) ||
		 hn_json_add_string(json, "class", hn_class_name(guest->class)) ||
		 hn_json_add_string(json, "state", hn_run_state_name(guest->state)) ||
		 hn_json_add_string(json, "policy", guest->policy) || add_wishes(json, guest) ||
		 hn_codec_add_items(json, "cells", guest->cells, guest->cell_count, sizeof(*guest->cells),
				    encode_cell) ||
		 hn_codec_add_items(json, "threads", guest->threads, guest->thread_count,
				    sizeof(*guest->threads), encode_thread) ||
		 hn_codec_add_items(json, "backends", guest->backends, guest->backend_count,
				    sizeof(*guest->backends), encode_backend);
	failed = failed || (guest->hold.known ? hn_codec_add_part(json, "hold", hn_hold_encode(&guest->hold))
					      : hn_json_add(json, "hold", NULL));
	return hn_codec_finish(json, failed);
}

static int decode_cell(json_object *json, struct hn_guest *guest, struct hn_error *err)
{
	struct hn_cell *cell = hn_guest_add_cell(guest, 0);
	int r;

	if (!cell)
		return hn_oom(err);
	(void)((r = hn_json_get_int(json, "id", &cell->id, err)) < 0 ||
	       (r = hn_json_get_u64(json, "memory_bytes", &cell->memory_bytes, err)) < 0 ||
	       (r = hn_codec_get_set(json, "vcpus", &cell->vcpus, err)) < 0 ||
	       (hn_codec_present(json, "page_bytes") &&
		(r = hn_json_get_u64(json, "page_bytes", &cell->page_bytes, err)) < 0) ||
	       (hn_codec_present(json, "bandwidth_bytes") &&
		(r = hn_json_get_u64(json, "bandwidth_bytes", &cell->bandwidth_bytes, err)) < 0) ||
	       (hn_codec_present(json, "allowed_nodes") &&
		(r = hn_codec_get_set(json, "allowed_nodes", &cell->allowed_nodes, err)) < 0));
	return r;
}

static int decode_thread(json_object *json, struct hn_guest *guest, struct hn_error *err)
{
	struct hn_thread *thread = hn_guest_add_thread(guest, 0, HN_THREAD_EMULATOR);
	const char *kind;
	int r;

	if (!thread)
		return hn_oom(err);
	(void)((r = hn_json_get_int(json, "tid", &thread->tid, err)) < 0 ||
	       (r = hn_json_get_string(json, "kind", &kind, err)) < 0 ||
	       (r = hn_codec_word(hn_thread_kind_parse(kind, &thread->kind, err), "kind", err)) < 0 ||
	       (r = hn_json_get_int(json, "vcpu", &thread->vcpu, err)) < 0 ||
	       (r = hn_json_get_int(json, "cell", &thread->cell, err)) < 0 ||
	       (r = hn_codec_get_text(json, "name", thread->name, sizeof(thread->name), err)) < 0 ||
	       (hn_codec_present(json, "kept") &&
		(r = hn_json_get_bool(json, "kept", &thread->kept, err)) < 0) ||
	       (hn_codec_present(json, "ours") &&
		(r = hn_json_get_bool(json, "ours", &thread->ours, err)) < 0));
	return r;
}

/* Versions before 0.3 do not tell. */
static int decode_seen(json_object *json, struct hn_backend *backend, struct hn_error *err)
{
	const char *backing;
	json_object *seen;
	int r = 0;

	if (hn_codec_present(json, "backing") &&
	    ((r = hn_json_get_string(json, "backing", &backing, err)) < 0 ||
	     (r = hn_codec_word(hn_backing_parse(backing, &backend->backing, err), "backing", err)) < 0))
		return r;
	if (!hn_json_has(json, "seen"))
		return 0;
	if ((r = hn_json_get_object(json, "seen", &seen, err)) < 0 ||
	    (r = hn_json_get_double(seen, "huge_share", &backend->huge_share, err)) < 0 ||
	    (r = hn_json_get_double(seen, "merged_share", &backend->merged_share, err)) < 0)
		return r;
	backend->looked_inside = true;
	return 0;
}

static int decode_backend(json_object *json, struct hn_guest *guest, struct hn_error *err)
{
	struct hn_backend *backend = hn_guest_add_backend(guest, "");
	const char *movability;
	int r;

	if (!backend)
		return hn_oom(err);
	(void)((r = hn_codec_get_text(json, "id", backend->id, sizeof(backend->id), err)) < 0 ||
	       (r = hn_json_get_int(json, "cell", &backend->cell, err)) < 0 ||
	       (r = hn_json_get_u64(json, "host_address", &backend->host_address, err)) < 0 ||
	       (r = hn_json_get_u64(json, "bytes", &backend->bytes, err)) < 0 ||
	       (r = hn_json_get_u64(json, "page_bytes", &backend->page_bytes, err)) < 0 ||
	       (r = hn_json_get_bool(json, "shared", &backend->shared, err)) < 0 ||
	       (r = hn_json_get_bool(json, "prealloc", &backend->prealloc, err)) < 0 ||
	       (r = hn_json_get_bool(json, "dimm", &backend->dimm, err)) < 0 ||
	       (r = hn_codec_get_text(json, "policy", backend->policy, sizeof(backend->policy), err)) < 0 ||
	       (r = hn_codec_get_set(json, "host_nodes", &backend->host_nodes, err)) < 0 ||
	       (r = hn_json_get_string(json, "movability", &movability, err)) < 0 ||
	       (r = hn_codec_word(hn_movability_parse(movability, &backend->movability, err), "movability",
				  err)) < 0 ||
	       (r = decode_seen(json, backend, err)) < 0);
	return r;
}

static int decode_items(json_object *json, const char *key, struct hn_guest *guest,
			int (*decode)(json_object *item, struct hn_guest *guest, struct hn_error *err),
			struct hn_error *err)
{
	json_object *items;
	size_t count;
	int r = hn_codec_get_items(json, key, &items, &count, err);

	for (size_t i = 0; r == 0 && i < count; i++)
		if ((r = decode(json_object_array_get_idx(items, i), guest, err)) < 0)
			hn_error_prefix(err, "%s[%zu]", key, i);
	return r;
}

static int decode_words(json_object *json, struct hn_guest *guest, struct hn_error *err)
{
	const char *mode, *class, *state;
	int r;

	(void)((r = hn_json_get_string(json, "mode", &mode, err)) < 0 ||
	       (r = hn_codec_word(hn_mode_parse(mode, &guest->mode, err), "mode", err)) < 0 ||
	       (r = hn_json_get_string(json, "class", &class, err)) < 0 ||
	       (r = hn_codec_word(hn_class_parse(class, &guest->class, err), "class", err)) < 0 ||
	       (r = hn_json_get_string(json, "state", &state, err)) < 0 ||
	       (r = hn_codec_word(hn_run_state_parse(state, &guest->state, err), "state", err)) < 0 ||
	       (r = hn_codec_get_text(json, "policy", guest->policy, sizeof(guest->policy), err)) < 0);
	return r;
}

static int decode_devices(json_object *json, struct hn_guest *guest, struct hn_error *err)
{
	json_object *items;
	size_t count;
	int r = hn_codec_get_items(json, "devices", &items, &count, err);

	for (size_t i = 0; r == 0 && i < count; i++) {
		json_object *item = json_object_array_get_idx(items, i);
		const char *name = json_object_get_string(item);

		if (!json_object_is_type(item, json_type_string) || strlen(name) >= sizeof(*guest->devices) ||
		    strlen(name) != (size_t)json_object_get_string_len(item))
			return hn_fail(err, -EPROTO, "devices[%zu]: %.60s is no name of up to %zu bytes", i,
				       json_object_to_json_string(item), sizeof(*guest->devices) - 1);
		if (hn_guest_add_device(guest, name))
			return hn_oom(err);
	}
	return r;
}

/* Versions before 0.2 know of no wishes. */
static int decode_wishes(json_object *json, struct hn_guest *guest, struct hn_error *err)
{
	int r = 0;

	(void)((hn_codec_present(json, "window_open") &&
		(r = hn_json_get_bool(json, "window_open", &guest->window_open, err)) < 0) ||
	       (hn_codec_present(json, "allowed_nodes") &&
		(r = hn_codec_get_set(json, "allowed_nodes", &guest->allowed_nodes, err)) < 0) ||
	       (hn_codec_present(json, "near") &&
		(r = hn_codec_get_text(json, "near", guest->near, sizeof(guest->near), err)) < 0) ||
	       (hn_codec_present(json, "apart") &&
		(r = hn_codec_get_text(json, "apart", guest->apart, sizeof(guest->apart), err)) < 0) ||
	       (hn_codec_present(json, "iothread_count") &&
		(r = hn_codec_get_unsigned(json, "iothread_count", &guest->iothread_count, err)) < 0) ||
	       (hn_codec_present(json, "devices") && (r = decode_devices(json, guest, err)) < 0));
	return r;
}

static int decode_hold(json_object *json, struct hn_guest *guest, struct hn_error *err)
{
	json_object *hold;
	int r;

	if (!hn_json_has(json, "hold"))
		return 0;
	r = hn_json_get_object(json, "hold", &hold, err);
	return r < 0 ? r : hn_hold_decode(hold, &guest->hold, err);
}

int hn_guest_decode(json_object *json, struct hn_guest **ret, struct hn_error *err)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = hn_guest_new("");
	int r;

	if (!guest)
		return hn_oom(err);
	if ((r = hn_codec_get_text(json, "name", guest->name, sizeof(guest->name), err)) < 0 ||
	    (r = hn_codec_get_text(json, "uuid", guest->uuid, sizeof(guest->uuid), err)) < 0 ||
	    (r = hn_json_get_int(json, "pid", &guest->pid, err)) < 0 ||
	    (r = hn_json_get_u64(json, "start_ticks", &guest->start_ticks, err)) < 0 ||
	    (r = decode_words(json, guest, err)) < 0 || (r = decode_wishes(json, guest, err)) < 0 ||
	    (r = decode_items(json, "cells", guest, decode_cell, err)) < 0 ||
	    (r = decode_items(json, "threads", guest, decode_thread, err)) < 0 ||
	    (r = decode_items(json, "backends", guest, decode_backend, err)) < 0 ||
	    (r = decode_hold(json, guest, err)) < 0)
		return r;
	*ret = hn_steal(guest);
	return 0;
}
