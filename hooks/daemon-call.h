#pragma once
/*
 * daemon-call - one request to homenoded over its unix socket, over by its deadline whatever state homenoded
 * is in.
 *
 * Nothing here blocks but in poll(2), and no signal is raised. What homenoded answers is not to be trusted.
 */
#include <stddef.h>
#include <stdint.h>

#include "hooks/http-answer.h"

struct daemon_request {
	const char *socket; /* path */
	const char *target; /* what is posted to: path and query, encoded */
	const char *type;   /* of the body; NULL without one */
	const void *body;
	size_t length;
};

/*
 * Posts, and waits for the whole answer: buffer (size bytes) receives it, and *ret points into that.
 * deadline as of deadline.h. -ETIMEDOUT, -ECONNREFUSED, -ENOENT and the like when there is nobody,
 * -ECONNRESET when homenoded hung up before all was said, -EPROTO, -EMSGSIZE, -ENAMETOOLONG for the socket's
 * path, -E2BIG for the target.
 */
int daemon_ask(const struct daemon_request *request, int64_t deadline, char *buffer, size_t size,
	       struct http_answer *ret);

/*
 * Posts and leaves. 0 when all of it is in the socket, whether or not homenoded reads it ever. Errors as
 * above.
 */
int daemon_tell(const struct daemon_request *request, int64_t deadline);

/*
 * Appends text to the string in buffer, with all but letters, digits and -._~ as %XX. -E2BIG, and nothing
 * appended, when it does not fit.
 */
int daemon_target_add(char *buffer, size_t size, const char *text);
