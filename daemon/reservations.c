#include "daemon/reservations.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "model/codec.h"

#define FILE_MAX (64 << 20)
#define WRITE_BYTES (256 << 10)
#define AUTO_MEMORY __attribute__((cleanup(hn_cleanup_memory)))

static struct hn_reserved *find_entry(struct hn_reservations *reservations, const char *uuid,
				      const char *name)
{
	struct hn_reserved *item;

	TAILQ_FOREACH(item, &reservations->list, entry)
	{
		const struct hn_guest *guest = item->reservation->guest;

		if (uuid[0] && guest->uuid[0] ? strcmp(guest->uuid, uuid) == 0
					      : strcmp(guest->name, name) == 0)
			return item;
	}
	return NULL;
}

struct hn_reservation *hn_reservations_find(struct hn_reservations *reservations, const char *uuid,
					    const char *name)
{
	struct hn_reserved *item = find_entry(reservations, uuid, name);

	return item ? item->reservation : NULL;
}

struct hn_reservation *hn_reservations_find_id(struct hn_reservations *reservations, const char *id)
{
	struct hn_reserved *item;

	TAILQ_FOREACH(item, &reservations->list, entry)
	if (strcmp(item->reservation->id, id) == 0)
		return item->reservation;
	return NULL;
}

struct hn_reservation *hn_reservations_find_key(struct hn_reservations *reservations, const char *key)
{
	struct hn_reserved *item;

	TAILQ_FOREACH(item, &reservations->list, entry)
	if (item->reservation->key[0] && strcmp(item->reservation->key, key) == 0)
		return item->reservation;
	return NULL;
}

static void remove_entry(struct hn_reservations *reservations, struct hn_reserved *item)
{
	TAILQ_REMOVE(&reservations->list, item, entry);
	reservations->count--;
	hn_reservation_free(item->reservation);
	free(item->text);
	free(item);
}

static void make_room(struct hn_reservations *reservations)
{
	struct hn_reserved *item;

	if (reservations->count < HN_RESERVATIONS_MAX)
		return;
	TAILQ_FOREACH(item, &reservations->list, entry)
	{
		if (item->reservation->state == HN_RESERVATION_PARKED) {
			remove_entry(reservations, item);
			return;
		}
	}
}

/* A name that nobody guesses or has had before. */
static void give_id(struct hn_reservation *reservation)
{
	uint64_t number = 0;

	while (getrandom(&number, sizeof(number), 0) != sizeof(number))
		;
	snprintf(reservation->id, sizeof(reservation->id), "r%016" PRIx64, number);
}

static int append(struct hn_reservations *reservations, struct hn_reservation *reservation,
		  struct hn_error *err)
{
	struct hn_reserved *item;

	make_room(reservations);
	if (reservations->count >= HN_RESERVATIONS_MAX) {
		hn_reservation_free(reservation);
		return hn_fail(err, -ENOSPC, "there are %d reservations already", HN_RESERVATIONS_MAX);
	}
	item = calloc(1, sizeof(*item));
	if (!item) {
		hn_reservation_free(reservation);
		return hn_oom(err);
	}
	item->reservation = reservation;
	if (!reservation->id[0])
		give_id(reservation);
	TAILQ_INSERT_TAIL(&reservations->list, item, entry);
	reservations->count++;
	return 0;
}

static void tell_problem(struct hn_reservations *reservations, const struct hn_error *err)
{
	if (strcmp(reservations->problem, err->message) == 0)
		return;
	hn_log(HN_LOG_WARNING, "reservations: %s; what is reserved now is forgotten when homenoded ends",
	       err->message);
	memcpy(reservations->problem, err->message, sizeof(reservations->problem));
}

static int make_text(struct hn_reserved *item, struct hn_error *err)
{
	HN_AUTO(json) json_object *json = hn_reservation_encode(item->reservation);
	const char *text = json ? json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN) : NULL;

	free(item->text);
	item->text = text ? strdup(text) : NULL;
	return item->text ? 0 : hn_oom(err);
}

const char *hn_reserved_text(struct hn_reserved *item)
{
	return item->text || make_text(item, NULL) == 0 ? item->text : NULL;
}

static int make_texts(struct hn_reservations *reservations, struct hn_error *err)
{
	struct hn_reserved *item;

	TAILQ_FOREACH(item, &reservations->list, entry)
	if (!item->text && make_text(item, err) < 0)
		return -ENOMEM;
	return 0;
}

static int print_file(const struct hn_reservations *reservations, const char *path)
{
	HN_AUTO(file) FILE *file = NULL;
	const struct hn_reserved *item;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	file = fdopen(fd, "w");
	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	setvbuf(file, NULL, _IOFBF, WRITE_BYTES);
	fputs("{\"reservations\":[", file);
	TAILQ_FOREACH(item, &reservations->list, entry)
	fprintf(file, "%s%s", item == TAILQ_FIRST(&reservations->list) ? "" : ",\n", item->text);
	errno = 0;
	if (fputs("]}\n", file) < 0 || fflush(file) < 0 || ferror(file))
		return errno ? -errno : -ENOSPC;
	return 0;
}

/* As a whole or not at all: a reader never sees half of it. */
static int write_file(struct hn_reservations *reservations, struct hn_error *err)
{
	char draft[sizeof(reservations->path) + 8];
	int r;

	snprintf(draft, sizeof(draft), "%s.new", reservations->path);
	r = print_file(reservations, draft);
	if (r == 0 && rename(draft, reservations->path) < 0)
		r = -errno;
	if (r == 0)
		return 0;
	unlink(draft);
	return hn_fail_errno(err, r, "cannot write %s", reservations->path);
}

void hn_reservations_commit(struct hn_reservations *reservations)
{
	struct hn_error err;

	if (reservations->filed == reservations->changes)
		return;
	reservations->filed = reservations->changes;
	reservations->writes++;
	if (make_texts(reservations, &err) < 0 || write_file(reservations, &err) < 0) {
		tell_problem(reservations, &err);
		return;
	}
	if (reservations->problem[0])
		hn_log(HN_LOG_INFO, "reservations: %s is written again", reservations->path);
	reservations->problem[0] = '\0';
}

static void file_soon(struct hn_reservations *reservations)
{
	reservations->changes++;
	if (reservations->due)
		reservations->due(reservations->context);
	else
		hn_reservations_commit(reservations);
}

static struct hn_reserved *entry_of(struct hn_reservations *reservations,
				    const struct hn_reservation *reservation)
{
	struct hn_reserved *item;

	TAILQ_FOREACH(item, &reservations->list, entry)
	if (item->reservation == reservation)
		return item;
	return NULL;
}

void hn_reservations_save(struct hn_reservations *reservations, const struct hn_reservation *changed)
{
	struct hn_reserved *item = entry_of(reservations, changed);

	if (item) {
		free(hn_steal(item->text));
		item->change = reservations->changes + 1;
	}
	file_soon(reservations);
}

bool hn_reservations_is_pending(struct hn_reservations *reservations,
				const struct hn_reservation *reservation)
{
	const struct hn_reserved *item = entry_of(reservations, reservation);

	return item && item->change > reservations->filed;
}

static int read_file(const char *path, char **ret, size_t *ret_length, struct hn_error *err)
{
	HN_AUTO(file) FILE *file = fopen(path, "re");
	AUTO_MEMORY char *text = NULL;
	struct stat status;

	if (!file)
		return hn_fail_errno(err, -errno, "cannot read %s", path);
	if (fstat(fileno(file), &status) < 0 || status.st_size > FILE_MAX)
		return hn_fail(err, -EFBIG, "%s is larger than %d bytes", path, FILE_MAX);
	text = malloc((size_t)status.st_size + 1);
	if (!text)
		return hn_oom(err);
	*ret_length = fread(text, 1, (size_t)status.st_size, file);
	*ret = hn_steal(text);
	return 0;
}

static int load(struct hn_reservations *reservations, struct hn_error *err)
{
	AUTO_MEMORY char *text = NULL;
	HN_AUTO(json) json_object *json = NULL;
	json_object *items;
	size_t length = 0;
	int r;

	if ((r = read_file(reservations->path, &text, &length, err)) < 0 ||
	    (r = hn_json_parse(text, length, reservations->path, &json, err)) < 0 ||
	    (r = hn_json_get_array(json, "reservations", &items, err)) < 0)
		return r;
	for (size_t i = 0; r == 0 && i < json_object_array_length(items); i++) {
		struct hn_reservation *reservation;

		r = hn_reservation_decode(json_object_array_get_idx(items, i), &reservation, err);
		if (r == 0)
			r = append(reservations, reservation, err);
	}
	return r;
}

int hn_reservations_init(struct hn_reservations *reservations, const char *path, struct hn_error *err)
{
	char aside[sizeof(reservations->path) + 8];
	struct hn_error why;

	*reservations = (struct hn_reservations){0};
	TAILQ_INIT(&reservations->list);
	if (strlen(path) >= sizeof(reservations->path))
		return hn_fail(err, -ENAMETOOLONG, "the path '%.60s...' is too long", path);
	strcpy(reservations->path, path);
	if (load(reservations, &why) == 0 || why.code == -ENOENT)
		return 0;
	snprintf(aside, sizeof(aside), "%s.bad", path);
	hn_log(HN_LOG_WARNING,
	       "reservations: %s: %s; it is kept as %s, and %zu reservations that could be read are used",
	       path, why.message, aside, reservations->count);
	if (rename(path, aside) < 0)
		hn_log(HN_LOG_WARNING, "%s cannot be renamed: %s", path, strerror(errno));
	return 0;
}

void hn_reservations_done(struct hn_reservations *reservations)
{
	struct hn_reserved *item;

	while ((item = TAILQ_FIRST(&reservations->list)))
		remove_entry(reservations, item);
}

int hn_reservations_put(struct hn_reservations *reservations, struct hn_reservation *reservation,
			struct hn_error *err)
{
	struct hn_reserved *old =
		find_entry(reservations, reservation->guest->uuid, reservation->guest->name);
	int r;

	if (old) {
		memcpy(reservation->id, old->reservation->id, sizeof(reservation->id));
		if (!reservation->key[0]) {
			memcpy(reservation->key, old->reservation->key, sizeof(reservation->key));
			reservation->asked = old->reservation->asked;
		}
		remove_entry(reservations, old);
	}
	r = append(reservations, reservation, err);
	if (r == 0)
		TAILQ_LAST(&reservations->list, hn_reserved_list)->change = reservations->changes + 1;
	if (r == 0 || old)
		file_soon(reservations);
	return r;
}

void hn_reservations_drop(struct hn_reservations *reservations, struct hn_reservation *reservation)
{
	struct hn_reserved *item = entry_of(reservations, reservation);

	if (!item)
		return;
	remove_entry(reservations, item);
	file_soon(reservations);
}

/* Nobody's key stands for it any more. */
static void park(struct hn_reserved *item, uint64_t now_ns)
{
	struct hn_reservation *reservation = item->reservation;

	reservation->state = HN_RESERVATION_PARKED;
	reservation->since_ns = now_ns;
	reservation->expires_ns = 0;
	reservation->confirmed = false;
	reservation->key[0] = '\0';
	free(hn_steal(item->text));
}

void hn_reservations_give_back(struct hn_reservations *reservations, struct hn_reservation *reservation,
			       uint64_t now_ns)
{
	struct hn_reserved *item = entry_of(reservations, reservation);

	if (!item)
		return;
	if (reservation->pinned)
		park(item, now_ns);
	else
		remove_entry(reservations, item);
	file_soon(reservations);
}

void hn_reservations_expire(struct hn_reservations *reservations, uint64_t now_ns)
{
	struct hn_reserved *item = TAILQ_FIRST(&reservations->list), *next;
	bool changed = false;

	for (; item; item = next) {
		const struct hn_reservation *reservation = item->reservation;

		next = TAILQ_NEXT(item, entry);
		if (reservation->expires_ns == 0 || now_ns < reservation->expires_ns)
			continue;
		hn_log(HN_LOG_INFO, "guest '%s': did not start in time; its reservation has expired",
		       reservation->guest->name);
		if (reservation->pinned)
			park(item, now_ns);
		else
			remove_entry(reservations, item);
		changed = true;
	}
	if (changed)
		file_soon(reservations);
}
