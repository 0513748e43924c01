/*
 * doctor-services - who else works on this host's CPUs, memory and guests, and what homenode itself may do.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "host/cgroups.h"
#include "host/cpu-list.h"
#include "host/doctor.h"
#include "host/proc-file.h"
#include "host/realtime-threads.h"

#define HOOKS_FOLDER "etc/libvirt/hooks/qemu.d"
#define PROGRAM_MAX (4u << 20)
#define NUMAD_MARK "numad (homenode)" /* in the text of its version, see data/numad-diversion */
#define HOOK_MARK "homenode-hook"

/* Of the running processes, the first whose comm is name; 0 when there is none. */
static pid_t find_process(const char *root, const char *name)
{
	HN_AUTO(fd) int fd = hn_proc_open(root, O_DIRECTORY, "proc");
	HN_AUTO(directory) DIR *folder = fd < 0 ? NULL : hn_proc_folder_at(fd, ".");
	struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		char path[300], comm[64];

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "%s/comm", entry->d_name);
		if (hn_proc_read_at(fd, path, comm, sizeof(comm)) < 0)
			continue;
		comm[strcspn(comm, "\n")] = '\0';
		if (strcmp(comm, name) == 0)
			return (pid_t)atoi(entry->d_name);
	}
	return 0;
}

/* Whether a file holds the text: 1, 0, or -errno. */
static int file_has(const char *root, const char *path, const char *text)
{
	HN_AUTO(fd) int fd = hn_proc_open(root, 0, "%s", path);
	HN_AUTO(memory) char *bytes = fd < 0 ? NULL : malloc(PROGRAM_MAX);
	ssize_t length = fd < 0 ? fd : -ENOMEM;

	if (bytes)
		length = hn_proc_read(bytes, PROGRAM_MAX, root, "%s", path);
	return length < 0 ? (int)length : memmem(bytes, (size_t)length, text, strlen(text)) != NULL;
}

static bool is_there(const char *root, const char *path)
{
	HN_AUTO(fd) int fd = hn_proc_open(root, 0, "%s", path);

	return fd >= 0;
}

static bool has_libvirt(const char *root)
{
	return is_there(root, "usr/sbin/libvirtd") || is_there(root, "usr/sbin/virtqemud");
}

static void check_isolated_cpus(const char *root, const struct hn_doctor_case *known, struct hn_checkup *ret)
{
	struct hn_set isolated = hn_cpu_list_read(root, "isolated"),
		      ticking = hn_cpu_list_read(root, "nohz_full"), both;
	char text[120];

	both = isolated;
	hn_set_and(&both, &known->reserved_cpus);
	hn_set_subtract(&ticking, &isolated);
	if (!hn_set_empty(&both))
		hn_finding_mend(hn_checkup_put(ret, HN_CHECK_ISOLATED_CPUS, HN_FINDING_WARNING,
					       "CPUs %s are isolated and reserved for the host at once",
					       hn_set_format(&both, text, sizeof(text))),
				"take them out of reserved_cpus in homenode.conf, or out of isolcpus=");
	else if (!hn_set_empty(&ticking))
		hn_finding_mend(
			hn_checkup_put(ret, HN_CHECK_ISOLATED_CPUS, HN_FINDING_NOTE,
				       "CPUs %s are nohz_full= and not isolated: guests of every class "
				       "share them",
				       hn_set_format(&ticking, text, sizeof(text))),
			"add them to isolcpus= on the kernel's command line");
	else if (!hn_set_empty(&isolated))
		hn_checkup_put(ret, HN_CHECK_ISOLATED_CPUS, HN_FINDING_OK,
			       "CPUs %s are for realtime guests only",
			       hn_set_format(&isolated, text, sizeof(text)));
	else
		hn_checkup_put(ret, HN_CHECK_ISOLATED_CPUS, HN_FINDING_OK, "none are isolated");
}

static void check_moves(const char *root, struct hn_checkup *ret)
{
	struct hn_realtime_threads threads;
	struct hn_error err;

	if (hn_realtime_threads_find(root, &threads, &err) < 0)
		hn_checkup_put(ret, HN_CHECK_MOVES, HN_FINDING_UNKNOWN, "%s", err.message);
	else if (threads.count)
		hn_checkup_put(ret, HN_CHECK_MOVES, HN_FINDING_NOTE,
			       "%u threads of a realtime class, among them thread %d of process %d (%s, %s): "
			       "should one "
			       "never leave its CPU, moves get stuck",
			       threads.count, (int)threads.tid, (int)threads.pid, threads.name,
			       threads.policy);
	else
		hn_checkup_put(ret, HN_CHECK_MOVES, HN_FINDING_OK,
			       "no process has threads of a realtime class");
}

/* "00000000,0000000c": words of 32 bits, the highest first. */
static int parse_mask(const char *text, struct hn_set *ret)
{
	size_t digits = 0;

	hn_set_clear(ret);
	for (const char *at = text + strlen(text); at-- > text;) {
		int digit = isdigit((unsigned char)*at) ? *at - '0' : tolower((unsigned char)*at) - 'a' + 10;

		if (*at == ',')
			continue;
		if (!isxdigit((unsigned char)*at))
			return -EINVAL;
		for (int bit = 0; bit < 4; bit++)
			if (digit >> bit & 1)
				hn_set_add(ret, (int)digits * 4 + bit);
		digits++;
	}
	return digits ? 0 : -EINVAL;
}

/*
 * The CPUs irqbalance keeps off: as its environment says, in a list (since 1.9) or a mask; without either,
 * the isolated and nohz_full ones by itself (irqbalance(1)).
 */
static int banned_cpus(const char *root, pid_t pid, struct hn_set *ret)
{
	static const char list[] = "IRQBALANCE_BANNED_CPULIST=", mask[] = "IRQBALANCE_BANNED_CPUS=";
	struct hn_set ticking = hn_cpu_list_read(root, "nohz_full");
	char text[65536];
	ssize_t length = hn_proc_read(text, sizeof(text), root, "proc/%d/environ", (int)pid);

	if (length < 0)
		return (int)length;
	for (const char *at = text; at < text + length; at += strlen(at) + 1) {
		if (strncmp(at, list, sizeof(list) - 1) == 0 && at[sizeof(list) - 1])
			return hn_set_parse(at + sizeof(list) - 1, ret, NULL);
		if (strncmp(at, mask, sizeof(mask) - 1) == 0 && at[sizeof(mask) - 1])
			return parse_mask(at + sizeof(mask) - 1, ret);
	}
	*ret = hn_cpu_list_read(root, "isolated");
	hn_set_or(ret, &ticking);
	return 0;
}

static void check_irqbalance(const char *root, struct hn_checkup *ret)
{
	struct hn_set isolated = hn_cpu_list_read(root, "isolated"), banned = {0};
	pid_t pid = find_process(root, "irqbalance");
	char text[120], all[120];
	int r;

	if (pid == 0) {
		hn_checkup_put(ret, HN_CHECK_IRQBALANCE, HN_FINDING_NOTE,
			       "not running: interrupts stay where drivers and operators put them");
		return;
	}
	r = banned_cpus(root, pid, &banned);
	if (r < 0) {
		hn_checkup_put(ret, HN_CHECK_IRQBALANCE, HN_FINDING_UNKNOWN,
			       "running, and which CPUs it keeps off cannot be read: %s", strerror(-r));
		return;
	}
	hn_set_format(&isolated, all, sizeof(all));
	hn_set_subtract(&isolated, &banned);
	if (!hn_set_empty(&isolated))
		hn_finding_mend(hn_checkup_put(ret, HN_CHECK_IRQBALANCE, HN_FINDING_WARNING,
					       "it gives interrupts to the isolated CPUs %s",
					       hn_set_format(&isolated, text, sizeof(text))),
				"set IRQBALANCE_BANNED_CPULIST=%s in /etc/default/irqbalance, and systemctl "
				"restart irqbalance",
				all);
	else
		hn_checkup_put(ret, HN_CHECK_IRQBALANCE, HN_FINDING_OK, "running, off CPUs %s",
			       hn_set_empty(&banned) ? "none" : hn_set_format(&banned, text, sizeof(text)));
}

/*
 * The nodes with memory that this process's own cpuset forbids: a page is allocated for who makes the moving
 * call, so that none comes to be there (prepare_alloc_pages() of mm/page_alloc.c). None where it is not told.
 */
static struct hn_set forbidden_nodes(const char *root, const char *status)
{
	struct hn_set allowed = {0}, nodes = {0};
	const char *line = strstr(status, "\nMems_allowed_list:");
	char list[HN_SET_TEXT_MAX], text[HN_SET_TEXT_MAX];

	if (!line || hn_proc_read(text, sizeof(text), root, "sys/devices/system/node/has_memory") < 0)
		return nodes;
	line += strlen("\nMems_allowed_list:");
	snprintf(list, sizeof(list), "%.*s", (int)strcspn(line, "\n"), line);
	if (hn_set_parse(list, &allowed, NULL) == 0 && hn_set_parse(text, &nodes, NULL) == 0)
		hn_set_subtract(&nodes, &allowed);
	return nodes;
}

static void put_forbidden(const struct hn_set *nodes, struct hn_checkup *ret)
{
	char text[120];

	hn_finding_mend(hn_checkup_put(ret, HN_CHECK_RIGHTS, HN_FINDING_FAIL,
				       "its own cpuset forbids it the nodes %s: no memory can be moved there",
				       hn_set_format(nodes, text, sizeof(text))),
			"take AllowedMemoryNodes= from homenode-host@.service and the slice it is in; "
			"without systemd give all nodes to cpuset.mems of homenoded's control group");
}

/* Whose pages cannot be asked for or moved without SYS_PTRACE and SYS_NICE; SYS_ADMIN shows frames. */
static void check_rights(const char *root, struct hn_checkup *ret)
{
	static const struct {
		int number;
		const char *name;
		bool needed;
	} rights[] = {{CAP_SYS_NICE, "CAP_SYS_NICE", true},
		      {CAP_SYS_PTRACE, "CAP_SYS_PTRACE", true},
		      {CAP_SYS_ADMIN, "CAP_SYS_ADMIN", false}};
	enum hn_finding_verdict verdict = HN_FINDING_OK;
	char text[8192], missing[120] = "";
	struct hn_set forbidden;
	unsigned long long effective;
	const char *at;

	if (hn_proc_read(text, sizeof(text), root, "proc/self/status") < 0 ||
	    !(at = strstr(text, "\nCapEff:")) || sscanf(at, "\nCapEff: %llx", &effective) != 1) {
		hn_checkup_put(ret, HN_CHECK_RIGHTS, HN_FINDING_UNKNOWN,
			       "/proc/self/status does not tell capabilities");
		return;
	}
	for (size_t i = 0; i < HN_COUNT(rights); i++) {
		if (effective >> rights[i].number & 1)
			continue;
		if (rights[i].needed)
			verdict = HN_FINDING_FAIL;
		else if (verdict == HN_FINDING_OK)
			verdict = HN_FINDING_WARNING;
		snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing), "%s%s",
			 *missing ? ", " : "", rights[i].name);
	}
	forbidden = forbidden_nodes(root, text);
	if (verdict != HN_FINDING_FAIL && !hn_set_empty(&forbidden))
		put_forbidden(&forbidden, ret);
	else if (verdict == HN_FINDING_OK)
		hn_checkup_put(ret, HN_CHECK_RIGHTS, verdict, "it has what it needs");
	else
		hn_finding_mend(hn_checkup_put(ret, HN_CHECK_RIGHTS, verdict, "missing: %s", missing),
				"systemctl edit homenode-host@.service, and add CapabilityBoundingSet=%s to "
				"[Service]; "
				"without systemd run homenoded as root",
				missing);
}

/* Whether a list of words between blanks has the word. */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += length)
		if ((at == list || at[-1] == ' ') && strchr(" \n", at[length]))
			return true;
	return false;
}

static void check_cgroups(const char *root, struct hn_checkup *ret)
{
	struct hn_cgroups cgroups;
	struct hn_error err = {0};
	char text[1024];
	ssize_t length;

	if (hn_cgroups_find(root, "cpuset", &cgroups, &err) < 0) {
		hn_checkup_put(ret, HN_CHECK_CGROUPS,
			       is_there(root, "proc/self/mountinfo") ? HN_FINDING_NOTE : HN_FINDING_UNKNOWN,
			       "%s", err.message);
		return;
	}
	if (cgroups.v1) {
		hn_checkup_put(ret, HN_CHECK_CGROUPS, HN_FINDING_OK, "version 1, cpuset at %s",
			       cgroups.mount);
		return;
	}
	length = hn_proc_read(text, sizeof(text), root, "%s/cgroup.controllers", cgroups.mount);
	if (length < 0)
		hn_checkup_put(ret, HN_CHECK_CGROUPS, HN_FINDING_UNKNOWN,
			       "version 2, and %s/cgroup.controllers cannot be read: %s", cgroups.mount,
			       strerror(-(int)length));
	else if (!has_word(text, "cpuset"))
		hn_finding_mend(hn_checkup_put(ret, HN_CHECK_CGROUPS, HN_FINDING_WARNING,
					       "version 2 at %s, without the cpuset controller",
					       cgroups.mount),
				"take cgroup_disable=cpuset and mounts of cpuset as version 1 away");
	else if (hn_proc_read(text, sizeof(text), root, "%s/cgroup.subtree_control", cgroups.mount) >= 0 &&
		 !has_word(text, "cpuset"))
		hn_finding_mend(
			hn_checkup_put(ret, HN_CHECK_CGROUPS, HN_FINDING_NOTE,
				       "version 2 at %s; cpuset is not given to groups below: no guest "
				       "is limited by one",
				       cgroups.mount),
			"echo +cpuset > %s/cgroup.subtree_control", cgroups.mount);
	else
		hn_checkup_put(ret, HN_CHECK_CGROUPS, HN_FINDING_OK, "version 2, cpuset at %s",
			       cgroups.mount);
}

/* Any program or script in the folder that is homenode's hook, or names it. */
static void check_hook(const char *root, struct hn_checkup *ret)
{
	HN_AUTO(fd) int fd = hn_proc_open(root, O_DIRECTORY, HOOKS_FOLDER);
	HN_AUTO(directory) DIR *folder = fd < 0 ? NULL : hn_proc_folder_at(fd, ".");
	struct dirent *entry;

	if (!has_libvirt(root)) {
		hn_checkup_put(ret, HN_CHECK_HOOK, HN_FINDING_OK, "no libvirt here");
		return;
	}
	while (folder && (entry = readdir(folder))) {
		char path[512];

		snprintf(path, sizeof(path), HOOKS_FOLDER "/%s", entry->d_name);
		if (entry->d_name[0] != '.' && file_has(root, path, HOOK_MARK) == 1) {
			hn_checkup_put(ret, HN_CHECK_HOOK, HN_FINDING_OK, "/%s", path);
			return;
		}
	}
	hn_finding_mend(
		hn_checkup_put(ret, HN_CHECK_HOOK, HN_FINDING_WARNING, "libvirt does not ask homenode"),
		"install -D -m 755 " HOMENODE_LIBEXECDIR "/homenode-hook /" HOOKS_FOLDER
		"/50-homenode, and restart libvirt's daemon");
}

static void check_numad(const char *root, struct hn_checkup *ret)
{
	int r = file_has(root, "usr/bin/numad", NUMAD_MARK);
	pid_t running = find_process(root, "numad");

	if (r == 1)
		hn_checkup_put(ret, HN_CHECK_NUMAD, HN_FINDING_OK, "homenode's");
	else if (!has_libvirt(root))
		hn_checkup_put(ret, HN_CHECK_NUMAD, HN_FINDING_OK, "no libvirt here");
	else if (r < 0 && r != -ENOENT)
		hn_checkup_put(ret, HN_CHECK_NUMAD, HN_FINDING_UNKNOWN, "/usr/bin/numad cannot be read: %s",
			       strerror(-r));
	else
		hn_finding_mend(
			hn_checkup_put(ret, HN_CHECK_NUMAD, HN_FINDING_WARNING, "%s",
				       r == 0 ? "another's"
					      : "not there: guests with placement='auto' do not start"),
			HOMENODE_LIBEXECDIR "/homenode/numad-diversion install");
	if (running)
		hn_finding_mend(hn_checkup_put(ret, HN_CHECK_NUMAD_RUNNING, HN_FINDING_FAIL,
					       "numad runs (pid %d)", (int)running),
				"systemctl disable --now numad");
	else
		hn_checkup_put(ret, HN_CHECK_NUMAD_RUNNING, HN_FINDING_OK, "none");
}

void hn_doctor_examine_services(const char *root, const struct hn_doctor_case *known, struct hn_checkup *ret)
{
	check_isolated_cpus(root, known, ret);
	check_moves(root, ret);
	check_irqbalance(root, ret);
	check_rights(root, ret);
	check_cgroups(root, ret);
	check_hook(root, ret);
	check_numad(root, ret);
}

void hn_doctor_examine(const char *root, const struct hn_doctor_case *known, struct hn_checkup *ret)
{
	hn_doctor_examine_kernel(root, ret);
	hn_doctor_examine_services(root, known, ret);
}
