#pragma once
/*
 * guest - a virtual machine as plain data: cells, vCPUs, threads and memory backends.
 *
 * What QMP and /proc tell of a guest's make-up; where its pages and threads are at a moment is in sample.h,
 * where they should be in placement.h.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/set.h"
#include "model/pins.h"

#define HN_NAME_MAX 128 /* longest guest, backend or thread name kept, with its NUL */

/* What homenode may do with a guest. */
enum hn_mode {
	HN_MODE_OFF,     /* not looked at */
	HN_MODE_OBSERVE, /* measured and shown */
	HN_MODE_ADVISE,  /* plans are made and shown, nothing is done */
	HN_MODE_ENFORCE, /* plans are carried out */
	HN_MODE_COUNT,
};

/* How its vCPUs want to be placed. */
enum hn_class {
	HN_CLASS_SHARED,    /* vCPUs share CPUs with others */
	HN_CLASS_DEDICATED, /* one vCPU a core */
	HN_CLASS_REALTIME,  /* placed before it runs, left alone afterwards */
	HN_CLASS_COUNT,
};

enum hn_run_state {
	HN_RUN_UNKNOWN,
	HN_RUN_RUNNING,
	HN_RUN_PAUSED,
	HN_RUN_INCOMING, /* waits for a live migration to arrive */
	HN_RUN_SHUTDOWN,
	HN_RUN_COUNT,
};

enum hn_thread_kind {
	HN_THREAD_VCPU,
	HN_THREAD_IOTHREAD,
	HN_THREAD_EMULATOR, /* the main thread and QEMU's other workers */
	HN_THREAD_VHOST,    /* vhost workers, kernel or user threads */
	HN_THREAD_HELPER,   /* of another process that serves the guest: virtiofsd, swtpm */
	HN_THREAD_KIND_COUNT,
};

/* NULL-safe names: "enforce", "shared", "running", "vcpu"; parse gives -EINVAL and lists the choices. */
const char *hn_mode_name(enum hn_mode mode);
const char *hn_class_name(enum hn_class class);
const char *hn_run_state_name(enum hn_run_state state);
const char *hn_thread_kind_name(enum hn_thread_kind kind);
int hn_mode_parse(const char *text, enum hn_mode *ret, struct hn_error *err);
int hn_class_parse(const char *text, enum hn_class *ret, struct hn_error *err);
int hn_run_state_parse(const char *text, enum hn_run_state *ret, struct hn_error *err);
int hn_thread_kind_parse(const char *text, enum hn_thread_kind *ret, struct hn_error *err);

/* A guest NUMA node. A guest without vNUMA has one cell, id 0. */
struct hn_cell {
	int id;
	uint64_t memory_bytes;       /* that it has been given: the sum of its backends, less what virtio-mem
					maps and has not plugged */
	struct hn_set vcpus;         /* vCPU indices */
	uint64_t page_bytes;         /* of the hugetlb pages it wants its memory in; 0: base pages */
	uint64_t bandwidth_bytes;    /* a second, that it is known to use; 0 unknown */
	struct hn_set allowed_nodes; /* node ids its operator allows this cell, of the guest's; empty: all of
					these */
};

struct hn_thread {
	pid_t tid;
	pid_t tid_inside; /* what a QEMU in a container calls it; 0: the same */
	enum hn_thread_kind kind;
	int vcpu; /* HN_THREAD_VCPU: its index; else -1 */
	int cell; /* HN_THREAD_VCPU: its cell; else -1 (serves the whole guest) */
	char name[32];
	bool kept; /* it stays where its operator has pinned it */
	bool ours; /* it may run where homenode has bound it, and nobody has bound it since */
};

/* Why memory cannot be moved; unknown counts as immovable until shown otherwise. */
enum hn_movability {
	HN_MOVABLE,
	HN_IMMOVABLE_PINNED,    /* VFIO, RDMA, long-term pins */
	HN_IMMOVABLE_ENCRYPTED, /* SEV, TDX, guest_memfd */
	HN_IMMOVABLE_UNKNOWN, /* nothing tells: until one page of it has been moved, see host/move-probe.h */
	HN_IMMOVABLE_LARGE_PAGES, /* to copy one page takes longer than its operator allows */
	HN_MOVABILITY_COUNT,
};
const char *hn_movability_name(enum hn_movability movability);
int hn_movability_parse(const char *text, enum hn_movability *ret, struct hn_error *err);

/* What a mapping is made of, as the kernel tells without looking at its pages. */
enum hn_backing {
	HN_BACKING_UNKNOWN,
	HN_BACKING_ANONYMOUS, /* private memory: 4 KiB pages and THP */
	HN_BACKING_SHMEM,     /* memfd, share=on, /dev/shm */
	HN_BACKING_FILE,      /* of a file system: its page cache */
	HN_BACKING_HUGETLB,   /* pages of a pool, page_bytes each */
	HN_BACKING_DEVICE,    /* a device's own memory, DAX included */
	HN_BACKING_COUNT,
};
const char *hn_backing_name(enum hn_backing backing);
int hn_backing_parse(const char *text, enum hn_backing *ret, struct hn_error *err);

/* One host mapping that holds guest memory. */
struct hn_backend {
	char id[HN_NAME_MAX];  /* "ram-node0", "pc.ram", a DIMM's memdev */
	int cell;              /* cell it belongs to, -1 unknown */
	uint64_t host_address; /* start of the mapping in QEMU's address space, 0 unknown */
	uint64_t bytes;
	uint64_t page_bytes; /* size of the host pages behind it, 0 unknown */
	bool shared;         /* mapped MAP_SHARED: other processes may map it too */
	bool prealloc;
	bool dimm;                /* hotplugged memory device */
	char policy[16];          /* "default", "bind", "preferred", "interleave", "" unknown */
	struct hn_set host_nodes; /* nodes of that policy */
	enum hn_movability movability;
	enum hn_backing backing;
	bool looked_inside;  /* the two shares are known; they are of the pages that are there, from a sample
			      */
	double huge_share;   /* in huge pages: THP, or all of hugetlb */
	double merged_share; /* merged with others by KSM: they move only for all who map them */
};

#define HN_GROUP_MAX 64

struct hn_guest {
	char name[HN_NAME_MAX];
	char uuid[40];
	pid_t pid;            /* of QEMU, 0 unknown */
	uint64_t start_ticks; /* field 22 of /proc/PID/stat: with pid, names the process for good */
	enum hn_mode mode;
	enum hn_class class;
	enum hn_run_state state;
	char policy[24];             /* name of the policy it is under, see policy/policies.h */
	struct hn_set allowed_nodes; /* node ids its operator allows; empty: all */
	char near[HN_GROUP_MAX];     /* affinity: guests of a group want to live near each other; "" none */
	char apart[HN_GROUP_MAX];    /* anti-affinity: no two guests of a group share a node; "" none */
	bool window_open;            /* its operator lets it be moved now, realtime or not */
	unsigned iothread_count;     /* for a guest that has no threads yet */
	size_t device_count;
	char (*devices)[32]; /* names of the host's devices it uses */
	size_t cell_count;
	struct hn_cell *cells; /* in order of id */
	size_t thread_count;
	struct hn_thread *threads;
	size_t backend_count;
	struct hn_backend *backends;
	struct hn_hold hold; /* what holds its process's memory */
};

void hn_guest_free(struct hn_guest *guest); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_guest, struct hn_guest *, hn_guest_free);

/* An empty guest of that name (cut at HN_NAME_MAX); NULL when out of memory. */
struct hn_guest *hn_guest_new(const char *name);
struct hn_guest *hn_guest_copy(const struct hn_guest *guest);

/* Each appends a zeroed element and returns it, or NULL when out of memory. Earlier pointers go stale. */
struct hn_cell *hn_guest_add_cell(struct hn_guest *guest, int id);
struct hn_thread *hn_guest_add_thread(struct hn_guest *guest, pid_t tid, enum hn_thread_kind kind);
struct hn_backend *hn_guest_add_backend(struct hn_guest *guest, const char *id);

/* Appends a device's name, cut at its end; -ENOMEM. */
int hn_guest_add_device(struct hn_guest *guest, const char *name);

/* The index of the cell with that id, or -1. */
int hn_guest_cell_index(const struct hn_guest *guest, int cell_id);

/* Both have the same cells with the same vCPUs; and with the same memory as well. */
bool hn_guest_same_vcpus(const struct hn_guest *a, const struct hn_guest *b);
bool hn_guest_same_cells(const struct hn_guest *a, const struct hn_guest *b);

/* Whether the cell, by index, is allowed that node, by id. */
bool hn_guest_allows(const struct hn_guest *guest, size_t cell, int node);
/* It and each of its cells are allowed all nodes: what it came with named those of another host. */
void hn_guest_allow_all(struct hn_guest *guest);

uint64_t hn_guest_memory_bytes(const struct hn_guest *guest);
/* A realtime guest that runs, and no window is open for it: nothing may be done to it that it can feel. */
bool hn_guest_is_untouchable(const struct hn_guest *guest);
/* False when any backend of the cell, by index, cannot be moved. */
bool hn_guest_cell_movable(const struct hn_guest *guest, size_t cell);
/*
 * The size of the hugetlb pages that the cell, by index, has its memory in, as its backends' pages tell:
 * above the machine's base page, as transparent ones are base pages to QEMU. Of several sizes that of the
 * most bytes, as long as the cell is a whole number of such pages; 0: base pages.
 */
uint64_t hn_guest_cell_pages(const struct hn_guest *guest, size_t cell, uint64_t base_page_bytes);
/* Of the host pages behind the cell of that id, in bytes; 0 unknown. */
uint64_t hn_guest_largest_page(const struct hn_guest *guest, int cell_id);
int hn_guest_vcpu_count(const struct hn_guest *guest);
