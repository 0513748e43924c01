"""Reservations that homenoded has acknowledged: made, confirmed, given back, left to expire; none may be lost."""

import time

from questions import wish
from scene import PATIENCE, Broken

MOST, NAMES = 40, 60
MARGIN = 3  # seconds between homenoded's clock for a reservation and ours


class Promise:
    def __init__(self, name, ttl):
        self.name, self.confirmed, self.until = name, False, time.monotonic() + ttl

    def confirm(self, ttl):
        """Once: another confirmation changes nothing."""
        if not self.confirmed:
            self.confirmed, self.until = True, time.monotonic() + ttl

    def left(self):
        return self.until - time.monotonic()


class Promises:
    def __init__(self, host, chance):
        self.host, self.chance, self.kept = host, chance, {}  # by id

    def table(self):
        return {"reserve": (10, self.reserve), "confirm": (6, self.confirm), "give-back": (4, self.give_back)}

    def reserve(self):
        if len(self.kept) >= MOST:
            return False
        name, ttl = f"promise-{self.chance.randrange(NAMES)}", self.chance.choice((1, 5, 20, 60, 600))
        body = {**wish(self.chance, name), "ttl_seconds": ttl}
        headers = {"Idempotency-Key": f"key-{self.chance.randrange(10**9)}"} if self.chance.random() < 0.5 else {}
        status, made, _ = self.host.ask("POST", "/v1/reservations", body, headers)
        if status != 201:
            return True
        promise = self.kept[made["id"]] = Promise(name, ttl)
        if headers and ttl >= 20:
            again = self.host.ask("POST", "/v1/reservations", body, headers)
            if (again[0] != 200 or again[1]["id"] != made["id"]) and promise.left() > 0:
                raise Broken(f"{made['id']} was made for a key, which is answered {again[0]} and {again[1]} when it comes again")
        return True

    def some(self):
        """The id of one that is not about to expire, or None."""
        found = sorted(number for number, promise in self.kept.items() if promise.left() > MARGIN)
        return self.chance.choice(found) if found else None

    def confirm(self):
        number = self.some()
        if not number:
            return False
        ttl, promise = self.chance.choice((10, 60, 3600)), self.kept[number]
        status, answer, _ = self.host.ask("POST", f"/v1/reservations/{number}/confirm", {"ttl_seconds": ttl})
        if status == 200:
            promise.confirm(ttl)
        elif promise.left() > 0:
            raise Broken(f"reservation {number} is there, and its confirmation is answered {status}: {answer}")
        return True

    def give_back(self):
        number = self.some()
        if not number:
            return False
        status, answer, _ = self.host.ask("DELETE", f"/v1/reservations/{number}")
        if status != 204 and self.kept[number].left() > 0:
            raise Broken(f"reservation {number} is there, and giving it back is answered {status}: {answer}")
        del self.kept[number]
        return True

    def check(self):
        """All that were promised are there, and no others."""
        listed = {item["id"]: item for item in self.host.ask("GET", "/v1/reservations")[1]["reservations"]}
        for number, promise in list(self.kept.items()):
            found = listed.get(number)
            if found is None:
                if promise.left() > MARGIN:
                    raise Broken(f"reservation {number} of {promise.name}{', confirmed,' if promise.confirmed else ''} is lost, "
                                 f"{promise.left():.0f} s before its end")
                del self.kept[number]
            elif promise.confirmed and not found["confirmed"]:
                raise Broken(f"reservation {number} of {promise.name} was confirmed, and is not any more")
            elif promise.left() < -PATIENCE:
                raise Broken(f"reservation {number} of {promise.name} is there {-promise.left():.0f} s after its end")
        for number, item in listed.items():
            if item["guest"]["name"].startswith("promise-") and number not in self.kept:
                raise Broken(f"reservation {number} of {item['guest']['name']} was never made, or had ended")
