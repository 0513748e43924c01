#include "virt/failure.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

static const struct {
	int code;
	int errno_code;
} meanings[] = {
	{VIR_ERR_NO_DOMAIN, -ENOENT},
	{VIR_ERR_OPERATION_INVALID, -EOPNOTSUPP}, /* not with a domain like this, or in this state */
	{VIR_ERR_OPERATION_UNSUPPORTED, -EOPNOTSUPP},
	{VIR_ERR_CONFIG_UNSUPPORTED, -EOPNOTSUPP},
	{VIR_ERR_ARGUMENT_UNSUPPORTED, -EOPNOTSUPP},
	{VIR_ERR_NO_SUPPORT, -EOPNOTSUPP},
	{VIR_ERR_OPERATION_DENIED, -EACCES},
	{VIR_ERR_ACCESS_DENIED, -EACCES},
	{VIR_ERR_AUTH_FAILED, -EACCES},
	{VIR_ERR_AUTH_CANCELLED, -EACCES},
	{VIR_ERR_INVALID_ARG, -EINVAL},
	{VIR_ERR_OPERATION_TIMEOUT, -ETIMEDOUT},
	{VIR_ERR_RPC, -ENOTCONN},
	{VIR_ERR_INVALID_CONN, -ENOTCONN},
	{VIR_ERR_NO_CONNECT, -ENOTCONN},
	{VIR_ERR_NO_MEMORY, -ENOMEM},
};

int hn_virt_code(int code, const char *sentence)
{
	/* qemu_domain.c, virDomainObjCheckActive(): the same code as for what is refused */
	if (code == VIR_ERR_OPERATION_INVALID && sentence && strstr(sentence, "is not running"))
		return -ENOENT;
	for (size_t i = 0; i < HN_COUNT(meanings); i++)
		if (meanings[i].code == code)
			return meanings[i].errno_code;
	return -EREMOTEIO;
}

int hn_virt_fail(struct hn_error *err, const char *format, ...)
{
	const virError *last = virGetLastError();
	const char *sentence = last && last->message ? last->message : "libvirt does not say why";
	char what[HN_ERROR_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	return hn_fail(err, last ? hn_virt_code(last->code, sentence) : -EREMOTEIO, "%s: %s", what, sentence);
}
