#pragma once
/*
 * failure - what libvirt says went wrong, as one of our errors.
 */
#include "base/error.h"

/*
 * As hn_fail(), with ": " and libvirt's own last sentence of this thread behind; the code is taken from it.
 * -ENOENT no such domain, or it does not run; -EOPNOTSUPP refused for this domain or by this driver;
 * -EACCES; -EINVAL; -ETIMEDOUT the domain is busy; -ENOTCONN; -ENOMEM; -EREMOTEIO for all others.
 */
int hn_virt_fail(struct hn_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for a code and a sentence of libvirt's. */
int hn_virt_code(int code, const char *sentence);
