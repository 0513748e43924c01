#pragma once
/*
 * domain-wishes - what domain XML asks for besides what the guest is made of (xml/domain-read.h): homenode's
 * own settings in <metadata>, the operator's pins, and the question that libvirt will put to numad when the
 * domain starts.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "model/settings.h"

#define HN_DOMAIN_NAMESPACE "urn:homenode:guest:1"
#define HN_DOMAIN_PREFIX "homenode"

struct hn_domain_pin {
	unsigned number; /* vCPU, or iothread id */
	struct hn_set cpus;
};

/*
 * numad is asked when <vcpu> or numatune's <memory> has placement='auto', memnodes or not: with memnodes the
 * answer only counts for CPUs. VCPUS are those online, MIB is <memory> before it is aligned, and not
 * <currentMemory> (libvirt 9.0: virDomainDefNeedsPlacementAdvice(), qemuProcessPrepareDomainNUMAPlacement(),
 * virNumaGetAutoPlacementAdvice()). In XML that libvirt wrote, as hooks get it, <memory> holds the DIMMs.
 */
struct hn_domain_wishes {
	struct hn_settings settings; /* <homenode:guest mode='enforce' .../> in <metadata> */
	bool asks_numad;             /* libvirt asks numad -w VCPUS:MIB when it starts the domain */
	unsigned numad_vcpus;        /* vCPUs at start */
	uint64_t numad_mib;          /* all memory, DIMMs included, rounded up */
	struct hn_set vcpu_cpus;     /* <vcpu cpuset>; empty: none, or ignored under placement='auto' */
	size_t vcpu_pin_count, iothread_pin_count;
	struct hn_domain_pin *vcpu_pins, *iothread_pins; /* <vcpupin>, <iothreadpin>, in order of number */
	struct hn_set emulator_cpus;                     /* <emulatorpin>; empty: none */
	char memory_mode[16]; /* of <numatune><memory>: "strict" (where it has none), ...; "" no such element
			       */
	bool has_memnodes;
	bool is_kvm; /* type='kvm' */
};
void hn_domain_wishes_done(struct hn_domain_wishes *wishes);

/*
 * -EPROTO with the line, and as hn_domain_read() otherwise. An unknown attribute of homenode's element, a
 * child, or a second such element is a mistake of its author: -EPROTO names it and what there is. Whether
 * there is a policy of that name is for others to check. *ret is zeroed on failure.
 */
int hn_domain_wishes_read(const char *xml, size_t length, struct hn_domain_wishes *ret, struct hn_error *err);

/* The metadata element with what the settings say, for virDomainSetMetadata(): no namespace prefix, "guest"
 * is its name. The caller frees *ret; NULL when nothing is said. -ENOMEM. */
int hn_domain_settings_write(const struct hn_settings *settings, char **ret, struct hn_error *err);
