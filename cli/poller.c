#include "cli/poller.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/units.h"
#include "cli/fetch.h"

struct hn_poller {
	pthread_t thread;
	struct hn_client *client;
	uint64_t interval_ns;
	int ended_fd; /* counts polls that ended */
	int stop_fd;  /* readable: time to go */
	int hurry_fd; /* readable: poll now */
	pthread_mutex_t lock;
	/* under the lock: how the latest poll ended, until it is taken */
	int result;
	struct hn_picture *picture;
	struct hn_error err;
	char guest[HN_NAME_MAX]; /* wanted in full */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

static void publish(struct hn_poller *poller, int result, struct hn_picture *picture,
		    const struct hn_error *err)
{
	pthread_mutex_lock(&poller->lock);
	hn_picture_free(poller->picture);
	poller->result = result;
	poller->picture = picture;
	poller->err = *err;
	pthread_mutex_unlock(&poller->lock);
	eventfd_write(poller->ended_fd, 1);
}

/* False when it is time to go. */
static bool pause_until(struct hn_poller *poller, uint64_t when_ns)
{
	struct pollfd fds[] = {{.fd = poller->stop_fd, .events = POLLIN},
			       {.fd = poller->hurry_fd, .events = POLLIN}};
	uint64_t now = now_ns();
	uint64_t left = when_ns > now ? when_ns - now : 0;
	struct timespec pause = {.tv_sec = (time_t)(left / HN_NS_PER_S),
				 .tv_nsec = (long)(left % HN_NS_PER_S)};
	eventfd_t hurry;

	ppoll(fds, HN_COUNT(fds), &pause, NULL);
	if (fds[1].revents)
		eventfd_read(poller->hurry_fd, &hurry);
	return !fds[0].revents;
}

static void *run(void *context)
{
	struct hn_poller *poller = context;
	uint64_t begun;

	do {
		struct hn_picture *picture = NULL;
		struct hn_error err = {0};
		char guest[HN_NAME_MAX];
		int r;

		begun = now_ns();
		pthread_mutex_lock(&poller->lock);
		memcpy(guest, poller->guest, sizeof(guest));
		pthread_mutex_unlock(&poller->lock);
		r = hn_fetch_picture(poller->client, guest, &picture, &err);
		if (r == -ECANCELED)
			break;
		publish(poller, r < 0 ? r : 1, picture, &err);
	} while (pause_until(poller, begun + poller->interval_ns));
	return NULL;
}

/* Signals are for whoever draws. */
static int start_thread(struct hn_poller *poller)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&poller->thread, NULL, run, poller);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

static void destroy(struct hn_poller *poller)
{
	if (poller->ended_fd >= 0)
		close(poller->ended_fd);
	if (poller->stop_fd >= 0)
		close(poller->stop_fd);
	if (poller->hurry_fd >= 0)
		close(poller->hurry_fd);
	pthread_mutex_destroy(&poller->lock);
	hn_picture_free(poller->picture);
	free(poller);
}

int hn_poller_start(struct hn_client *client, uint64_t interval_ns, struct hn_poller **ret,
		    struct hn_error *err)
{
	struct hn_poller *poller = calloc(1, sizeof(*poller));
	int r;

	if (!poller)
		return hn_oom(err);
	poller->client = client;
	poller->interval_ns = interval_ns;
	pthread_mutex_init(&poller->lock, NULL);
	poller->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	poller->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	poller->hurry_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = poller->ended_fd < 0 || poller->stop_fd < 0 || poller->hurry_fd < 0 ? -errno : 0;
	if (r == 0) {
		hn_client_stop_on(client, poller->stop_fd);
		r = start_thread(poller);
	}
	if (r < 0) {
		hn_client_stop_on(client, -1);
		destroy(poller);
		return hn_fail_errno(err, r, "cannot begin to poll homenoded");
	}
	*ret = poller;
	return 0;
}

void hn_poller_free(struct hn_poller *poller)
{
	if (!poller)
		return;
	eventfd_write(poller->stop_fd, 1);
	pthread_join(poller->thread, NULL);
	hn_client_stop_on(poller->client, -1);
	destroy(poller);
}

void hn_poller_watch(struct hn_poller *poller, const char *guest)
{
	bool other;

	pthread_mutex_lock(&poller->lock);
	other = strcmp(poller->guest, guest) != 0;
	snprintf(poller->guest, sizeof(poller->guest), "%s", guest);
	pthread_mutex_unlock(&poller->lock);
	if (other && *guest)
		eventfd_write(poller->hurry_fd, 1);
}

int hn_poller_fd(const struct hn_poller *poller)
{
	return poller->ended_fd;
}

int hn_poller_take(struct hn_poller *poller, struct hn_picture **ret, struct hn_error *err)
{
	eventfd_t ended;
	int r;

	eventfd_read(poller->ended_fd, &ended);
	pthread_mutex_lock(&poller->lock);
	r = poller->result;
	poller->result = 0;
	if (r < 0 && err)
		*err = poller->err;
	else if (r > 0)
		*ret = hn_steal(poller->picture);
	pthread_mutex_unlock(&poller->lock);
	return r;
}
