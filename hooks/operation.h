#pragma once
/*
 * operation - the moments of a guest's life at which libvirt calls its hook, and what each is worth waiting
 * for.
 *
 * A guest's start is four calls: prepare, numad's question, start and started. With homenoded hung they may
 * cost 250 ms together: 150 here for prepare, 40 in numad, 10 for each of the others, and the rest is for
 * starting four programs. (Which operations there are, and that only migrate and restore may rewrite XML:
 * libvirt.org/hooks.html.)
 */
#include <stdbool.h>

/* Of one call in all, reading and printing too; libvirt's users are promised 200. */
#define HOOK_LIMIT_MS 185

struct hook_operation {
	bool waits;       /* for homenoded's answer; else it is told, and left */
	bool may_rewrite; /* the answer may be the XML to go on with */
	unsigned daemon_ms;
};

/* name and sub as libvirt gives them: "prepare", "begin". Those unknown are told. */
struct hook_operation hook_operation_of(const char *name, const char *sub);
