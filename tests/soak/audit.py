"""What has to hold, however a soak goes: who is known, what was promised, which operations have ended how."""

import contextlib
import json
import time

from harness import SLOWER
from scene import LIMIT, PATIENCE, Broken, children_of, state_of

LONGEST_OPERATION = 300 * SLOWER
MOST_CHILDREN = 8


class Overdue:
    """Things that may be wrong for a while, and no longer."""

    def __init__(self):
        self.since = {}

    def note(self, key, is_wrong, sentence, limit=PATIENCE):
        if not is_wrong:
            self.since.pop(key, None)
            return
        now = time.monotonic()
        if now - self.since.setdefault(key, now) > limit:
            raise Broken(f"{sentence}, for {now - self.since[key]:.0f} s")

    def forget(self):
        """Begin anew, after a restart."""
        self.since.clear()


class Listener:
    """One client of /v1/events, from the first event of a life of homenoded on."""

    def __init__(self, host):
        self.connection = host.connect()
        self.connection.sendall(b"GET /v1/events?since=0 HTTP/1.0\r\nHost: x\r\n\r\n")
        self.connection.setblocking(False)
        self.text, self.last = b"", None

    def events(self):
        """[(type, data)] that have come since it was asked last."""
        with contextlib.suppress(BlockingIOError):
            while data := self.connection.recv(1 << 16):
                self.text += data
            raise Broken("a client that reads all events was hung up on")
        blocks = self.text.split(b"\n\n")
        self.text = blocks.pop()
        found = []
        for block in blocks:
            lines = dict(line.split(": ", 1) for line in block.decode().splitlines() if ": " in line and line[0] != ":")
            if "event" not in lines or "data" not in lines:
                continue
            number = int(lines.get("id", 0))
            if lines["event"] == "gap" or (self.last and number != self.last + 1):
                raise Broken(f"events were lost to a client that reads: {self.last} is followed by {lines}")
            self.last = number
            found.append((lines["event"], json.loads(lines["data"])))
        return found

    def close(self):
        self.connection.close()


class Audit:
    def __init__(self, host, promises):
        self.host, self.overdue, self.promises = host, Overdue(), promises
        self.listener, self.hands = None, None
        self.ended = {}  # operations of all lives, by outcome
        self.checks = 0

    def begin_life(self):
        """homenoded has been started."""
        self.end_life()
        self.overdue.forget()
        self.listener, self.running, self.ended_now, self.hands = Listener(self.host), {}, {}, None

    def end_life(self):
        if self.listener:
            self.listener.close()
            self.listener = None

    def hands_must_live(self):
        """From now on nobody kills the hands that answer queries: the oldest child."""
        self.hands = (children_of(self.host.daemon.pid) or [None])[0]

    def step(self):
        """After each step."""
        self.host.look_alive()
        children = children_of(self.host.daemon.pid)
        for child in children:
            self.overdue.note(("zombie", child), state_of(child) == "Z", f"process {child} is a zombie of homenoded's", LIMIT)
        self.overdue.note("children", len(children) > MOST_CHILDREN, f"homenoded has {len(children)} children")
        if self.hands and self.hands not in children:
            raise Broken("homenode-host has ended, and nobody has killed it")
        for kind, data in self.listener.events():
            if kind.startswith("operation-"):
                self.count(kind, data)
        self.checks += 1

    def count(self, kind, data):
        number, outcome = data["operation"], data["outcome"]
        if kind == "operation-started":
            if number in self.running:
                raise Broken(f"operation {number} has begun twice")
            self.running[number] = data
            return
        if outcome not in ("done", "failed", "cancelled") or (kind == "operation-done") != (outcome == "done"):
            raise Broken(f"operation {number} ended with {kind} and the outcome {outcome!r}")
        if self.running.pop(number, None) is None:
            raise Broken(f"operation {number} has ended ({outcome}) and was not under way")
        for books in (self.ended, self.ended_now):
            books[outcome] = books.get(outcome, 0) + 1

    def all(self):
        """Now and then, as it asks for much."""
        self.step()
        self.look_at_guests()
        self.promises.check()
        self.look_at_operations()

    def look_at_guests(self):
        reports = {item["guest"]["name"]: item for item in self.host.ask("GET", "/v1/guests")[1]["guests"]}
        pids = {slot.pid: slot for slot in self.host.alive()}
        for slot in self.host.slots:
            report = reports.get(slot.name)
            knows = report["guest"]["pid"] if report else 0
            is_alive = slot.is_alive()
            problem = report["problem"] if report else "it is not listed"
            self.overdue.note(("unknown", slot.name), is_alive and not slot.frozen and knows != slot.pid,
                              f"guest {slot.name} lives as {slot.pid} and is not known as that (but as {knows}; {problem})")
            is_seen = report and report["sample"] and report["age_ns"] < PATIENCE * 1e9
            can_be_seen = is_alive and not slot.frozen and knows and report["guest"]["mode"] != "off"
            self.overdue.note(("unseen", slot.name), can_be_seen and report["guest"]["class"] != "realtime" and not is_seen,
                              f"guest {slot.name} is not looked at ({problem})")
        for name, report in reports.items():
            pid = report["guest"]["pid"]
            self.overdue.note(("dead", name), pid and pid not in pids, f"guest {name} is known as process {pid}, which is dead")
            self.overdue.note(("gone", name), name.startswith(("real-", "replayed-")) and not any(
                slot.name == name and (slot.is_alive() or slot.has_socket()) for slot in self.host.slots),
                f"guest {name} is known, and neither its process nor its socket are there")

    def look_at_operations(self):
        for item in self.host.ask("GET", "/v1/operations")[1]["operations"]:
            if item["state"] == "running" and item["elapsed_ns"] > LONGEST_OPERATION * 1e9:
                raise Broken(f"operation {item['id']} on {item['guest']} has not ended in {item['elapsed_ns'] / 1e9:.0f} s: "
                             f"{item['message']}")
        text = self.host.ask("GET", "/metrics")[1]
        told = {line.split('"')[1]: int(float(line.split()[-1])) for line in text.splitlines()
                if line.startswith("homenode_operations_total{")}
        self.step()
        self.overdue.note("books", {name: count for name, count in told.items() if count} != self.ended_now,
                          f"metrics tell of operations {told}, and events of {self.ended_now}")
