#pragma once
/*
 * silent-hands - hands that say hello, and nothing more: what is asked of them is read by nobody.
 */
#include <pthread.h>

struct silent_hands {
	char path[64]; /* of the socket where they are started, for hn_hands_new() */
	int fd;
	pthread_t thread;
};

void silent_hands_start(struct silent_hands *hands);
/* Once the brain has closed its connections. */
void silent_hands_stop(struct silent_hands *hands);
