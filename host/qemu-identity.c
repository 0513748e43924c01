#include "host/qemu-identity.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "host/proc-file.h"
#include "host/qemu-command.h"

#define COMMAND_MAX (256 * HN_KIB) /* 250 disks of libvirt's make some 170 KiB */

/* qemu-system-x86_64, qemu-kvm, kvm (Debian's old name), and the like: all else called qemu-* runs no guest,
 * or one program of another architecture. */
static bool is_qemus_name(const char *path)
{
	const char *file = basename(path);

	return strncmp(file, "qemu-system-", strlen("qemu-system-")) == 0 || strcmp(file, "qemu-kvm") == 0 ||
	       strcmp(file, "kvm") == 0 || strcmp(file, "qemu") == 0;
}

static bool executable_is_qemu(int directory)
{
	char path[PATH_MAX], *end;
	ssize_t length = readlinkat(directory, "exe", path, sizeof(path) - 1);

	if (length < 0)
		return false;
	path[length] = '\0';
	end = strstr(path, " (deleted)");
	if (end)
		*end = '\0';
	return is_qemus_name(path);
}

int hn_qemu_is_called_so(int directory)
{
	char first[PATH_MAX];
	HN_AUTO(fd) int fd = openat(directory, "cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : pread(fd, first, sizeof(first) - 1, 0);

	if (length <= 0)
		return length < 0 ? -errno : -ESRCH; /* it has given up its memory and is about to end */
	first[length] = '\0';
	return is_qemus_name(first) || executable_is_qemu(directory);
}

int hn_qemu_command(int directory, char **ret, size_t *ret_length)
{
	HN_AUTO(memory) char *text = NULL;
	ssize_t length;
	int r = hn_qemu_is_called_so(directory);

	if (r <= 0)
		return r;
	text = malloc(COMMAND_MAX + 1);
	if (!text)
		return -ENOMEM;
	length = hn_proc_read_at(directory, "cmdline", text, COMMAND_MAX + 1);
	if (length == -EFBIG)
		length = 0; /* not known, nor what it would say of a guest */
	else if (length <= 0)
		return (int)length;
	else if (!hn_qemu_runs_guest(&(struct hn_command){text, (size_t)length}))
		return 0;
	*ret_length = (size_t)length;
	*ret = hn_steal(text);
	return 1;
}
