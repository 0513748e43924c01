#pragma once
/*
 * pressure - how much tasks wait for CPUs, memory and disks, as the kernel tells it (PSI,
 * Documentation/accounting/psi.rst): of the machine, and of a guest's control group.
 *
 * What is not there (a kernel without CONFIG_PSI, or started with psi=0; a group of cgroup v1) is unknown.
 */
#include "host/process.h"
#include "model/evidence.h"

/* ROOT/proc/pressure/{cpu,memory,io} */
void hn_pressure_of_host(const char *root, struct hn_stall ret[HN_RESOURCE_COUNT]);

/*
 * {cpu,memory,io}.pressure of the guest's control group (v2): hn_cgroup_of_guest() of host/cgroups.h.
 */
void hn_pressure_of_guest(const char *root, const struct hn_process *process,
			  struct hn_stall ret[HN_RESOURCE_COUNT]);
