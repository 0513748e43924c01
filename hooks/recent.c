#include "hooks/recent.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "hooks/deadline.h"

#define RETRY_NS INT64_C(200000)
#define FILE_MAX 65536
#define LINE_MAX_BYTES (NODE_SET_TEXT_MAX + 96)

int64_t recent_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static bool parse_line(const char *line, struct recent_answer *ret)
{
	char nodes[NODE_SET_TEXT_MAX];
	int used = 0;

	return sscanf(line, "%" SCNd64 " %u %" SCNu64 " %4095[0-9,-]%n", &ret->at_ms, &ret->vcpus, &ret->mib,
		      nodes, &used) == 4 &&
	       line[used] == '\0' && node_set_parse(nodes, strlen(nodes), &ret->nodes);
}

static void keep(struct recent *recent, const struct recent_answer *answer)
{
	if (recent->count == RECENT_MAX) {
		memmove(recent->answers, recent->answers + 1, (RECENT_MAX - 1) * sizeof(*answer));
		recent->count--;
		recent->untidy = true;
	}
	recent->answers[recent->count++] = *answer;
}

static bool is_current(const struct recent_answer *answer, int64_t now_ms)
{
	return answer->at_ms >= 0 && answer->at_ms <= now_ms && now_ms - answer->at_ms <= RECENT_MS;
}

void recent_parse(const char *text, size_t length, int64_t now_ms, struct recent *ret)
{
	const char *end = text + length, *newline;

	for (; (newline = memchr(text, '\n', (size_t)(end - text))); text = newline + 1) {
		size_t line_length = (size_t)(newline - text);
		char line[LINE_MAX_BYTES];
		struct recent_answer answer;

		snprintf(line, sizeof(line), "%.*s", (int)line_length, text);
		if (strlen(line) == line_length && parse_line(line, &answer) && is_current(&answer, now_ms))
			keep(ret, &answer);
		else
			ret->untidy = true;
	}
	ret->untidy |= text < end;
}

static bool lock(int fd, int64_t deadline)
{
	while (flock(fd, LOCK_EX | LOCK_NB) < 0)
		if (deadline_pause(RETRY_NS, deadline) < 0)
			return false;
	return true;
}

void recent_open(const char *root, int64_t now_ms, int64_t deadline, struct recent *ret)
{
	static char text[FILE_MAX];
	char path[PATH_MAX];
	ssize_t length;

	memset(ret, 0, sizeof(*ret));
	snprintf(path, sizeof(path), "%s/run/homenode-numad", root);
	ret->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
		       0600);
	if (ret->fd < 0)
		return;
	ret->locked = lock(ret->fd, deadline);
	length = pread(ret->fd, text, sizeof(text), 0);
	if (length > 0)
		recent_parse(text, (size_t)length, now_ms, ret);
}

static void write_line(const struct recent *recent, const struct recent_answer *answer)
{
	char nodes[NODE_SET_TEXT_MAX], line[LINE_MAX_BYTES];
	int length =
		snprintf(line, sizeof(line), "%" PRId64 " %u %" PRIu64 " %s\n", answer->at_ms, answer->vcpus,
			 answer->mib, node_set_format(&answer->nodes, nodes, sizeof(nodes)));

	if (write(recent->fd, line, (size_t)length) < 0)
		return; /* a full /run: the answer stands without */
}

/* Appending needs no lock; without one the file is not shortened. */
void recent_add(struct recent *recent, const struct recent_answer *answer)
{
	if (recent->fd < 0)
		return;
	if (recent->locked && recent->untidy && ftruncate(recent->fd, 0) == 0)
		for (size_t i = 0; i < recent->count; i++)
			write_line(recent, &recent->answers[i]);
	write_line(recent, answer);
}

void recent_close(struct recent *recent)
{
	if (recent->fd >= 0)
		close(recent->fd);
	recent->fd = -1;
}

void recent_apply(const struct recent *recent, struct numa_host *host)
{
	for (size_t i = 0; i < recent->count; i++) {
		const struct recent_answer *answer = &recent->answers[i];
		unsigned parts = node_set_count(&answer->nodes);
		uint64_t kib = answer->mib < UINT64_MAX / 1024 ? answer->mib * 1024 / parts : UINT64_MAX;

		for (size_t n = 0; n < host->count; n++) {
			struct numa_node *node = &host->nodes[n];

			if (!node_set_has(&answer->nodes, node->id))
				continue;
			node->room_kib -= kib < node->room_kib ? kib : node->room_kib;
			node->promised_vcpus += (answer->vcpus + parts - 1) / parts;
		}
	}
}
