#pragma once
/*
 * numad-request - what a caller of numad wants: its options, in every spelling the real one takes.
 */
#include <stdbool.h>
#include <stdint.h>

enum numad_wish {
	NUMAD_ADVICE,   /* -w: nodes for a guest; whatever else is asked, this is answered */
	NUMAD_HELP,     /* -h */
	NUMAD_VERSION,  /* -V */
	NUMAD_ELSEWHERE /* what the real numad does, and this does not */
};

struct numad_request {
	enum numad_wish wish;
	const char *root; /* where sys/, proc/ and run/ are, for tests; "" is this machine */
	/* -w's argument when it is none, and all nodes are the answer; NULL when it is clear */
	const char *unclear;
	unsigned vcpus;
	uint64_t mib;
	/* the one answered elsewhere, '\0' for none at all, '?' for what the real one has not either */
	char option;
};

void numad_request_parse(int argc, char **argv, struct numad_request *ret);

/* "VCPUS" or "VCPUS:MIB"; numbers too large are the largest. false when it is neither. */
bool numad_size_parse(const char *text, unsigned *ret_vcpus, uint64_t *ret_mib);

/* A sentence on where to find what an option of the real numad does. */
const char *numad_elsewhere(char option);
