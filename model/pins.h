#pragma once
/*
 * pins - what holds a process's memory where it is, as its open files and /proc/PID/status tell before
 * anything is tried; and how much of it is not the guest's own and stays behind whatever is moved.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum hn_pin {
	HN_PIN_VFIO,        /* device groups or devices: all guest memory is mapped for their DMA */
	HN_PIN_IOMMUFD,     /* likewise, the newer way */
	HN_PIN_VDPA,        /* likewise */
	HN_PIN_RDMA,        /* verbs: what an RDMA migration has registered */
	HN_PIN_IO_URING,    /* buffers registered with io_uring */
	HN_PIN_SEV,         /* an encrypted guest's pages are bound to where they were encrypted */
	HN_PIN_GUEST_MEMFD, /* memory private to the guest: TDX, SEV-SNP */
	HN_PIN_OTHER,       /* the kernel counts pinned pages (VmPin) and nothing above explains them */
	HN_PIN_COUNT,
};
const char *hn_pin_name(enum hn_pin pin); /* "vfio", "io-uring" */
int hn_pin_parse(const char *text, enum hn_pin *ret, struct hn_error *err);

/* Sets of pins are bits, 1u << enum hn_pin. */
bool hn_pins_encrypt(unsigned pins); /* any of them is an encrypted guest's */
/* "vfio, sev" into size bytes, which are returned; "" for none. */
const char *hn_pins_format(unsigned pins, char *text, unsigned size);

/* What is known of a guest's process as a whole. */
struct hn_hold {
	bool known; /* it has been looked at */
	unsigned pins;
	uint64_t pinned_bytes;     /* VmPin */
	uint64_t locked_bytes;     /* VmLck: moves all the same; VFIO counts here what it pins */
	uint64_t page_table_bytes; /* VmPTE: stays where it is */
	uint64_t own_bytes;        /* QEMU's own memory, beside the guest's: stays; about, from a sample */
};
