"""One soak from its beginning to its end: first homenoded is killed, too, then it lives and is measured."""

import contextlib
import json
import random
import shutil
import sys
import time

from audit import Audit
from deeds import Deeds
from growth import Growth, by_name, read, read_mappings
from promises import Promises
from scene import Broken, Scene

AUDIT_S, READING_S, PROGRESS_S = 10, 3, 60


class Soak:
    """chosen: hours, seed, guests, log, series. can_mount: the history may have a disk of its own."""

    def __init__(self, chosen, can_mount):
        real = min(8, max(1, chosen.guests // 4))
        self.chosen, self.host = chosen, Scene(real, chosen.guests - real, can_mount)
        chance = random.Random(chosen.seed)
        promises = Promises(self.host, chance)
        self.audit = Audit(self.host, promises)
        self.deeds = Deeds(self.host, self.audit, promises, chance)
        self.growth = [Growth("homenoded"), Growth("homenode-host")]
        self.begun = time.monotonic()
        self.failures = []

    def hours(self):
        return (time.monotonic() - self.begun) / 3600

    def run(self):
        try:
            self.deeds.begin()
            half = self.begun + self.chosen.hours * 1800
            self.live(half, True)
            self.deeds.due(all_of_it=True)
            self.deeds.faults.restart_homenoded()
            self.deeds.fill()
            self.audit.hands_must_live()
            self.live(self.begun + self.chosen.hours * 3600, False)
            self.audit.all()
            self.host.restart()
        except (Broken, AssertionError) as error:  # an assertion: the harness has waited in vain
            self.failures.append(str(error))
        except OSError as error:  # of a client that has no better word for it
            ended = self.host.daemon and self.host.daemon.poll()
            self.failures.append(f"homenoded has ended by itself, with status {ended}" if ended is not None else repr(error))
        finally:
            self.failures += [sentence for growth in self.growth for sentence in growth.complaints()]

    def live(self, end, may_kill):
        next_audit = next_reading = next_progress = 0
        while (now := time.monotonic()) < end:
            self.deeds.due()
            self.deeds.one(may_kill)
            self.audit.step()
            if now >= next_audit:
                self.audit.all()
                next_audit = now + AUDIT_S
            if now >= next_reading and not may_kill:
                self.measure()
                next_reading = now + READING_S
            if now >= next_progress:
                self.show_progress()
                next_progress = now + min(PROGRESS_S, 36 * self.chosen.hours)
            time.sleep(self.deeds.chance.uniform(0, 0.6))

    def measure(self):
        causes = (len(self.host.alive()), self.deeds.clients.prune())
        for growth, pid in zip(self.growth, (self.host.daemon.pid, self.audit.hands)):
            mappings = read_mappings(pid) if pid else []
            figures = read(pid, mappings) if mappings else None
            if figures:
                growth.add(time.monotonic(), figures, causes, by_name(mappings))
                self.keep(growth.name, figures, by_name(mappings))

    def keep(self, name, figures, mappings):
        """One line of the series for each reading, at once: it is there if the soak is killed."""
        if self.chosen.series:
            with open(self.chosen.series, "a", encoding="utf-8") as file:
                print(json.dumps({"hours": round(self.hours(), 4), "process": name, **figures, "mappings": mappings}), file=file)

    def show_progress(self):
        if sys.stderr.isatty():
            figures = read(self.host.daemon.pid) or {"rss_kib": 0, "descriptors": 0}
            print(f"\r{self.hours() / self.chosen.hours:4.0%}  {sum(self.deeds.counts.values())} steps, {len(self.host.alive())} guests, "
                  f"homenoded {self.host.starts} times: {figures['rss_kib'] / 1024:.1f} MiB, {figures['descriptors']} descriptors, "
                  f"operations {sum(self.audit.ended.values())}   ", end="", file=sys.stderr, flush=True)

    def summary(self):
        return {"seed": self.chosen.seed, "hours": round(self.hours(), 3), "guests": self.chosen.guests, "starts": self.host.starts,
                "steps": dict(sorted(self.deeds.counts.items())), "checks": self.audit.checks, "operations": self.audit.ended,
                "disk_filled": self.deeds.counts.get("fill-disk") if self.host.disk else None,
                "growth": {growth.name: growth.report() for growth in self.growth}, "failures": self.failures}

    def close(self):
        if self.chosen.log:
            with contextlib.suppress(OSError):
                shutil.copy(self.host.log_path, self.chosen.log)
        self.deeds.close()
        self.host.close()
