#pragma once
/*
 * reservation - room on the host kept for a guest: from before it starts until it is gone, so that no two
 * guests are promised the same memory or cores.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "model/guest.h"
#include "model/placement.h"

enum hn_reservation_state {
	HN_RESERVATION_MADE,    /* it is about to start: expires unless it does */
	HN_RESERVATION_STARTED, /* it runs: its home on record, for a daemon that is started again */
	HN_RESERVATION_PARKED,  /* it ended; no room is kept. What was done to it is remembered for its return
				 */
	HN_RESERVATION_COUNT,
};
const char *hn_reservation_state_name(enum hn_reservation_state state);
int hn_reservation_state_parse(const char *text, enum hn_reservation_state *ret, struct hn_error *err);

#define HN_RESERVATION_ID_MAX 20
#define HN_RESERVATION_KEY_MAX 129

struct hn_reservation {
	char id[HN_RESERVATION_ID_MAX];   /* in the API; "" not given yet */
	char key[HN_RESERVATION_KEY_MAX]; /* that its client named it by, "" none: a retry gets this one */
	uint64_t asked;                   /* hash of what was asked for by that key */
	bool confirmed;                   /* its client has decided to use it */
	enum hn_reservation_state state;
	struct hn_guest *guest; /* named by uuid, by its name where it has none */
	struct hn_placement *home;
	uint64_t since_ns;   /* of this state, CLOCK_MONOTONIC */
	uint64_t expires_ns; /* likewise, 0: not by itself */
	uint64_t made_ns;    /* likewise, when it was last made before a start; 0 unknown; not written down */
	/* What libvirt will ask numad about it: */
	bool asks_numad, answered;
	unsigned numad_vcpus;
	uint64_t numad_mib;
	bool promised;  /* its guest is placed by it: numad's answer, a client's, or its XML rewritten */
	bool seen;      /* its guest is under homenoded's eyes, where its home is, too; not written down */
	bool pinned;    /* pins that libvirt shows of it as it runs are homenode's, not its operator's */
	bool rewritten; /* it came from elsewhere, with nodes and CPUs in its XML, that homenode changed */
	bool inherited; /* pinned and rewritten are of its guest's last life: forgotten at a plain start */
};

void hn_reservation_free(struct hn_reservation *reservation); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_reservation, struct hn_reservation *, hn_reservation_free);
/* Takes guest and home over, in any case. NULL when out of memory. */
struct hn_reservation *hn_reservation_new(struct hn_guest *guest, struct hn_placement *home);
