#pragma once
/*
 * facts - what QEMU said about a guest, reply by reply, before any conclusion is drawn. No I/O.
 */
#include <json-c/json.h>
#include <stdbool.h>

#include "model/guest.h"
#include "qmp/mtree.h"

/*
 * What is more is refused, as the lists are joined by name on the daemon's loop. QEMU has machines of up to
 * 4096 vCPUs; memory slots end at some 500, and a list of iothreads or RAM blocks comes nowhere near either.
 */
#define HN_VCPUS_MAX 4096
#define HN_FACTS_MAX HN_MTREE_MAX /* of any other list */

struct hn_fact_vcpu {
	int index;
	pid_t tid;
	int node; /* -1: QEMU says none */
};

struct hn_fact_iothread {
	char id[HN_NAME_MAX];
	pid_t tid;
};

/* An object that can hold guest memory; whether it does is another question. */
struct hn_fact_memdev {
	char id[HN_NAME_MAX];
	uint64_t bytes;
	char policy[16];
	struct hn_set host_nodes;
	bool shared, prealloc;
};

/* A DIMM, virtio-mem and the like: what was plugged in besides the memory of the start. */
struct hn_fact_device {
	char memdev[HN_NAME_MAX];
	int node; /* -1: has none */
	bool epc; /* memory of SGX enclaves: it does not move, and "info numa" does not count it as plugged */
	uint64_t bytes;      /* of virtio-mem: plugged */
	uint64_t idle_bytes; /* of virtio-mem: neither plugged nor requested */
};

struct hn_facts {
	const char *guest; /* borrowed: for the notes */
	enum hn_run_state state;
	char name[HN_NAME_MAX]; /* "" without */
	char uuid[40];          /* "" without */
	bool encrypted;
	size_t vcpu_count;
	struct hn_fact_vcpu *vcpus;
	size_t iothread_count;
	struct hn_fact_iothread *iothreads;
	size_t memdev_count;
	struct hn_fact_memdev *memdevs;
	size_t device_count;
	struct hn_fact_device *devices;
	bool numa_known; /* "info numa" was understood; no nodes then means no -numa */
	size_t node_count;
	struct hn_numa_node *nodes;
	size_t piece_count;
	struct hn_mtree_piece *pieces;
	size_t block_count;
	struct hn_ramblock *blocks;
	size_t note_count;
	char **notes;
};

void hn_facts_done(struct hn_facts *facts);

/*
 * Keeps a sentence for the receiver, the guest's name put in front; silently none when there are too many, or
 * without memory. The sentence of an error has the name already.
 */
void hn_facts_note_error(struct hn_facts *facts, const struct hn_error *err);
void hn_facts_note(struct hn_facts *facts, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Names come from a command line or from libvirt, but arrive through a socket: nothing unprintable gets
 * further. Cut at size.
 */
void hn_facts_copy_name(char *to, size_t size, const char *from);

/* Takes down one reply. -EPROTO, -ENODATA or -ENOMEM. */
typedef int (*hn_facts_take)(struct hn_facts *facts, json_object *result, struct hn_error *err);

int hn_facts_take_status(struct hn_facts *facts, json_object *result, struct hn_error *err);
int hn_facts_take_name(struct hn_facts *facts, json_object *result, struct hn_error *err);
int hn_facts_take_uuid(struct hn_facts *facts, json_object *result, struct hn_error *err);
int hn_facts_take_vcpus(struct hn_facts *facts, json_object *result, struct hn_error *err);
int hn_facts_take_iothreads(struct hn_facts *facts, json_object *result, struct hn_error *err);
int hn_facts_take_memdevs(struct hn_facts *facts, json_object *result, struct hn_error *err);
int hn_facts_take_devices(struct hn_facts *facts, json_object *result, struct hn_error *err);
int hn_facts_take_sev(struct hn_facts *facts, json_object *result, struct hn_error *err);
int hn_facts_take_confidential(struct hn_facts *facts, json_object *result, struct hn_error *err);
int hn_facts_take_numa(struct hn_facts *facts, json_object *result, struct hn_error *err);
int hn_facts_take_ramblocks(struct hn_facts *facts, json_object *result, struct hn_error *err);
int hn_facts_take_mtree(struct hn_facts *facts, json_object *result, struct hn_error *err);
