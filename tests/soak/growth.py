"""What a process holds, read now and again, and how much of it has grown: by a fit over time, not from two readings."""

import os

# What one life of a process may grow by, after its warm-up, as the fit has it; memory in KiB. None: told, and no more.
BOUNDS = {"held_kib": 2048, "rss_kib": None, "descriptors": 4, "threads": 2}
WARM_UP = 1 / 3  # of the time that is measured: caches, rings and the allocator fill
FEWEST = 12  # readings that a fit needs
TOLD_KIB, TOLD = 64, 6  # what has grown by less, and more of it than these, is not told of


def is_code(permissions, name):
    """A file's pages that are mapped privately and cannot be written: a program's or a library's. They come as they are first
    run through, after hours too, go when memory is short, and are the page cache's own: no sign of a leak."""
    return name.startswith("/") and "w" not in permissions and permissions.endswith("p")


def read_mappings(pid):
    """[(permissions, what is mapped, KiB of it that are resident)]; [] when there is no such process."""
    found = []
    try:
        with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as file:
            for line in file:
                words = line.split(maxsplit=5)
                if not words[0].endswith(":"):
                    found.append([words[1], (words[5:] or ["[anonymous]"])[0].strip(), 0])
                elif words[0] == "Rss:":
                    found[-1][2] = int(words[1])
    except OSError:
        return []
    return found


def by_name(mappings):
    """{what is mapped: KiB}: files by their paths, the heap, stacks, and all that has no name as one."""
    found = {}
    for _, name, kib in mappings:
        found[name] = found.get(name, 0) + kib
    return found


def read(pid, mappings=None):
    """{figure: value} of a process, or None when there is none."""
    mappings = read_mappings(pid) if mappings is None else mappings
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            fields = dict(line.split(":", 1) for line in file.read().splitlines() if ":" in line)
        return {"held_kib": sum(kib for permissions, name, kib in mappings if not is_code(permissions, name)),
                "rss_kib": int(fields["VmRSS"].split()[0]), "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
                "threads": int(fields["Threads"])}
    except (OSError, KeyError):  # gone, or a zombie
        return None


def solve(matrix, right):
    """The solution of a linear system by elimination, None for a singular one."""
    rows = [list(row) + [value] for row, value in zip(matrix, right)]
    for i in range(len(rows)):
        pivot = max(range(i, len(rows)), key=lambda k: abs(rows[k][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        if abs(rows[i][i]) < 1e-9:
            return None
        for k in range(len(rows)):
            if k != i:
                factor = rows[k][i] / rows[i][i]
                rows[k] = [a - factor * b for a, b in zip(rows[k], rows[i])]
    return [row[-1] / row[i] for i, row in enumerate(rows)]


def slope(times, values, causes):
    """Growth of values a unit of time by least squares, beside what other causes explain: lists as long as values.

    A cause that explains nothing, since it never changed, is left out.
    """
    count = len(values)
    columns = [times] + [cause for cause in causes if max(cause) > min(cause)]
    means = [sum(column) / count for column in columns]
    columns = [[x - mean for x in column] for column, mean in zip(columns, means)]
    scales = [max(map(abs, column)) or 1 for column in columns]
    columns = [[x / scale for x in column] for column, scale in zip(columns, scales)]
    matrix = [[sum(a * b for a, b in zip(one, other)) / count for other in columns] for one in columns]
    mean = sum(values) / count
    right = [sum(a * (value - mean) for a, value in zip(column, values)) / count for column in columns]
    found = solve(matrix, right)
    if found is None:  # a cause that changes as time does cannot be told from it
        return slope(times, values, []) if causes else 0
    return found[0] / scales[0]


class Growth:
    """The readings of one process over one life."""

    def __init__(self, name):
        self.name, self.readings = name, []  # (seconds, {figure: value}, causes, {mapping: KiB})

    def add(self, seconds, figures, causes, mappings=None):
        self.readings.append((seconds, figures, causes, mappings or {}))

    def later(self):
        """The readings after the warm-up."""
        begin, end = self.readings[0][0], self.readings[-1][0]
        return [reading for reading in self.readings if reading[0] >= begin + (end - begin) * WARM_UP]

    def mappings(self):
        """[(mapping, KiB it has grown by after the warm-up)] by the same fit, those that have grown most first."""
        later = self.later() if self.readings else []
        if len(later) < FEWEST:
            return []
        times = [reading[0] for reading in later]
        names = set().union(*(reading[3] for reading in later))
        grown = [(name, round(slope(times, [reading[3].get(name, 0) for reading in later], []) * (times[-1] - times[0]), 1)) for name in names]
        return sorted((one for one in grown if one[1] >= TOLD_KIB), key=lambda one: -one[1])[:TOLD]

    def report(self):
        """{figure: {"first", "last", "most", "grown"}}: grown after the warm-up by the fit, None from too few readings."""
        if not self.readings:
            return {}
        later = self.later()
        told = {}
        for figure in BOUNDS:
            values = [reading[1][figure] for reading in self.readings]
            told[figure] = {"first": values[0], "last": values[-1], "most": max(values), "grown": None}
            if len(later) >= FEWEST:
                # memory that is given back stays with the process, so only time counts
                causes = [] if figure.endswith("_kib") else list(map(list, zip(*(reading[2] for reading in later))))
                rate = slope([reading[0] for reading in later], [reading[1][figure] for reading in later], causes)
                told[figure]["grown"] = round(rate * (later[-1][0] - later[0][0]), 1)
        return told

    def complaints(self):
        for figure, told in self.report().items():
            if None not in (told["grown"], BOUNDS[figure]) and told["grown"] > BOUNDS[figure]:
                yield (f"{self.name} has grown by {told['grown']:.0f} {figure} after its warm-up, by the fit over time: "
                       f"{BOUNDS[figure]} are allowed (first {told['first']}, last {told['last']})" + self.whereabouts(figure))

    def whereabouts(self, figure):
        mappings = self.mappings() if figure == "held_kib" else []
        return "; most of it: " + ", ".join(f"{name} {grown:+.0f}" for name, grown in mappings) if mappings else ""
