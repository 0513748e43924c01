#pragma once
/*
 * domain - a guest's libvirt side: what libvirt tells of it, and libvirt's connections, each of whose domains
 * becomes a guest under homenoded's eyes or joins the one whose QMP socket was found first.
 */
#include <stdbool.h>

#include "base/error.h"
#include "daemon/guest.h"
#include "daemon/settings.h"
#include "virt/virt.h"
#include "xml/domain-wishes.h"

struct hn_domain {
	struct hn_virt *virt; /* the connection that told of it */
	char uuid[40];
	enum hn_run_state state;
	int run_id;      /* libvirt's, of this run */
	uint64_t met_ns; /* when this run was first told of; 0: not yet */
	bool persistent, agent;
	char *xml;                      /* as it runs, whether it can be read or not */
	struct hn_guest *guest;         /* as the last XML makes it that could be read; NULL: none could */
	struct hn_domain_wishes wishes; /* of the same; pins: those of the definition, where there is one */
	char *unread;                   /* why the XML of now cannot be read, NULL: it is */
	const void *setting;            /* the request that writes settings into it now, NULL none */
	unsigned wire_tries;            /* to open one to its monitor, since one lasted */
	uint64_t wire_due_ns;           /* before which it is not tried again */
};
void hn_domain_free(struct hn_domain *domain); /* NULL is fine */

/* What XML alone knows of a guest that another source made up: devices, page sizes, what keeps memory from
 * moving. */
void hn_domain_complete(const struct hn_domain *domain, struct hn_guest *told);

/* None of its XML could be read yet, so that anything may be wished there: it is left as it is. NULL is fine.
 */
bool hn_domain_is_unknown(const struct hn_domain *domain);
/* What holds for the guest, by its XML and the configuration; as hn_settings_of(). */
struct hn_settings hn_domain_settings(const struct hn_managed *managed, const struct hn_guest *guest,
				      enum hn_setting_source *sources);

/* Pins that libvirt shows are homenode's own, not the operator's. */
bool hn_domain_pins_are_ours(const struct hn_managed *managed);
/* Its operator has pinned vCPUs of it, and that is to be kept. */
bool hn_domain_vcpus_pinned(const struct hn_managed *managed);
/* Pins of any of its threads are to be kept. */
bool hn_domain_has_kept_pins(const struct hn_managed *managed);
/* What libvirt calls the thread; false when it does not know it. */
bool hn_domain_pin_of(const struct hn_thread *thread, struct hn_virt_pin *ret);
/* That vCPU's, iothread's or the emulator's CPUs are its operator's choice, and to be kept. */
bool hn_domain_keeps_pin(const struct hn_managed *managed, enum hn_virt_pin_kind kind, unsigned number);
bool hn_domain_keeps_thread(const struct hn_managed *managed, const struct hn_thread *thread);

/* With each tick: a broken wire to its monitor is opened anew, where it is asked over one; ever less often.
 */
void hn_domain_tend_wire(struct hn_managed *managed);

/* libvirt's connections: the host's own (config->libvirt_uri), and those found in containers. */
struct hn_virts;
int hn_virts_new(struct hn_service *service, struct hn_virts **ret, struct hn_error *err);
void hn_virts_free(struct hn_virts *virts); /* NULL is fine */

#define HN_VIRTS_MAX 256 /* each has up to two threads of its own (TasksMax= of homenoded.service) */

/* A libvirt's socket in a container, as a QEMU there shows it: others show the same file under paths of their
 * own, and a libvirt that starts anew makes another file. */
struct hn_virts_socket {
	const char *path;
	struct hn_process process; /* the QEMU through whose /proc/PID/root the path leads */
	uint64_t device, inode;
};
/* Those that are there: connects to new ones, up to HN_VIRTS_MAX in all, and ends connections to others. */
void hn_virts_keep(struct hn_virts *virts, const struct hn_virts_socket *sockets, size_t count);
