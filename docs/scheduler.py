#!/usr/bin/env python3
"""An external scheduler for guests over hosts that run homenoded: an example, with Python's standard library alone.

    scheduler.py --cert fleet.pem --key fleet.key --ca ca.pem host-1:9178 host-2:9178 ... < requests.jsonl

Each line of the input is a guest that is to come, as POST /v1/placements takes it; each line of the output says on which
host its room is kept, or why there is none. A path instead of HOST:PORT is a unix socket, for a host alone.

Every host is asked where the guest would go (it solves that by itself, beside all that it runs and has promised), the hosts
are ranked by what the placement costs them, and the best that still agrees keeps the room. Answers may be stale by then: a
host that says 409 has been faster with another guest, and the next is asked. A request whose answer is lost is sent again by
the same key, and is the same reservation.
"""

import argparse
import concurrent.futures
import http.client
import json
import socket
import ssl
import sys
import uuid

PARTS = ("remote", "cpu", "bandwidth", "fragment")  # of a cost, most important first
TRIES = 3


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("homenoded", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Host:
    def __init__(self, address, context):
        self.address, self.context = address, context

    def connect(self):
        if self.address.startswith("/"):
            return UnixConnection(self.address, 5)
        return http.client.HTTPSConnection(self.address, context=self.context, timeout=5)

    def call(self, method, path, body=None, headers=None):
        """(status, answer); tried again when the connection breaks, so what is asked must bear being asked twice."""
        for attempt in range(TRIES):
            connection = self.connect()
            try:
                connection.request(method, path, json.dumps(body) if body is not None else None, headers or {})
                answer = connection.getresponse()
                return answer.status, json.loads(answer.read() or b"null")
            except (OSError, http.client.HTTPException):
                if attempt == TRIES - 1:
                    raise
            finally:
                connection.close()
        return None

    def price(self, guest):
        """What the guest would cost here, or None: it does not fit, or the host does not answer."""
        try:
            status, answer = self.call("POST", "/v1/placements", guest)
        except (OSError, http.client.HTTPException, ValueError):
            return None
        if status != 200 or not answer["fits"]:
            return None
        return tuple(answer["home"]["cost"][part] for part in PARTS)

    def reserve(self, guest, key):
        status, answer = self.call("POST", "/v1/reservations", {**guest, "ttl_seconds": 60}, {"Idempotency-Key": key})
        return (answer, None) if status in (200, 201) else (None, answer["detail"])

    def confirm(self, reservation):
        status, answer = self.call("POST", f"/v1/reservations/{reservation['id']}/confirm", {"ttl_seconds": 3600})
        return (answer, None) if status == 200 else (None, answer["detail"])


def place(guest, hosts, pool):
    """{"host", "reservation", "nodes"} or {"refused": why}."""
    prices = list(pool.map(lambda host: host.price(guest), hosts))
    ranked = sorted((price, index) for index, price in enumerate(prices) if price is not None)
    refused = "it fits on no host that answers"
    for _, index in ranked:
        try:
            reservation, refused = hosts[index].reserve(guest, str(uuid.uuid4()))
            if reservation:
                # here a scheduler of one's own would ask for volumes and addresses, and delete the reservation if there are none
                reservation, refused = hosts[index].confirm(reservation)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reservation, refused = None, f"{hosts[index].address}: {error}"
        if reservation:
            nodes = [cell["nodes"] for cell in reservation["home"]["cells"]]
            return {"host": hosts[index].address, "reservation": reservation["id"], "nodes": nodes}
    return {"refused": refused}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("hosts", nargs="+", metavar="HOST:PORT|SOCKET")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--ca")
    options = parser.parse_args()
    context = ssl.create_default_context(cafile=options.ca) if options.ca else None
    if options.cert:
        context.load_cert_chain(options.cert, options.key)
    hosts = [Host(address, context) for address in options.hosts]
    refused = 0
    with concurrent.futures.ThreadPoolExecutor(min(32, len(hosts))) as pool:
        for line in sys.stdin:
            if not line.strip():
                continue
            guest = json.loads(line)
            answer = place(guest, hosts, pool)
            refused += "refused" in answer
            print(json.dumps({"guest": guest.get("name"), **answer}), flush=True)
    return 6 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
