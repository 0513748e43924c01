#pragma once
/*
 * qemu-processes - every QEMU on this machine that runs a guest, found in /proc: whoever started it, in a
 * container or not.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/set.h"
#include "host/process.h"

#define HN_QEMUS_MAX 4096
#define HN_QEMU_SOCKETS_MAX 4
#define HN_QEMU_SOCKET_MAX 128

struct hn_qemu_process {
	struct hn_process process;
	uid_t uid;
	char name[128];    /* -name guest=, "" none */
	char uuid[40];     /* -uuid, lower case; "" none */
	int32_t container; /* its place in the list of containers; -1: it shares our pid namespace */
	pid_t pid_inside;  /* what it is called in its own pid namespace */
};

/* Where a QEMU in another pid namespace than ours can be reached, and what holds it. */
struct hn_qemu_container {
	/* Unix sockets of monitors in control mode that its command line names by path, as seen from here
	 * (through /proc/PID/root), NUL-terminated; "" ends. */
	char monitors[HN_QEMU_SOCKETS_MAX][HN_QEMU_SOCKET_MAX];
	/* libvirt's socket in there (virtqemud-sock or libvirt-sock), as seen from here; "" none. Of each
	 * QEMU in one container another path leads to the same file (st_dev and st_ino). */
	char libvirt[HN_QEMU_SOCKET_MAX];
	uint64_t libvirt_device, libvirt_inode;
	/* Hard limits of its cgroup; empty when not limited. */
	struct hn_set cpus, nodes;
};

struct hn_qemu_list {
	size_t count;
	struct hn_qemu_process *processes; /* in order of pid */
	size_t container_count;
	struct hn_qemu_container *containers;
	size_t left_out; /* processes that are called QEMU and were not looked at: there are too many */
};

void hn_qemu_list_free(struct hn_qemu_list *list); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_qemu_list, struct hn_qemu_list *, hn_qemu_list_free);

/*
 * Reads ROOT/proc. A process counts when its command line has QEMU's -name, -uuid or -machine and its
 * executable or first argument is qemu-*, /usr/libexec/qemu-kvm, or the like; of one with more than 256 KiB
 * of it, which is not read, neither name nor uuid is told. Processes that vanish meanwhile or may not be read
 * are left out. As anybody may call a process so, at most HN_QEMUS_MAX are looked at: users get equal shares,
 * and what one leaves of its own goes to the others. The caller frees *ret. -ENOMEM, -errno of /proc.
 */
int hn_qemu_processes_read(const char *root, struct hn_qemu_list **ret, struct hn_error *err);

/*
 * Thread ids as told by a process in its own pid namespace, to those of ours (NSpid of
 * /proc/PID/task/TID/status), in place. A process in our namespace: nothing changes. -ESRCH when one of them
 * is not a thread of the process, -E2BIG when it has more than HN_THREADS_MAX, -ENOMEM.
 */
int hn_threads_translate(const char *root, const struct hn_process *process, int32_t *tids, size_t count,
			 struct hn_error *err);
