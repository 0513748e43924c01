#!/usr/bin/python3
"""
Nova's placement on a modelled host: nova.virt.hardware.numa_fit_instance_to_host as Debian packages it, with the host's
state kept by nova.objects as the compute manager keeps it. Lines in, a line out for each but "node":

    host shared|dedicated COUNT pack|spread    a new host; COUNT lines follow        ready
    node CPUS MIB USED_VCPUS USED_MIB
    fit LIMIT_S VCPUS MIB [VCPUS MIB...]       where a guest of these cells would go
    place LIMIT_S NAME VCPUS MIB [...]         likewise, and it stays
    free NAME                                  and goes                              ready

fit and place answer "ok MICROSECONDS NODE...", "no MICROSECONDS", or "limit MICROSECONDS" when the limit was reached.
"""
import logging
import signal
import sys
import time

import nova.conf
from nova import objects
from nova.virt import hardware

logging.disable(logging.CRITICAL)
KIB_PAGES = 4


class LimitReached(Exception):
    pass


def on_alarm(signum, frame):
    raise LimitReached()


def cell_of_host(index, first_cpu, words, dedicated):
    cpus, mib, used_vcpus, used_mib = map(int, words)
    ids = set(range(first_cpu, first_cpu + cpus))
    taken = set(range(first_cpu, first_cpu + used_vcpus)) if dedicated else set()
    pages = objects.NUMAPagesTopology(size_kb=KIB_PAGES, total=mib * 1024 // KIB_PAGES, used=used_mib * 1024 // KIB_PAGES,
                                      reserved=0)
    return objects.NUMACell(id=index, cpuset=set() if dedicated else ids, pcpuset=ids if dedicated else set(), memory=mib,
                            cpu_usage=0 if dedicated else used_vcpus, memory_usage=used_mib, pinned_cpus=taken,
                            siblings=[{cpu} for cpu in sorted(ids)], mempages=[pages], socket=index), first_cpu + cpus


def cells_of_guest(words, dedicated):
    cells, first = [], 0
    for index in range(len(words) // 2):
        vcpus, mib = int(words[2 * index]), int(words[2 * index + 1])
        ids = set(range(first, first + vcpus))
        first += vcpus
        policy = "dedicated" if dedicated else "shared"
        cells.append(objects.InstanceNUMACell(id=index, cpuset=set() if dedicated else ids,
                                              pcpuset=ids if dedicated else set(), memory=mib, pagesize=None,
                                              cpu_pinning={} if dedicated else None, cpuset_reserved=None,
                                              cpu_policy=policy, cpu_thread_policy=None))
    return objects.InstanceNUMATopology(cells=cells, emulator_threads_policy=None)


class Peer:
    def __init__(self):
        self.host = None
        self.dedicated = False
        self.guests = {}
        # memory is never given twice; the CPUs of shared guests as often as Nova allows by default
        self.limits = objects.NUMATopologyLimits(cpu_allocation_ratio=16.0, ram_allocation_ratio=1.0)

    def read_host(self, words):
        self.dedicated, self.guests = words[0] == "dedicated", {}
        nova.conf.CONF.set_override("packing_host_numa_cells_allocation_strategy", words[2] == "pack", group="compute")
        cells, first = [], 0
        for index in range(int(words[1])):
            cell, first = cell_of_host(index, first, sys.stdin.readline().split()[1:], self.dedicated)
            cells.append(cell)
        self.host = objects.NUMATopology(cells=cells)
        return "ready"

    def fit(self, limit, words, name=None):
        guest = cells_of_guest(words, self.dedicated)
        begin = time.perf_counter()
        try:
            signal.setitimer(signal.ITIMER_REAL, float(limit))
            found = hardware.numa_fit_instance_to_host(self.host, guest, limits=self.limits)
            signal.setitimer(signal.ITIMER_REAL, 0)
        except LimitReached:
            return f"limit {(time.perf_counter() - begin) * 1e6:.1f}"
        spent = (time.perf_counter() - begin) * 1e6
        if not found:
            return f"no {spent:.1f}"
        if name is not None:
            self.guests[name] = found
            self.host = hardware.numa_usage_from_instance_numa(self.host, found)
        return " ".join([f"ok {spent:.1f}"] + [str(cell.id) for cell in found.cells])

    def free(self, name):
        self.host = hardware.numa_usage_from_instance_numa(self.host, self.guests.pop(name), free=True)
        return "ready"


def main():
    signal.signal(signal.SIGALRM, on_alarm)
    nova.conf.CONF([], project="nova", default_config_files=[])
    objects.register_all()
    peer = Peer()
    for line in iter(sys.stdin.readline, ""):
        verb, *words = line.split()
        if verb == "host":
            answer = peer.read_host(words)
        elif verb == "fit":
            answer = peer.fit(words[0], words[1:])
        elif verb == "place":
            answer = peer.fit(words[0], words[2:], words[1])
        elif verb == "free":
            answer = peer.free(words[0])
        else:
            sys.exit(f"nova-peer: unknown verb '{verb}'")
        print(answer, flush=True)


main()
