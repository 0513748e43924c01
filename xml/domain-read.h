#pragma once
/*
 * domain-read - libvirt's domain XML as a guest, for planning before it runs. Nothing is asked of libvirt.
 */
#include <stddef.h>

#include "base/error.h"
#include "model/guest.h"

#define HN_DOMAIN_BYTES_MAX (4 << 20)

/*
 * Reads a <domain> of type kvm or qemu (https://libvirt.org/formatdomain.html):
 * - name, uuid; vCPUs that are there at start (vcpu@current, or <vcpus>);
 * - cells with memory and vCPUs, vCPUs of no cell going to the first; without cells one of all. DIMMs and
 *   the requested part of virtio-mem belong to their target cell, NVDIMMs and other files to none;
 * - page_bytes of cells from memoryBacking/hugepages (2 MiB where no size is told, 0 for 4 KiB); where memory
 *   devices in smaller pages do not make whole ones of these, as hn_guest_cell_pages() has it;
 * - class realtime with vcpusched fifo or rr, dedicated with every vCPU pinned to a CPU of its own, else
 *   shared; iothreads;
 * - allowed_nodes of each cell from numatune modes strict and restrictive: its memnode, else memory's
 * nodeset; of the guest what its cells are allowed together, if each is bound;
 * - devices: PCI addresses of hostdev, interfaces and NVMe disks. With any, or another VFIO or vDPA device,
 *   all memory is pinned; under launchSecurity encrypted. Locked memory stays movable, as it is for the
 * kernel;
 * - a backend for each cell and DIMM, with policy and nodes.
 * Mode, policy and groups are the operator's and stay at 0; what else is in the XML, metadata included, is
 * skipped. -EMSGSIZE above HN_DOMAIN_BYTES_MAX; -EPROTO with the line for what is not XML or not such a
 * domain, -EINVAL for a guest that cannot be (model/check.h); -ENOMEM. The caller frees *ret.
 */
int hn_domain_read(const char *xml, size_t length, struct hn_guest **ret, struct hn_error *err);
