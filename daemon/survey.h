#pragma once
/*
 * survey - what a guest of libvirt's is made of when QEMU is not asked: its XML tells cells and sizes, /proc
 * threads by their names and mappings by size and name. What is ambiguous is said, never guessed.
 */
#include "daemon/guest.h"
#include "host/mappings.h"

/* Asks the hands; the guest must have a domain. Without its process at hand, the census is asked for it
 * first. */
void hn_survey_start(struct hn_managed *managed, bool with_policies);

/*
 * The guest that XML and readings make together: threads named "CPU n/KVM" (or /TCG) and "IO name" of QEMU
 * with debug-threads=on, as libvirt starts it; backends found among the mappings. The caller frees *ret.
 * -ENOENT when no vCPU's thread is named, -ENOMEM.
 */
int hn_survey_merge(const struct hn_guest *from_xml, const struct hn_thread_reading *readings,
		    size_t reading_count, const struct hn_mapping *mappings, size_t mapping_count,
		    struct hn_guest **ret, struct hn_backing_notes *notes, struct hn_error *err);
