"""A host of four nodes with eight guests, as the API tells it, at any step of a move of one of them.

The figures follow from each other: shares of sampled pages are counts, intervals are Wilson's, what is free on a node is
what its guests leave.
"""

import math

GIB = 1 << 30
MIB = 1 << 20
NODES, CPUS, SAMPLED = 4, 32, 4096
NODE_BYTES, HOST_BYTES = 256 * GIB, 6 * GIB  # of a node; taken by the host itself
POOL_2M, POOL_1G = 16384, 16  # huge pages a node
Z98 = 2.326347874040841


def wilson(hits, trials):
    """As model/interval.h: the 98 % score interval."""
    if trials == 0:
        return {"value": 0.0, "low": 0.0, "high": 1.0}
    share, z2 = hits / trials, Z98 * Z98
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z98 * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials)) / (1 + z2 / trials)
    return {"value": share, "low": max(0.0, centre - half), "high": min(1.0, centre + half)}


def set_text(first, count):
    return f"{first}-{first + count - 1}" if count > 1 else str(first)


class Guest:
    """Cells are (node its vCPUs run on, its share of memory by node, absent share)."""

    pids = 41000

    def __init__(self, name, vcpus, gib, cells, *, mode="enforce", klass="shared", state="running", busy=0.4,
                 pages=0, home=None, sampled=SAMPLED, backend=None, verdict="at-home", reason="", notes=(),
                 problem="", iothreads=1, trends=None):
        Guest.pids += 137
        self.name, self.vcpus, self.bytes, self.cells = name, vcpus, gib * GIB, cells
        self.mode, self.klass, self.state, self.busy, self.pages = mode, klass, state, busy, pages
        self.sampled, self.backend = sampled, backend or {}
        self.verdict, self.reason, self.notes, self.problem = verdict, reason, notes, problem
        self.iothreads, self.pid, self.operation = iothreads, Guest.pids, None
        self.home = home or [cell[0] for cell in cells]
        self.actions = []
        self.trends = trends or ["steady"] * (1 + len(cells))  # the guest's, and its cells'

    def cell_bytes(self):
        return self.bytes // len(self.cells)

    def counts(self, cell):
        _, shares, absent = cell
        absent = round(self.sampled * absent)
        present = self.sampled - absent
        on_node = [round(present * share) for share in shares]
        on_node[shares.index(max(shares))] += present - sum(on_node)
        return on_node, absent

    def threads(self):
        each = self.vcpus // len(self.cells)
        rows = [{"kind": "vcpu", "vcpu": i, "cell": i // each, "name": f"CPU {i}/KVM"} for i in range(self.vcpus)]
        rows += [{"kind": "iothread", "vcpu": -1, "cell": -1, "name": f"IO iothread{i + 1}"} for i in range(self.iothreads)]
        rows.append({"kind": "emulator", "vcpu": -1, "cell": -1, "name": "qemu-system-x86"})
        rows.append({"kind": "vhost", "vcpu": -1, "cell": -1, "name": f"vhost-{self.pid}"})
        return [dict(row, tid=self.pid + i + 5) for i, row in enumerate(rows)]

    def thread_sample(self, row):
        node = self.cells[max(0, row["cell"])][0]
        busy = self.busy if row["kind"] == "vcpu" else self.busy / 8
        if self.state != "running":
            busy = 0.0
        return {"tid": row["tid"], "last_cpu": node * CPUS + row["tid"] % CPUS, "last_node": node,
                "cpu_ns": int(busy * 3.6e12), "busy": busy,
                "residency": [1.0 if n == node else 0.0 for n in range(NODES)], "allowed": set_text(node * CPUS, CPUS)}

    def guest(self):
        each = self.vcpus // len(self.cells)
        return {
            "name": self.name, "uuid": "", "pid": self.pid, "start_ticks": self.pid * 7, "mode": self.mode,
            "class": self.klass, "state": self.state, "policy": "adaptive", "allowed_nodes": "", "near": "", "apart": "",
            "iothread_count": self.iothreads, "devices": [],
            "cells": [{"id": i, "memory_bytes": self.cell_bytes(), "vcpus": set_text(i * each, each),
                       "page_bytes": self.pages, "bandwidth_bytes": 0} for i in range(len(self.cells))],
            "threads": self.threads(),
            "backends": [{"id": f"ram-node{i}", "cell": i, "host_address": (0x7F0000000000 + i * self.cell_bytes()),
                          "bytes": self.cell_bytes(), "page_bytes": self.pages or 4096, "shared": False,
                          "prealloc": bool(self.pages), "dimm": False, "policy": "default", "host_nodes": "",
                          "movability": "movable", **self.backend} for i in range(len(self.cells))],
        }

    def placement(self):
        cost = {"remote": 0, "cpu": 0, "bandwidth": 0, "fragment": 0, "migrate": 0}
        return {"node_count": NODES, "proven": True, "cost": cost, "bound": cost, "other_cpus": "", "vcpus": [],
                "cells": [{"cell": i, "nodes": str(home), "bytes": [self.cell_bytes() if n == home else 0 for n in range(NODES)]}
                          for i, home in enumerate(self.home)]}

    def report(self, step):
        known = self.sampled > 0 and not self.problem
        counts = [self.counts(cell) for cell in self.cells]
        cells = [wilson(on_node[cell[0]], sum(on_node)) for cell, (on_node, _) in zip(self.cells, counts)]
        local = sum(on_node[cell[0]] for cell, (on_node, _) in zip(self.cells, counts))
        home = self.placement() if known else None
        sample = {"taken_ns": 10**12 + step * 10**10, "cost_ns": 1900000 * len(self.cells), "exhaustive": False,
                  "node_count": NODES,
                  "cells": [{"cell": i, "sampled": self.sampled, "absent": absent, "unknown": 0, "on_node": on_node}
                            for i, (on_node, absent) in enumerate(counts)],
                  "threads": [self.thread_sample(row) for row in self.threads()]}
        report = {
            "guest": self.guest(), "locality": None, "age_ns": 3 * 10**9, "sample": sample if known else None, "home": home,
            "plan": {"verdict": self.verdict, "reason": self.reason, "home": home, "migrate_bytes": 0,
                     "actions": self.actions, "notes": list(self.notes)} if known else None,
            "operation": self.operation or {"id": 0, "state": "none", "elapsed_ns": 0, "to_move_bytes": 0, "moved_bytes": 0,
                                            "stayed_bytes": 0, "bytes_per_second": 0, "cpu_ns": 0, "threads_bound": 0,
                                            "cell": -1, "to_node": -1, "message": ""},
            "problem": self.problem,
        }
        if known:
            report["locality"] = wilson(local, sum(sum(on_node) for on_node, _ in counts))
            report["cell_locality"] = [{**cell, "trend": trend} for cell, trend in zip(cells, self.trends[1:])]
            report["trend"] = self.trends[0]
        return report


def moving_web(step):
    """web-17: both cells come from node 3 to node 2, 8 % of each a step; it is the second cell's turn after the first's."""
    to_move = round(8 * GIB * 0.92)
    share = min(1.0, 0.08 * step)
    first, second = min(1.0, 2 * share), max(0.0, 2 * share - 1)
    guest = Guest("web-17", 4, 8, [(2, [0, 0, 0.08 + 0.92 * first, 0.92 * (1 - first)], 0.02),
                                   (2, [0, 0, 0.08 + 0.92 * second, 0.92 * (1 - second)], 0.02)],
                  busy=0.83, trends=["rising", "steady" if step > 10 else "rising", "rising" if step > 6 else "steady"],
                  verdict="act",
                  reason="92 % of its memory is on node 3 and its vCPUs are on node 2")
    guest.actions = [{"kind": "migrate", "reason": f"cell {i}: 92 % of its pages are on node 3, and it belongs on node 2",
                      "cell": i, "to_node": 2, "bytes": to_move // 2, "limit_bytes": 0} for i in range(2)]
    done = share >= 1
    guest.operation = {"id": 8812, "state": "done" if done else "running", "elapsed_ns": int(step * 3.1e9),
                       "to_move_bytes": to_move, "moved_bytes": int(to_move * share), "stayed_bytes": 0,
                       "bytes_per_second": 200 * MIB, "cpu_ns": int(step * 2.4e8), "threads_bound": 7,
                       "cell": -1 if done else 0 if share < 0.5 else 1, "to_node": -1 if done else 2,
                       "message": "at home" if done else ""}
    if done:
        guest.verdict, guest.reason, guest.actions = "at-home", "", []
    return guest


def guests(step):
    Guest.pids = 41000
    return [
        Guest("db-01", 16, 128, [(0, [0.99, 0.01, 0, 0], 0), (1, [0.03, 0.97, 0, 0], 0)], klass="dedicated",
              pages=2 * MIB, busy=0.61, iothreads=2),
        Guest("db-02", 16, 96, [(1, [0, 1, 0, 0], 0.31)], busy=0.22, iothreads=2),
        moving_web(step),
        Guest("es-4", 8, 112, [(3, [0, 0, 0.01, 0.99], 0.02)], busy=0.35),
        Guest("rt-plc", 4, 4, [(3, [0, 0, 0, 1], 0)], klass="realtime", busy=0.97, pages=GIB, verdict="left-alone",
              reason="a realtime guest that runs is not touched"),
        Guest("gpu-3", 8, 64, [(0, [0.02, 0.98, 0, 0], 0)], mode="advise", busy=0.7, verdict="act", home=(1,),
              reason="move 8 vCPUs to node 1, where its memory is pinned (VFIO)", backend={"movability": "pinned"}),
        Guest("old-vm", 2, 4, [(2, [0.21, 0, 0.71, 0.08], 0.4)], mode="observe", busy=0.08, sampled=512, verdict="wait",
              reason="one more look must agree"),
        Guest("ci-9", 24, 120, [(3, [0.38, 0, 0, 0.62], 0)], busy=0.9, verdict="blocked"),
    ]


def host(step):
    used = [HOST_BYTES] * NODES
    free_2m, free_1g = [POOL_2M] * NODES, [POOL_1G] * NODES
    for guest in guests(step):
        for cell in guest.cells:
            on_node, _ = guest.counts(cell)
            for node, count in enumerate(on_node):
                size = guest.cell_bytes() * count // guest.sampled
                if guest.pages == 2 * MIB:
                    free_2m[node] -= min(free_2m[node], size // guest.pages)
                elif guest.pages == GIB:
                    free_1g[node] -= min(free_1g[node], size // guest.pages)
                else:
                    used[node] += size
    free = [NODE_BYTES - POOL_2M * 2 * MIB - POOL_1G * GIB - taken for taken in used]
    distances = [[10 if a == b else 12 if a // 2 == b // 2 else 32 for b in range(NODES)] for a in range(NODES)]
    return {
        "name": "rack7-03", "distances_known": True, "kernel_balancing": False, "fifo_hazard": False,
        "nodes": [{"id": n, "cpus": set_text(n * CPUS, CPUS), "memory_bytes": NODE_BYTES, "free_bytes": free[n],
                   "reserved_bytes": 0, "watermark_bytes": 0, "memory_kind": "dram", "draining": False,
                   "pools": [{"page_bytes": 2 * MIB, "total_pages": POOL_2M, "free_pages": free_2m[n]},
                             {"page_bytes": GIB, "total_pages": POOL_1G, "free_pages": free_1g[n]}]} for n in range(NODES)],
        "distances": distances, "bandwidths": None, "latencies": None,
        "cpus": [{"id": c, "node": c // CPUS, "core": c // 2, "llc": c // 8, "package": c // (2 * CPUS),
                  "isolated": False, "reserved": False} for c in range(NODES * CPUS)],
        "devices": [],
    }


def many(count):
    """That many guests of two cells, half of them far from home."""
    Guest.pids = 100000
    return [Guest(f"vm-{i:04}", 4, 8, [(i % 4, [1.0 if n == i % 4 else 0.0 for n in range(4)], 0),
                                       (i % 4, [0.5 if n in (i % 4, (i + 1) % 4) else 0.0 for n in range(4)], 0)],
                  busy=(i % 10) / 10) for i in range(count)]


def answers(step=0, crowd=0):
    """{path: document} of GET."""
    guests_now, machine = many(crowd) if crowd else guests(step), host(step)
    for guest in guests_now:
        if guest.verdict == "blocked":
            guest.reason = (f"node 3 has {machine['nodes'][3]['free_bytes'] / GIB:.1f} GiB free of "
                            f"{guest.bytes * guest.cells[0][1][0] / GIB:.1f} GiB needed")
    return {"/v1/host": machine, "/v1/guests": {"guests": [guest.report(step) for guest in guests_now]}}
