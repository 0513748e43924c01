#pragma once
/*
 * domain-write - a placement written into domain XML, so that libvirt starts the guest there.
 *
 * Nothing but what tells of placement is changed: other elements, their order, attributes, namespaces,
 * comments and blanks stay as they are, and XML that says already what the placement says comes back byte by
 * byte.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "model/guest.h"
#include "model/host.h"
#include "model/placement.h"

enum hn_domain_scope {
	/*
	 * All of it: <vcpu cpuset> and placement='static' where it was auto, <cputune> with a vcpupin for
	 * each vCPU (those plugged in later included), emulatorpin and iothreadpins, <numatune> with <memory>
	 * and, for a guest with cells, a <memnode> for each. A guest of type='qemu' whose vCPUs may share a
	 * thread (emulation of another architecture than the host's, -icount) gets no vcpupins, as libvirt
	 * would not start it with them; all of its threads share one set of CPUs.
	 */
	HN_DOMAIN_ALL,
	/*
	 * Only what names this or that node or CPU already, as it must be right on another host: existing
	 * pins, cpusets and nodesets. Nothing is added, and placement='auto' stays. What the guest and its
	 * cells are allowed comes from the XML and names another host's nodes, then: hn_guest_allow_all()
	 * before a home is looked for.
	 */
	HN_DOMAIN_EXISTING,
};

/*
 * guest as of hn_domain_read() on the same XML; home with its CPUs chosen (hn_cpus_choose()). Mode of an
 * existing <numatune> is kept; "strict" where there is none. In either scope a memory device's
 * <source><nodemask> gets the nodes of its cell; what names the guest's own nodes (hugepages) stays. The
 * caller frees *ret (bytes and NUL). *ret_changed may be NULL. -EINVAL when home is not one of this guest or
 * this host; errors of hn_domain_read().
 */
int hn_domain_write(const char *xml, size_t length, const struct hn_guest *guest, const struct hn_host *host,
		    const struct hn_placement *home, enum hn_domain_scope scope, char **ret,
		    bool *ret_changed, struct hn_error *err);
