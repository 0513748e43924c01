"""The API under those who are too many, too slow or too large: nothing is promised twice, nothing is lost, all is bounded.

What is counted: guests reserved against memory that there is, reservations before and after a kill, connections and KiB held.
"""

import concurrent.futures
import http.client
import json
import os
import re
import signal
import socket
import threading
import time
import unittest

from harness import HostTest, UnixConnection, wait_for, needs_qemu

MIB = 1 << 20
REQUESTS, WORKERS = 1000, 64


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Client:
    """A connection a thread, made again when the daemon has gone, and the same request sent again."""

    def __init__(self, path):
        self.path, self.local, self.made = path, threading.local(), []

    def close(self):
        for connection in self.made:
            connection.close()

    def request(self, method, path, body=None, headers=None, tries=100):
        for _ in range(tries):
            connection = getattr(self.local, "connection", None)
            if connection is None:
                connection = self.local.connection = UnixConnection(self.path, 60)
                self.made.append(connection)
            try:
                connection.request(method, path, body=json.dumps(body) if body else None, headers=headers or {})
                answer = connection.getresponse()
                return answer.status, json.loads(answer.read() or b"null")
            except (OSError, http.client.HTTPException):
                connection.close()
                self.local.connection = None
                time.sleep(0.1)
        raise AssertionError(f"{method} {path} was not answered in {tries} tries")


class Reservations(HostTest):
    def setUp(self):
        super().setUp()
        self.host.start()
        self.most_free = 0
        self.client = Client(self.host.api)
        self.addCleanup(self.client.close)

    def look_at_free(self):
        """What there is now; others on this machine come and go, so the most that there ever was is kept."""
        nodes = self.host.call("GET", "/v1/host")[1]["nodes"]
        free = sum(max(0, node["free_bytes"] - 64 * MIB) for node in nodes)
        self.most_free = max(self.most_free, free)
        return free

    def shape(self, count):
        """Of a guest that about count of fit."""
        return {"vcpus": 1, "memory_bytes": self.look_at_free() // count // MIB * MIB}

    def storm(self, shape, during=None):
        """Each of REQUESTS guests asked for twice by its key, at once: {name: (status, id)} of the answers, and how many."""
        def ask(number):
            return number, self.client.request(
                "POST", "/v1/reservations", {"name": f"g{number}", **shape, "ttl_seconds": 3600},
                {"Idempotency-Key": f"key-{number}"})

        got = {}
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            asked = [pool.submit(ask, number) for pair in range(REQUESTS) for number in (pair, pair)]
            if during:
                during(asked)
            for count, done in enumerate(concurrent.futures.as_completed(asked, timeout=300)):
                if count % 50 == 0 and self.host.daemon.poll() is None and not during:
                    self.look_at_free()
                number, (status, body) = done.result()
                self.assertIn(status, (200, 201, 409), body)
                got.setdefault(number, []).append((status, body.get("id")))
        return got

    def check(self, got, shape):
        self.look_at_free()
        listed = self.host.call("GET", "/v1/reservations")[1]["reservations"]
        by_name = {item["guest"]["name"]: item["id"] for item in listed}
        self.assertEqual(len(by_name), len(listed), "one of a guest")
        promised = sum(sum(cell["bytes"]) for item in listed for cell in item["home"]["cells"])
        self.assertEqual(promised, len(listed) * shape["memory_bytes"])
        self.assertLessEqual(promised, self.most_free, "no more than there is")
        self.assertGreater(len(listed), 5, "and not next to nothing")
        self.assertLess(len(listed), REQUESTS)
        for number, answers in got.items():
            ids = {id for status, id in answers if status != 409}
            self.assertLessEqual(len(ids), 1, "a key stands for one")
            for id in ids:
                self.assertEqual(by_name.get(f"g{number}"), id, "what was answered is there")
        return listed

    def test_a_thousand_at_once_on_a_nearly_full_host(self):
        shape = self.shape(40)
        got = self.storm(shape)
        listed = self.check(got, shape)
        made = [answers for answers in got.values() if any(status == 201 for status, _ in answers)]
        self.assertEqual(len(made), len(listed), "each is made once")
        for answers in made:
            self.assertEqual(sorted(status for status, _ in answers), [200, 201], "and found by the retry")
        self.stop_cleanly()

    def filings(self):
        return float(re.search(r"^homenode_reservation_filings_total (\S+)", self.host.call("GET", "/metrics")[1], re.M)[1])

    def ask_at_once(self, requests):
        """Sent while the daemon stands still, each on a connection of its own: [(status, body)] in their order."""
        connections = [UnixConnection(self.host.api, 60) for _ in requests]
        for connection in connections:
            connection.connect()  # and accepted before it stands still
            self.addCleanup(connection.close)
        self.host.call("GET", "/v1/host")
        self.host.daemon.send_signal(signal.SIGSTOP)
        for connection, (method, path, body, key) in zip(connections, requests):
            connection.request(method, path, body=json.dumps(body) if body else None, headers={"Idempotency-Key": key} if key else {})
        self.host.daemon.send_signal(signal.SIGCONT)
        answers = [connection.getresponse() for connection in connections]
        return [(answer.status, json.loads(answer.read() or b"null")) for answer in answers]

    def test_those_who_come_together_are_put_on_file_together(self):
        """Made, found by their keys while they are not on file yet, confirmed, given back: 64 at once, in a few writes."""
        def make(number):
            return ("POST", "/v1/reservations", {"name": f"g{number}", "vcpus": 1, "memory_bytes": MIB}, f"key-{number}")

        before = self.filings()
        answers = self.ask_at_once([make(number // 2) for number in range(64)])
        self.assertEqual(sorted(status for status, _ in answers), [200] * 32 + [201] * 32)
        ids = [body["id"] for _, body in answers]
        self.assertEqual(ids[::2], ids[1::2])
        self.assertEqual(len(set(ids)), 32)
        made = self.filings() - before
        self.assertTrue(1 <= made <= 8, f"32 are made with {made} writes")
        ids, before = ids[::2], self.filings()
        answers = self.ask_at_once([("POST", f"/v1/reservations/{id}/confirm", {}, None) for id in ids])
        self.assertEqual([(status, body["confirmed"]) for status, body in answers], [(200, True)] * 32)
        answers = self.ask_at_once([("DELETE", f"/v1/reservations/{id}", None, None) for id in ids[1:]])
        self.assertEqual([status for status, _ in answers], [204] * 31)
        done = self.filings() - before
        self.assertTrue(2 <= done <= 16, f"63 changes with {done} writes")
        self.host.daemon.send_signal(signal.SIGKILL)
        self.host.daemon.wait()
        self.host.start()
        left = self.host.call("GET", "/v1/reservations")[1]["reservations"]
        self.assertEqual([(item["id"], item["confirmed"]) for item in left], [(ids[0], True)])
        self.stop_cleanly()

    def test_those_that_cannot_be_put_on_file_together_are_not_made(self):
        draft = os.path.join(os.path.dirname(self.host.api), "reservations.json.new")
        kept = self.host.call("POST", "/v1/reservations", {"name": "kept", "vcpus": 1, "memory_bytes": MIB})[1]
        os.mkdir(draft)
        make = [("POST", "/v1/reservations", {"name": f"g{number // 2}", "vcpus": 1, "memory_bytes": MIB}, f"key-{number // 2}")
                for number in range(32)]
        confirm = ("POST", f"/v1/reservations/{kept['id']}/confirm", {}, None)
        answers = self.ask_at_once([*make, confirm])
        self.assertEqual([status for status, _ in answers], [503] * 33)
        for _, problem in answers[:-1]:
            self.assertIn("nothing is reserved", problem["detail"])
        self.assertIn("it is not confirmed", answers[-1][1]["detail"])
        listed = self.host.call("GET", "/v1/reservations")[1]["reservations"]
        self.assertEqual([(item["id"], item["confirmed"]) for item in listed], [(kept["id"], False)])
        os.rmdir(draft)
        self.assertEqual(sorted(status for status, _ in self.ask_at_once(make)), [200] * 16 + [201] * 16)
        self.stop_cleanly()

    def test_none_is_lost_when_the_daemon_is_killed(self):
        shape = self.shape(400)

        def kill(asked):
            for share in (0.1, 0.3):
                wait_for("some are answered", lambda: sum(one.done() for one in asked) > share * len(asked), 120)
                self.host.daemon.send_signal(signal.SIGKILL)
                self.host.daemon.wait()
                self.host.start()

        got = self.storm(shape, kill)
        listed = self.check(got, shape)
        self.host.daemon.send_signal(signal.SIGKILL)
        self.host.daemon.wait()
        self.host.start()
        after = self.host.call("GET", "/v1/reservations")[1]["reservations"]
        self.assertEqual([item["id"] for item in after], [item["id"] for item in listed])
        self.stop_cleanly()


class Abuse(HostTest):
    tick = "200ms"

    def setUp(self):
        super().setUp()
        self.host.start()
        self.host.call("GET", "/v1/host")
        self.before = resident_kib(self.host.daemon.pid)

    def check_well(self, grown_kib):
        """Others are served, and no more memory or descriptors are held than said."""
        self.assertEqual(self.host.call("GET", "/v1/host")[0], 200)
        self.assertLess(resident_kib(self.host.daemon.pid) - self.before, grown_kib)
        self.assertLess(descriptors(self.host.daemon.pid), 700)

    def test_ten_thousand_connections(self):
        """As many as may are kept, the rest is hung up on; then there is room again."""
        kept, closed, tried = [], 0, 0
        while tried < 10000:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(20)
            try:
                connection.connect(self.host.api)
                tried += 1
            except BlockingIOError:
                time.sleep(0.01)
                continue
            kept.append(connection)
            if len(kept) == 600:  # this process has its own limit
                closed += self.drop_closed(kept)
                for one in kept[400:]:
                    one.close()
                del kept[400:]
        closed += self.drop_closed(kept)
        self.assertLessEqual(len(kept), 400)
        self.assertGreater(closed, 1000)
        self.assertLess(descriptors(self.host.daemon.pid), 700)
        for one in kept:
            one.close()
        wait_for("there is room again", self.host.answers)
        self.check_well(64 << 10)
        self.assertEqual(self.host.log().count("is refused: too many connections"), 1)
        self.stop_cleanly()

    def drop_closed(self, connections):
        """Takes those out that the daemon has hung up on; how many."""
        time.sleep(0.3)
        count = 0
        for one in connections[:]:
            one.setblocking(False)
            try:
                ended = one.recv(1) == b""
            except BlockingIOError:
                ended = False
            except ConnectionError:
                ended = True
            if ended:
                connections.remove(one)
                one.close()
                count += 1
        return count

    def test_a_hundred_megabytes(self):
        for head in (b"Content-Length: 104857600\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 104857600\r\nExpect: 100-continue\r\n"):
            with self.subTest(head=head), self.host.connect() as connection:
                piece = b"x" * (1 << 20)
                if b"chunked" in head:
                    piece = b"100000\r\n" + piece + b"\r\n"
                connection.sendall(b"POST /v1/reservations HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n")
                sent = 0
                try:
                    while sent < 100:
                        connection.sendall(piece)
                        sent += 1
                    answer = connection.recv(4096)
                    self.assertRegex(answer, b"^(HTTP/1.1 4|$)")
                except (ConnectionError, TimeoutError):
                    pass
                self.check_well(48 << 10)
        self.stop_cleanly()

    def test_slow_and_half_open(self):
        """A request that comes byte by byte is not waited for for ever, and meanwhile nobody waits for it."""
        slow = [self.host.connect() for _ in range(100)]
        silent = [self.host.connect() for _ in range(50)]
        for one in slow:
            one.sendall(b"GET /v1/host HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        end = time.monotonic() + 120
        open_still = list(slow)
        while open_still and time.monotonic() < end:
            self.assertEqual(self.host.call("GET", "/v1/host")[0], 200)
            for one in open_still[:]:
                try:
                    one.sendall(b"a")
                    one.setblocking(False)
                    if one.recv(4096) == b"":
                        open_still.remove(one)
                except BlockingIOError:
                    pass
                except OSError:
                    open_still.remove(one)
                finally:
                    one.settimeout(10)
            time.sleep(1)
        self.assertEqual(open_still, [], "closed, although each byte came in time")
        for one in silent:
            self.assertEqual(one.recv(1), b"", "closed, having said nothing")
        for one in slow + silent:
            one.close()
        self.check_well(32 << 10)
        self.stop_cleanly()

    def test_who_does_not_read(self):
        """Answers that nobody reads are bounded, and their connections are closed."""
        deaf = [self.host.connect() for _ in range(50)]
        for one in deaf:
            one.setblocking(False)
            try:
                for _ in range(200):
                    one.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
            except BlockingIOError:
                pass
        self.check_well(96 << 10)
        held = descriptors(self.host.daemon.pid)
        wait_for("they are closed", lambda: descriptors(self.host.daemon.pid) <= held - 50, 150)
        for one in deaf:
            one.close()
        self.check_well(96 << 10)
        self.stop_cleanly()

    @needs_qemu
    def test_the_tick_goes_on(self):
        """Guests are looked at about as often under load as without."""
        self.host.qemu("web")
        self.host.wait_guest("web", lambda r: r["sample"], "looked at")

        def looks(seconds):
            def count():
                text = self.host.exchange("GET", "/metrics")[1]
                return float(next(line.split()[-1] for line in text.splitlines() if line.startswith("homenode_looks_total")))
            first = count()
            time.sleep(seconds)
            return count() - first

        idle = looks(5)
        stop = threading.Event()

        client = Client(self.host.api)
        self.addCleanup(client.close)

        def load():
            while not stop.is_set():
                client.request("GET", "/v1/guests")
                client.request("POST", "/v1/placements", {"name": "x", "vcpus": 1, "memory_bytes": 16 * MIB, "more": 8})

        threads = [threading.Thread(target=load) for _ in range(16)]
        for thread in threads:
            thread.start()
        try:
            busy = looks(5)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertGreater(busy, idle / 2, f"{idle} looks without load, {busy} with")
        self.stop_cleanly()


if __name__ == "__main__":
    unittest.main(verbosity=2)
