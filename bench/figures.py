#!/usr/bin/env python3
"""Computes the figures of `converge` from what its observer wrote, so that they can be computed again.

    figures.py FOLDER...      one folder a repetition, with WHO.series and WHO.run for each contestant

The home of a cell is, for everybody alike, the node where its vCPUs spent most of their time in the last TAIL seconds of
the run. A cell is at home as far as both are there: the lesser of the share of its pages on that node and the share of
its vCPUs' time spent there lately. The guest is at home as far as its worst cell.

    home_share        least share of a cell's pages on its home, at the end
    vcpu_local_share  share of vCPU time next to the memory: over the TAIL, time on a node x share of the cell's pages there
    seconds_to_95     from the start to the moment from which on the guest is at home by 95 %; null if it never is
    plateau_share     how far it is at home over the last PLATEAU_TAIL seconds (median)
    plateau_seconds   until it was that far, less SLACK, for the first time; null if it never rose
    moved_ratio       pages the contestant has migrated / pages that were not on the home at the start; null if there were
                      none. The kernel's are those of NUMA balancing (numa_pages_migrated), the others' are all the rest of
                      pgmigrate_success
    mover_cpu_s       CPU time of the mover's cgroup; null for the kernel, whose work is done in the guest's own threads
    cap_error_percent speed at which pages were migrated, but for the kernel's own (least squares over the middle of the
                      rise), against the cap; negative: slower than allowed
"""
import json
import statistics
import sys
from pathlib import Path

TAIL = 10
PLATEAU_TAIL = 10
LATELY = 3
SLACK = 0.02
PAGE = 4096

UNITS = {
    "home_share": "share",
    "vcpu_local_share": "share",
    "seconds_to_95": "s",
    "plateau_share": "share",
    "plateau_seconds": "s",
    "moved_ratio": "ratio",
    "mover_cpu_s": "s",
    "cap_error_percent": "%",
}
CASES = (
    ("two-cells", "homenode", ("kernel-balancing", "numad")),
    ("two-cells-capped", "homenode-capped", ()),
)


class Cell:
    """The series of one cell: (time, values by node)."""

    def __init__(self):
        self.pages, self.cpu = [], []

    def page_shares(self, moment):
        counts = latest(self.pages, moment)
        return [count / (sum(counts) or 1) for count in counts]

    def cpu_shares(self, since, moment):
        used = [b - a for a, b in zip(latest(self.cpu, since), latest(self.cpu, moment))]
        return [share / (sum(used) or 1) for share in used]

    def cpu_used(self, since, moment):
        return sum(latest(self.cpu, moment)) - sum(latest(self.cpu, since))

    def home(self, end):
        shares = self.cpu_shares(end - TAIL, end)
        return shares.index(max(shares))

    def at_home(self, home, moment):
        return min(self.page_shares(moment)[home], self.cpu_shares(moment - LATELY, moment)[home])


class Run:
    """One contestant's attempt."""

    def __init__(self, folder, who):
        self.is_kernel = who == "kernel-balancing"
        self.cells, self.migrated, self.mover = {}, [], []
        for line in (folder / f"{who}.series").read_text().splitlines():
            self.take(line.split())
        notes = dict(line.split() for line in (folder / f"{who}.run").read_text().splitlines())
        self.begin, self.end = float(notes["begin"]), float(notes["end"])
        self.operation = read_operation(folder / f"{who}.json")
        self.cap = mebibytes(notes["cap"]) if "cap" in notes else None
        self.homes = {name: cell.home(self.end) for name, cell in self.cells.items()}

    def take(self, words):
        moment, kind = float(words[0]), words[1]
        if kind == "pages":  # the last count is of absent pages
            self.cells.setdefault(words[2], Cell()).pages.append((moment, [int(word) for word in words[3:-1]]))
        elif kind == "cpu":
            self.cells.setdefault(words[2], Cell()).cpu.append((moment, [float(word) for word in words[3:]]))
        elif kind == "migrated":
            self.migrated.append((moment, (int(words[2]), int(words[3]))))
        elif kind == "mover":
            self.mover.append((moment, float(words[2])))

    def curve(self):
        """(seconds since the start, how far the guest is at home)"""
        moments = [moment for moment, _ in self.migrated if self.begin <= moment <= self.end]
        return [
            (moment - self.begin, min(cell.at_home(self.homes[name], moment) for name, cell in self.cells.items()))
            for moment in moments
        ]

    def figures(self):
        curve = self.curve()
        plateau = statistics.median(far for second, far in curve if second >= curve[-1][0] - PLATEAU_TAIL)
        return {
            "home_share": min(cell.page_shares(self.end)[self.homes[name]] for name, cell in self.cells.items()),
            "vcpu_local_share": self.vcpu_local_share(),
            "seconds_to_95": seconds_to_stay_at(curve, 0.95),
            "plateau_share": plateau,
            "plateau_seconds": seconds_to_reach(curve, plateau - SLACK),
            "moved_ratio": self.moved_ratio(self.is_kernel),
            "mover_cpu_s": self.mover_cpu_s(),
            "cap_error_percent": self.cap_error_percent(),
        }

    def vcpu_local_share(self):
        local = used = 0
        for cell in self.cells.values():
            time = cell.cpu_used(self.end - TAIL, self.end)
            shares = zip(cell.cpu_shares(self.end - TAIL, self.end), cell.page_shares(self.end))
            local += time * sum(cpu * pages for cpu, pages in shares)
            used += time
        return local / used if used else None

    def misplaced_pages(self):
        misplaced = 0
        for name, cell in self.cells.items():
            counts = latest(cell.pages, self.begin)
            misplaced += sum(counts) - counts[self.homes[name]]
        return misplaced

    def moved_ratio(self, by_kernel):
        before, after = latest(self.migrated, self.begin), latest(self.migrated, self.end)
        balancing = after[1] - before[1]
        moved = balancing if by_kernel else after[0] - before[0] - balancing
        return moved / self.misplaced_pages() if self.misplaced_pages() else None

    def recorded_ratio(self):
        """The same by homenode's own record, which is of its last operation: only when that was the only one."""
        if self.operation.get("id") != 1 or not self.misplaced_pages():
            return None
        return self.operation["moved_bytes"] / PAGE / self.misplaced_pages()

    def mover_cpu_s(self):
        used = latest(self.mover, self.end) - latest(self.mover, self.begin)
        return used or None

    def mover_mib_s(self):
        """The speed at which pages were migrated, the kernel's own apart, between a tenth and nine tenths of them."""
        rise = [(when, n - own) for when, (n, own) in self.migrated if self.begin <= when <= self.end]
        low, high = rise[0][1], rise[-1][1]
        middle = [(t, n) for t, n in rise if low + 0.1 * (high - low) <= n <= low + 0.9 * (high - low)]
        return slope(middle) * PAGE / 2**20 if len(middle) > 2 else None

    def cap_error_percent(self):
        speed = self.mover_mib_s()
        return (speed / self.cap - 1) * 100 if speed and self.cap else None


def read_operation(path):
    """What homenode said of its latest operation, or nothing."""
    try:
        return json.loads(path.read_text())["operation"]
    except (OSError, ValueError, KeyError):
        return {}


def latest(series, moment):
    """The value at this moment; the first one before the series has begun."""
    value = series[0][1]
    for when, then in series:
        if when > moment:
            break
        value = then
    return value


def slope(points):
    times, values = zip(*points)
    return statistics.linear_regression(times, values).slope


def mebibytes(text):
    return float(text.removesuffix("M"))


def seconds_to_stay_at(curve, level):
    reached = None
    for second, far in curve:
        if far < level:
            reached = None
        elif reached is None:
            reached = second
    return reached


def seconds_to_reach(curve, level):
    if curve[0][1] >= level:
        return None
    return next((second for second, far in curve if far >= level), None)


def median(values):
    """Of what there is, if it is there more often than not."""
    there = [value for value in values if value is not None]
    return statistics.median(there) if 2 * len(there) > len(values) else None


def rounded(value):
    return None if value is None else float(f"{value:.6g}")


def show(case, figure, unit, ours, peer, peer_name, count, **more):
    ratio = ours / peer if ours is not None and peer else None
    line = {"bench": "converge", "case": case, "figure": figure, "unit": unit, "ours": rounded(ours), "peer": rounded(peer)}
    line |= {"peer_name": peer_name, "ratio": rounded(ratio), "n": count}
    print(json.dumps(line | more, separators=(",", ":")), flush=True)


def is_whole(run):
    return run.exists() and any(line.startswith("end ") for line in run.read_text().splitlines())


def runs_of(folders, who):
    """Those that came to their end."""
    return [Run(folder, who) for folder in folders if is_whole(folder / f"{who}.run")]


def extras(figure, ours):
    """Further members of a line."""
    if figure == "moved_ratio":
        recorded = median([run.recorded_ratio() for run in ours])
        meanwhile = median([run.moved_ratio(by_kernel=True) for run in ours])
        return {"recorded_ratio": rounded(recorded), "kernel_meanwhile_ratio": rounded(meanwhile)}
    if figure == "cap_error_percent":
        return {"cap_mib_s": ours[0].cap, "reached_mib_s": rounded(median([run.mover_mib_s() for run in ours]))}
    return {}


def show_case(folders, case, who, peers):
    ours = runs_of(folders, who)
    of_all = {peer: runs_of(folders, peer) for peer in peers}
    if not ours:
        return
    for figure, unit in UNITS.items():
        if figure == "cap_error_percent" and not ours[0].cap:
            continue
        mine = median([run.figures()[figure] for run in ours])
        for peer in peers or [None]:
            theirs = median([run.figures()[figure] for run in of_all[peer]]) if of_all.get(peer) else None
            more = extras(figure, ours)
            if peer and len(of_all[peer]) != len(ours):
                more["peer_n"] = len(of_all[peer])
            show(case, figure, unit, mine, theirs, peer, len(ours), **more)


def main():
    folders = [Path(argument) for argument in sys.argv[1:]]
    if not folders:
        sys.exit("usage: figures.py FOLDER...")
    for case, who, peers in CASES:
        show_case(folders, case, who, peers)


if __name__ == "__main__":
    main()
