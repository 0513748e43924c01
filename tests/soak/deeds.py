"""All that is done in a soak, drawn from by chance, and what has been put off until later."""

import time

from clients import Clients
from faults import Faults
from life import Life
from population import MIB
from questions import Questions


class Deeds:
    def __init__(self, host, audit, promises, chance):
        self.host, self.audit, self.chance = host, audit, chance
        self.put_off, self.counts = [], {}  # (when, what is done then); by name
        self.life, self.questions = Life(host, chance, self.later), Questions(host, chance, self.later)
        self.clients = Clients(host, chance)
        self.faults = Faults(host, audit, self.clients, self.life, chance, self.later)
        self.table = {}  # {name: (weight, what)}
        for kind in (self.life, self.questions, promises, self.clients, self.faults):
            self.table |= kind.table()

    def begin(self):
        """The first life: all guests there are room for."""
        self.host.start()
        self.audit.begin_life()
        self.life.nodes = self.questions.nodes = [
            node["id"] for node in self.host.ask("GET", "/v1/host")[1]["nodes"] if node["memory_bytes"]]
        for slot in self.host.slots:
            slot.start(self.chance)

    def fill(self):
        """What is bounded and fills up over hours is filled at once, so that it is no growth later: events and plans."""
        for _ in range(540):
            made = self.host.ask("POST", "/v1/reservations", {"name": "filling", "vcpus": 1, "memory_bytes": MIB})
            if made[0] == 201:
                self.host.ask("DELETE", f"/v1/reservations/{made[1]['id']}")
        for slot in self.host.alive():
            for _ in range(300 // len(self.host.slots) + 1):
                self.host.ask("POST", "/v1/plans", {"guest": slot.name})

    def one(self, may_end):
        """One of them; may_end: homenoded and its hands may be killed as well."""
        table = {**self.table, **self.faults.table_of_ends()} if may_end else self.table
        name = self.chance.choices(list(table), [weight for weight, _ in table.values()])[0]
        if table[name][1]() is not False:
            self.counts[name] = self.counts.get(name, 0) + 1

    def due(self, all_of_it=False):
        now = time.monotonic()
        for item in [item for item in self.put_off if all_of_it or item[0] <= now]:
            self.put_off.remove(item)
            item[1]()

    def later(self, seconds, what):
        self.put_off.append((time.monotonic() + seconds, what))

    def close(self):
        self.clients.close()
        self.life.close()
