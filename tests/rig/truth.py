#!/usr/bin/env python3
"""Do the intervals that homenode reports of a guest's locality hold the truth? Run by jobs/locality, as root.

    truth.py SOCKET GUEST PID RESULTS PAGES START LENGTH START LENGTH

For a guest of two cells of two vCPUs, whose memory lies on node 3 but for a part of cell 1; PAGES is the program of that
name, START and LENGTH are the cells' memory. Moves its threads by hand, and compares, with kernel NUMA balancing off and on.
Prints a line a case; RESULTS gets "BALANCING LOCALITY TRUTH SAMPLES GUEST CELL0 CELL1" each: what was true at the first sample
(with balancing on the kernel changes it from then on), how many samples were looked at, and how many of them held the truth,
for the guest and for its cells.

The truth owes nothing to homenode's code: where pages are is counted one by one in pagemap, where threads run is what they
are bound to, and how much each of them ran is its schedstat, faded with the half-life of 30 s that homenode promises.

While balancing is on pages move. They are counted over and over then, and what was true at a sample lies between the counts
that frame it: the last that ended before the sample before it, the first that began after it, and those between. A sample
is right when its interval meets that span; one in whose time the truth moved by more than SPAN_MOST does not count, and
another is taken for it.
"""

import glob
import json
import os
import socket
import subprocess
import sys
import threading
import time

SAMPLES = 100
SPAN_MOST = 0.02
HALF_NS = 30e9
CASE_LIMIT_S = 100
HOME = 3
CELL_OF_VCPU = (0, 0, 1, 1)


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def vcpu_threads(pid):
    """Thread ids in order of vCPU."""
    found = {}
    for task in glob.glob(f"/proc/{pid}/task/*"):
        name = read(f"{task}/comm")
        if name.startswith("CPU "):
            found[int(name[4:].split("/")[0])] = int(task.rsplit("/", 1)[1])
    return [found[vcpu] for vcpu in sorted(found)]


def cpus_of_node(node):
    cpus = set()
    for part in read(f"/sys/devices/system/node/node{node}/cpulist").strip().split(","):
        first, _, last = part.partition("-")
        cpus |= set(range(int(first), int(last or first) + 1))
    return cpus


def balancing_updates():
    """Page table entries that kernel balancing has marked so far."""
    lines = read("/proc/vmstat").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("numa_pte_updates "))


class Clocks:
    """CPU time of each vCPU, older time faded; one picture a reading."""

    def __init__(self, pid, tids):
        self.paths = [f"/proc/{pid}/task/{tid}/schedstat" for tid in tids]
        self.last = self.read()
        self.faded = [0.0] * len(tids)
        self.pictures = []

    def read(self):
        return time.monotonic_ns(), [int(read(path).split()[0]) for path in self.paths]

    def tick(self):
        now, used = self.read()
        factor = 0.5 ** ((now - self.last[0]) / HALF_NS)
        self.faded = [old * factor + after - before for old, before, after in zip(self.faded, self.last[1], used)]
        self.last = (now, used)
        self.pictures.append((now, self.faded))

    def at(self, when):
        """The picture nearest to a time."""
        return min(self.pictures, key=lambda picture: abs(picture[0] - when))[1]


class Counts:
    """Where the pages are: (begun, ended, [[pages by node] by cell])."""

    def __init__(self, tool, pid, ranges):
        self.command = [tool, str(pid), *ranges]
        self.taken = []
        self.going = False
        self.thread = None

    def count(self):
        begun = time.monotonic_ns()
        lines = subprocess.run(self.command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        cells = [[int(word) for word in line.split()[2:-1]] for line in lines]
        self.taken.append((begun, time.monotonic_ns(), cells))
        return cells

    def start(self, over_and_over):
        self.taken = []
        self.count()
        self.going = over_and_over
        self.thread = threading.Thread(target=self.loop)
        self.thread.start()

    def loop(self):
        while self.going:
            time.sleep(0.5)
            self.count()

    def stop(self):
        self.going = False
        self.thread.join()
        self.count()

    def framing(self, since, until):
        before = [cells for _, ended, cells in self.taken if ended <= since][-1:]
        after = [cells for begun, _, cells in self.taken if begun >= until][:1]
        between = [cells for begun, ended, cells in self.taken if ended > since and begun < until]
        return before + between + after if before and after else []


class Api:
    def __init__(self, path, guest):
        self.path = path
        self.request = f"GET /v1/guests/{guest} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()

    def report(self):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(self.path)
            connection.sendall(self.request)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        head, _, body = answer.partition(b"\r\n\r\n")
        if b" 200 " not in head:
            raise SystemExit(f"homenoded: {answer.decode()}")
        return json.loads(body)


def locality(cells, nodes, used, cell=None):
    """The definition: by each vCPU's share of the CPU time, the share of its cell's pages on its node."""
    local = whole = 0.0
    for vcpu, node in enumerate(nodes):
        if cell in (None, CELL_OF_VCPU[vcpu]):
            pages = cells[CELL_OF_VCPU[vcpu]]
            local += used[vcpu] * pages[node] / sum(pages)
            whole += used[vcpu]
    return local / whole


class Guest:
    def __init__(self, api, name, pid, pages, ranges):
        self.pid = pid
        self.tids = vcpu_threads(pid)
        if len(self.tids) != len(CELL_OF_VCPU):
            raise SystemExit(f"{name}: vCPU threads {self.tids}")
        self.api = Api(api, name)
        self.clocks = Clocks(pid, self.tids)
        self.counts = Counts(pages, pid, ranges)

    def place(self, nodes):
        for tid, node in zip(self.tids, nodes):
            os.sched_setaffinity(tid, cpus_of_node(node))

    def watch(self, count):
        """So many reports of different looks, each with the time of the look before it."""
        taken, last, end = [], 0, time.monotonic() + CASE_LIMIT_S
        while len(taken) < count and time.monotonic() < end:
            self.clocks.tick()
            report = self.api.report()
            when = report["sample"]["taken_ns"]
            if last and when != last:
                taken.append((last, when, report))
            last = when
            time.sleep(0.02)
        self.clocks.tick()
        return taken

    def judge(self, nodes, taken):
        """What was true of the guest at each sample that counts, and how many held it (guest, cell 0, cell 1)."""
        truths, held = [], [0, 0, 0]
        for since, until, report in taken:
            used, frames = self.clocks.at(until), self.counts.framing(since, until)
            told = [report["locality"], *report["cell_locality"]]
            values = [[locality(pages, nodes, used, cell) for pages in frames] for cell in (None, 0, 1)]
            if not frames or max(max(value) - min(value) for value in values) > SPAN_MOST:
                continue
            truths.append((min(values[0]) + max(values[0])) / 2)
            for i, value in enumerate(values):
                held[i] += told[i]["low"] <= max(value) + 1e-9 and min(value) - 1e-9 <= told[i]["high"]
        return truths, held


def run_case(guest, balancing, name, nodes, results):
    begun, marks = time.monotonic(), balancing_updates()
    guest.place(nodes)
    guest.watch(2)  # the first after the move may still have been under way
    guest.counts.start(balancing == "on")
    guest.watch(1)
    taken = guest.watch(SAMPLES)
    while balancing == "on" and len(guest.judge(nodes, taken)[0]) < SAMPLES and time.monotonic() < begun + CASE_LIMIT_S:
        taken += guest.watch(SAMPLES // 10)
    guest.counts.stop()
    truths, held = guest.judge(nodes, taken)
    print(balancing, name, f"{truths[0] if truths else -1:.3f}", len(truths), *held, file=results, flush=True)
    last = taken[-1][2]["locality"]
    print(
        f"balancing {balancing:3}, truth near {name:4}: {min(truths, default=0):.4f} to {max(truths, default=0):.4f}, "
        f"the last sample says {last['low']:.4f} to {last['high']:.4f}; of {len(truths)} samples {held[0]} held it, "
        f"of its cells {held[1]} and {held[2]}; {balancing_updates() - marks} pages marked by the kernel, "
        f"{time.monotonic() - begun:.0f} s",
        flush=True,
    )


def bring_home(guest, pid):
    """All of its memory, but for a page in twenty: pages that are in use stay, and come the next time."""
    for _ in range(10):
        subprocess.run(["migratepages", pid, "all", str(HOME)], check=True)
        cells = guest.counts.count()
        if sum(cell[HOME] for cell in cells) >= 0.95 * sum(sum(cell) for cell in cells):
            return


def set_balancing(state):
    with open("/proc/sys/kernel/numa_balancing", "w", encoding="ascii") as file:
        file.write("1" if state == "on" else "0")


def main(arguments):
    api, name, pid, path, pages, *ranges = arguments
    guest = Guest(api, name, int(pid), pages, ranges)
    cell1 = guest.counts.count()[1]
    spilt = max((node for node in range(len(cell1)) if node != HOME), key=lambda node: cell1[node])
    away, farther = (node for node in range(len(cell1)) if node not in (HOME, spilt))
    cases = (
        ("0", (farther, farther, farther, farther)),
        ("0.25", (away, away, HOME, HOME)),
        ("0.5", (HOME, away, HOME, spilt)),
        ("0.75", (HOME, HOME, HOME, HOME)),
    )
    with open(path, "w", encoding="ascii") as results:
        for case in cases:
            run_case(guest, "off", *case, results)
        set_balancing("on")
        for case in reversed(cases):  # the kernel brings memory to the threads: away from home last
            run_case(guest, "on", *case, results)
        set_balancing("off")
        with open(f"/sys/devices/system/node/node{HOME}/hugepages/hugepages-2048kB/nr_hugepages", "w", encoding="ascii") as file:
            file.write("0")
        bring_home(guest, pid)
        for balancing in ("off", "on"):
            set_balancing(balancing)
            run_case(guest, balancing, "1", (HOME, HOME, HOME, HOME), results)
        set_balancing("off")


main(sys.argv[1:])
