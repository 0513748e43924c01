#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 0))) static void write_sentence(struct hn_error *err, int code,
								 const char *format, va_list args)
{
	err->code = code;
	vsnprintf(err->message, sizeof(err->message), format, args);
}

int hn_fail(struct hn_error *err, int code, const char *format, ...)
{
	if (err) {
		va_list args;

		va_start(args, format);
		write_sentence(err, code, format, args);
		va_end(args);
	}
	return code;
}

int hn_fail_errno(struct hn_error *err, int code, const char *format, ...)
{
	if (err) {
		va_list args;
		size_t used;

		va_start(args, format);
		write_sentence(err, code, format, args);
		va_end(args);
		used = strlen(err->message);
		snprintf(err->message + used, sizeof(err->message) - used, ": %s", strerror(-code));
	}
	return code;
}

int hn_error_prefix(struct hn_error *err, const char *format, ...)
{
	char tail[HN_ERROR_MAX];
	va_list args;
	size_t used;

	if (!err)
		return -EINVAL;
	memcpy(tail, err->message, sizeof(tail));
	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	used = strlen(err->message);
	snprintf(err->message + used, sizeof(err->message) - used, ": %s", tail);
	return err->code;
}

int hn_oom(struct hn_error *err)
{
	return hn_fail(err, -ENOMEM, "out of memory");
}
