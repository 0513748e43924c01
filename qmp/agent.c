/*
 * open, read until the end, close. The answer goes out as soon as the content is known; the file is closed in
 * the guest behind it, whatever the answer was. What the agent says is not believed: sizes are checked
 * against what was asked for, and an agent that hands a file out in crumbs runs out of reads.
 *
 * When the agent does not answer to the opening itself, nobody learns the handle and the guest keeps it until
 * its agent restarts; an open file there is all that it costs.
 */
#include "qmp/agent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/units.h"
#include "qmp/base64.h"

#define READ_BYTES_MAX ((size_t)48 * 1024) /* of one guest-file-read: far below what a message may have */
#define CRUMB_BYTES 256                    /* the least a read may bring on average */
#define READS_MIN 16
#define READ_NS_MAX (5 * HN_NS_PER_S) /* from the first piece to asking for the last */

struct file_read {
	struct hn_qmp *agent;
	char *path;
	size_t max_bytes;
	hn_agent_file_done done;
	void *context;
	int64_t handle;
	char *text; /* of max_bytes + 1, with the NUL; a byte too many is asked for and noticed, not kept */
	size_t length;
	size_t reads;
	uint64_t opened_ns;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

static void file_read_free(struct file_read *read)
{
	free(read->path);
	free(read->text);
	free(read);
}
HN_CLEANUP_DEFINE(file_read, struct file_read *, file_read_free);

static void on_file_closed(struct hn_qmp *agent, json_object *result, const struct hn_error *err,
			   void *context)
{
	/* Whether it worked changes nothing. */
}

static void close_handle(struct file_read *read)
{
	json_object *arguments = json_object_new_object();
	json_object *handle = json_object_new_int64(read->handle);

	if (!arguments || !handle || hn_json_add(arguments, "handle", hn_steal(handle)) < 0) {
		json_object_put(arguments);
		json_object_put(handle);
		return;
	}
	hn_qmp_execute(read->agent, "guest-file-close", arguments, 0, on_file_closed, NULL, NULL);
}

/* Closes and answers. The read is gone afterwards. */
static void finish(struct file_read *read, const struct hn_error *err)
{
	close_handle(read);
	if (err)
		read->done(NULL, 0, err, read->context);
	else
		read->done(read->text, read->length, NULL, read->context);
	file_read_free(read);
}

static void on_file_data(struct hn_qmp *agent, json_object *result, const struct hn_error *err,
			 void *context);

static int ask_data(struct file_read *read, struct hn_error *err)
{
	HN_AUTO(json) json_object *arguments = json_object_new_object();
	size_t count = read->max_bytes + 1 - read->length;
	json_object *handle = json_object_new_int64(read->handle);

	if (count > READ_BYTES_MAX)
		count = READ_BYTES_MAX;
	if (!arguments || !handle || hn_json_add(arguments, "handle", hn_steal(handle)) < 0 ||
	    hn_json_add_u64(arguments, "count", count) < 0) {
		json_object_put(handle);
		return hn_oom(err);
	}
	if (read->reads++ > READS_MIN + read->max_bytes / CRUMB_BYTES)
		return hn_fail(err, -EPROTO, "%s: %s comes in crumbs without end", hn_qmp_label(read->agent),
			       read->path);
	if (now_ns() > read->opened_ns + READ_NS_MAX)
		return hn_fail(err, -ETIMEDOUT, "%s: %s is not read to its end within %.0f s",
			       hn_qmp_label(read->agent), read->path, (double)READ_NS_MAX / 1e9);
	return hn_qmp_execute(read->agent, "guest-file-read", hn_steal(arguments), 0, on_file_data, read,
			      err);
}

/* Appends what a reply brings. 1: the file is complete. */
static int take_data(struct file_read *read, json_object *result, struct hn_error *err)
{
	HN_AUTO(memory) unsigned char *bytes = NULL;
	const char *encoded;
	bool eof;
	long count;
	int r = hn_json_get_string(result, "buf-b64", &encoded, err);

	if (r == 0)
		r = hn_json_get_bool(result, "eof", &eof, err);
	if (r < 0)
		return r;
	bytes = malloc(hn_base64_room(strlen(encoded)) + 1);
	if (!bytes)
		return hn_oom(err);
	count = hn_base64_decode(encoded, strlen(encoded), bytes);
	if (count < 0)
		return hn_fail(err, -EPROTO, "what was read is not base64");
	if ((size_t)count > read->max_bytes - read->length)
		return hn_fail(err, -EFBIG, "it has more than %zu bytes", read->max_bytes);
	memcpy(read->text + read->length, bytes, (size_t)count);
	read->length += (size_t)count;
	read->text[read->length] = '\0';
	return eof || count == 0;
}

static void on_file_data(struct hn_qmp *agent, json_object *result, const struct hn_error *err, void *context)
{
	struct file_read *read = context;
	struct hn_error why = {0};
	int r;

	if (err) {
		finish(read, err);
		return;
	}
	r = take_data(read, result, &why);
	if (r < 0)
		hn_error_prefix(&why, "%s: %s", hn_qmp_label(agent), read->path);
	if (r == 0)
		r = ask_data(read, &why);
	else if (r > 0)
		finish(read, NULL);
	if (r < 0)
		finish(read, &why);
}

static void on_file_opened(struct hn_qmp *agent, json_object *result, const struct hn_error *err,
			   void *context)
{
	struct file_read *read = context;
	struct hn_error why = {0};

	if (!err && !json_object_is_type(result, json_type_int)) {
		hn_fail(&why, -EPROTO, "%s: %s was opened without a handle", hn_qmp_label(agent), read->path);
		err = &why;
	}
	if (err) {
		read->done(NULL, 0, err, read->context);
		file_read_free(read);
		return;
	}
	read->handle = json_object_get_int64(result);
	read->opened_ns = now_ns();
	if (ask_data(read, &why) < 0)
		finish(read, &why);
}

static int file_read_new(struct hn_qmp *agent, const char *path, size_t max_bytes, struct file_read **ret,
			 struct hn_error *err)
{
	HN_AUTO(file_read) struct file_read *read = calloc(1, sizeof(*read));

	if (!read)
		return hn_oom(err);
	read->agent = agent;
	read->max_bytes = max_bytes;
	read->path = strdup(path);
	read->text = malloc(max_bytes + 1);
	if (!read->path || !read->text)
		return hn_oom(err);
	read->text[0] = '\0';
	*ret = hn_steal(read);
	return 0;
}

int hn_agent_read_file(struct hn_qmp *agent, const char *path, size_t max_bytes, hn_agent_file_done done,
		       void *context, struct hn_error *err)
{
	HN_AUTO(file_read) struct file_read *read = NULL;
	HN_AUTO(json) json_object *arguments = json_object_new_object();
	int r;

	if (!arguments || hn_json_add_string(arguments, "path", path) < 0 ||
	    hn_json_add_string(arguments, "mode", "r") < 0)
		return hn_oom(err);
	r = file_read_new(agent, path, max_bytes, &read, err);
	if (r < 0)
		return r;
	read->done = done;
	read->context = context;
	r = hn_qmp_execute(agent, "guest-file-open", hn_steal(arguments), 0, on_file_opened, read, err);
	if (r == 0)
		read = NULL; /* the replies own it now */
	return r;
}
