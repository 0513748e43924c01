#pragma once
/*
 * device-place - where a host's device that a guest uses is, seen from the guest.
 */
#include <stdbool.h>

struct hn_device_place {
	char name[32];     /* "0000:3b:00.0" */
	char kind[16];     /* as in struct hn_device */
	int node;          /* node id, -1 when the machine does not tell */
	bool shared;       /* with others of this host: it does not draw the guest to it */
	bool far;          /* none of the guest's cells lives on that node */
	unsigned distance; /* from the nearest node the guest lives on, in the SLIT's units; 0 unknown */
};
