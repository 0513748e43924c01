#pragma once
/*
 * doctor - looks at what this host is like for homenode and its guests: one finding a check of
 * model/checkup.h, never an error; what cannot be read is a finding that says so. Every reader takes a root
 * path (NULL or "": the machine).
 */
#include "base/set.h"
#include "host/process.h"
#include "model/checkup.h"
#include "model/host.h"

/* What the operator has set apart for the host; its own rights are those of /proc/self. */
struct hn_doctor_case {
	struct hn_set reserved_cpus;
};

/* All that files tell: the kernel and its settings, and the services beside homenode. */
void hn_doctor_examine(const char *root, const struct hn_doctor_case *known, struct hn_checkup *ret);

/* Its two halves. */
void hn_doctor_examine_kernel(const char *root, struct hn_checkup *ret);
void hn_doctor_examine_services(const char *root, const struct hn_doctor_case *known, struct hn_checkup *ret);

/* All that the host's model tells: nodes, and pools of huge pages. Pure. */
void hn_doctor_examine_host(const struct hn_host *host, struct hn_checkup *ret);

/* One guest, as far as files must know of it. Plain data, so that it can be sent as a struct. */
struct hn_doctor_guest {
	struct hn_process process;
	struct hn_set cpus; /* that its vCPUs may run on */
	uint32_t realtime;
	uint32_t bound; /* all its memory is bound to nodes, or of huge pages: balancing passes it by */
};

/* All that files tell of a guest: its process, and for a realtime guest its CPUs. */
void hn_doctor_examine_guest(const char *root, const struct hn_doctor_guest *guest, struct hn_checkup *ret);

/* Its half of CPUs. */
void hn_doctor_examine_cpus(const char *root, const struct hn_set *cpus, struct hn_checkup *ret);
