#include "daemon/balancer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/guest.h"
#include "daemon/hands-channel.h"

#define BALANCING_PATH "/proc/sys/kernel/numa_balancing"

struct hn_balancer {
	struct hn_service *service;
	char state_path[160]; /* holds what to restore while it is changed */
	int original;         /* value to restore, -1: not changed */
	bool asking;
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

static void on_off_reply(int result, const void *body, size_t length, const struct hn_error *err,
			 void *context)
{
	struct hn_balancer *balancer = context;
	int32_t before = 0;

	balancer->asking = false;
	if (result < 0) {
		hn_log(HN_LOG_WARNING, "kernel NUMA balancing stays as it is: %s", err->message);
		return;
	}
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

static void turn_off(struct hn_balancer *balancer)
{
	int32_t off = 0;
	struct hn_error err;

	if (balancer->asking)
		return;
	if (hn_hands_request(balancer->service->hands, HN_HANDS_BALANCING,
			     &(struct hn_hands_part){&off, sizeof(off)}, 1, NULL, on_off_reply, balancer,
			     &err) < 0)
		hn_log(HN_LOG_WARNING, "kernel NUMA balancing stays as it is: %s", err.message);
	else
		balancer->asking = true;
}

/* Restoring is one write of our own setting back; at the end of the daemon nobody would wait for the hands.
 */
static void restore(struct hn_balancer *balancer)
{
	HN_AUTO(file) FILE *file = fopen(BALANCING_PATH, "we");

	if (file && fprintf(file, "%d\n", balancer->original) > 0 && fflush(file) == 0)
		hn_log(HN_LOG_INFO, "kernel NUMA balancing restored to %d", balancer->original);
	else
		hn_log(HN_LOG_WARNING,
		       "cannot restore kernel NUMA balancing; do: sysctl -w kernel.numa_balancing=%d",
		       balancer->original);
	balancer->original = -1;
	unlink(balancer->state_path);
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
		restore(balancer);
	free(balancer);
}

void hn_balancer_update(struct hn_balancer *balancer)
{
	bool enforced = anyone_enforced(balancer->service);

	if (balancer->service->config->balancing == HN_BALANCING_OFF_WHILE_ENFORCING && enforced &&
	    balancer->service->host->kernel_balancing)
		turn_off(balancer);
	else if (!enforced && balancer->original >= 0)
		restore(balancer);
}
