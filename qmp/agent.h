#pragma once
/*
 * agent - questions to the guest agent: reading small files inside the guest, whole, with bounds.
 */
#include <stdint.h>

#include "base/error.h"
#include "qmp/client.h"

/* text is NUL-terminated, length bytes long, borrowed; NULL with err. Exactly once per successful start. */
typedef void (*hn_agent_file_done)(const char *text, size_t length, const struct hn_error *err,
				   void *context);

/*
 * Opens path in the guest read-only, reads at most max_bytes (more is -EFBIG), closes it, answers. It is
 * given up (-ETIMEDOUT) when it has not come whole within 5 s. On a HN_QMP_AGENT client that is ready. The
 * file handle is closed in the guest also when reading fails.
 */
int hn_agent_read_file(struct hn_qmp *agent, const char *path, size_t max_bytes, hn_agent_file_done done,
		       void *context, struct hn_error *err);
