#include "daemon/balancer.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "daemon/guest.h"
#include "daemon/hands-channel.h"

#define RETRY_NS (60 * HN_NS_PER_S)
#define LAST_WATCHDOG_NS (2 * HN_NS_PER_S)

struct hn_balancer {
	struct hn_service *service;
	char state_path[160]; /* holds what to restore while it is changed */
	int original;         /* value to restore, -1: not changed */
	bool asking;
	uint64_t retry_ns;       /* what was refused is not asked for before */
	char said[HN_ERROR_MAX]; /* the last trouble that was told */
};

static void write_state(const struct hn_balancer *balancer)
{
	HN_AUTO(file) FILE *file = fopen(balancer->state_path, "we");

	if (!file || fprintf(file, "%d\n", balancer->original) < 0)
		hn_log(HN_LOG_WARNING,
		       "cannot write %s: kernel NUMA balancing (%d) will not be restored after a crash: %s",
		       balancer->state_path, balancer->original, strerror(errno));
}

/* A file that is there was left by a daemon that could not restore. */
static int read_state(const struct hn_balancer *balancer)
{
	HN_AUTO(file) FILE *file = fopen(balancer->state_path, "re");
	int value;

	return file && fscanf(file, "%d", &value) == 1 && value > 0 && value < 16 ? value : -1;
}

static bool anyone_enforced(const struct hn_service *service)
{
	const struct hn_managed *managed;

	TAILQ_FOREACH(managed, &service->guests, entry)
	if (managed->guest && managed->identified && managed->guest->mode == HN_MODE_ENFORCE)
		return true;
	return false;
}

/* Once, while it does not change. */
static void tell_trouble(struct hn_balancer *balancer, const char *what, const struct hn_error *err)
{
	balancer->retry_ns = hn_now_ns() + RETRY_NS;
	if (strcmp(balancer->said, err->message) == 0)
		return;
	snprintf(balancer->said, sizeof(balancer->said), "%s", err->message);
	hn_log(HN_LOG_WARNING, "%s: %s", what, err->message);
}

static void on_off_reply(int result, const void *body, size_t length, const struct hn_error *err,
			 void *context)
{
	struct hn_balancer *balancer = context;
	int32_t before = 0;

	balancer->asking = false;
	if (result < 0) {
		tell_trouble(balancer, "kernel NUMA balancing stays as it is", err);
		return;
	}
	balancer->said[0] = '\0';
	if (length == sizeof(before))
		memcpy(&before, body, sizeof(before));
	if (before > 0 && balancer->original < 0) {
		balancer->original = before;
		write_state(balancer);
		hn_log(HN_LOG_INFO, "kernel NUMA balancing turned off (it was %d) while guests are enforced",
		       before);
	}
	balancer->service->host->kernel_balancing = false;
}

static void forget_original(struct hn_balancer *balancer)
{
	hn_log(HN_LOG_INFO, "kernel NUMA balancing restored to %d", balancer->original);
	balancer->original = -1;
	balancer->said[0] = '\0';
	unlink(balancer->state_path);
}

/* What cannot be restored now is kept in the file: perhaps it can be by the next homenoded. */
static void tell_unrestored(struct hn_balancer *balancer, const struct hn_error *err)
{
	char what[120];

	snprintf(what, sizeof(what),
		 "cannot restore kernel NUMA balancing; do: sysctl -w kernel.numa_balancing=%d",
		 balancer->original);
	tell_trouble(balancer, what, err);
}

static void on_restore_reply(int result, const void *body, size_t length, const struct hn_error *err,
			     void *context)
{
	struct hn_balancer *balancer = context;

	balancer->asking = false;
	if (result < 0)
		tell_unrestored(balancer, err);
	else
		forget_original(balancer);
}

static void set(struct hn_balancer *balancer, int32_t value, hn_hands_reply reply)
{
	struct hn_error err;

	if (balancer->asking || hn_now_ns() < balancer->retry_ns)
		return;
	balancer->asking = true;
	if (hn_hands_request(balancer->service->hands, HN_HANDS_BALANCING,
			     &(struct hn_hands_part){&value, sizeof(value)}, 1, NULL, reply, balancer,
			     &err) < 0)
		reply(err.code, NULL, 0, &err, balancer);
}

struct last_word {
	bool over;
	int result;
	struct hn_error err;
};

static void on_last_reply(int result, const void *body, size_t length, const struct hn_error *err,
			  void *context)
{
	struct last_word *word = context;

	word->over = true;
	word->result = result;
	if (err)
		word->err = *err;
}

/* At the end, when the service's own loop does not turn any more: by hands and a loop of its own. */
static void restore_at_last(struct hn_balancer *balancer)
{
	struct event_base *base = event_base_new();
	struct last_word word = {0};
	int32_t value = balancer->original;
	struct hn_hands *hands = NULL;

	if (!base ||
	    (word.result = hn_hands_new(base, balancer->service->hands_program, "restoring", LAST_WATCHDOG_NS,
					&hands, &word.err)) < 0 ||
	    (word.result = hn_hands_request(hands, HN_HANDS_BALANCING,
					    &(struct hn_hands_part){&value, sizeof(value)}, 1, NULL,
					    on_last_reply, &word, &word.err)) < 0)
		word.over = true;
	while (!word.over && event_base_loop(base, EVLOOP_ONCE) == 0)
		;
	if (!word.over || word.result < 0)
		tell_unrestored(balancer, &word.err);
	else
		forget_original(balancer);
	hn_hands_free(hands);
	if (base)
		event_base_free(base);
}

int hn_balancer_new(struct hn_service *service, struct hn_balancer **ret, struct hn_error *err)
{
	struct hn_balancer *balancer = calloc(1, sizeof(*balancer));
	const char *slash = strrchr(service->config->socket, '/');

	if (!balancer)
		return hn_oom(err);
	balancer->service = service;
	snprintf(balancer->state_path, sizeof(balancer->state_path), "%.*s/kernel-balancing",
		 slash ? (int)(slash - service->config->socket) : 1, slash ? service->config->socket : ".");
	balancer->original = read_state(balancer);
	*ret = balancer;
	return 0;
}

void hn_balancer_free(struct hn_balancer *balancer)
{
	if (!balancer)
		return;
	if (balancer->original >= 0)
		restore_at_last(balancer);
	free(balancer);
}

void hn_balancer_update(struct hn_balancer *balancer)
{
	bool enforced = anyone_enforced(balancer->service);

	if (balancer->service->config->balancing == HN_BALANCING_OFF_WHILE_ENFORCING && enforced &&
	    balancer->service->host->kernel_balancing)
		set(balancer, 0, on_off_reply);
	else if (!enforced && balancer->original >= 0)
		set(balancer, balancer->original, on_restore_reply);
}
