"""Events of a real guest, resumed after a break and over a restart of the daemon; keep-alives; homenode events."""

import json
import subprocess
import time
import unittest

from harness import BUILD, SLOWER, HostTest, needs_qemu, wait_for


class Stream:
    """A client of /v1/events that reads when it is asked."""

    def __init__(self, host, since=None, header=None):
        self.connection = host.connect()
        self.connection.settimeout(0.1)
        path = "/v1/events" if since is None else f"/v1/events?since={since}"
        extra = "" if header is None else f"Last-Event-ID: {header}\r\n"
        self.connection.sendall(f"GET {path} HTTP/1.0\r\nHost: x\r\n{extra}\r\n".encode())
        self.text = ""
        self.ended = False

    def read(self):
        try:
            data = self.connection.recv(65536)
            self.ended = self.ended or not data
            self.text += data.decode()
        except TimeoutError:
            pass
        return self.text

    def events(self):
        """[(id, type, data)] of all that has come so far; an id is None where there is none."""
        found = []
        for block in self.read().split("\n\n")[:-1]:
            lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
            if "event" in lines and "data" in lines:
                found.append((int(lines["id"]) if "id" in lines else None, lines["event"], json.loads(lines["data"])))
        return found

    def wait(self, kind, guest=None, limit=20):
        return wait_for(
            f"the event {kind} of {guest}; there are: {self.text[-3000:]}",
            lambda: next((e for e in self.events() if e[1] == kind and guest in (None, e[2].get("guest"))), None), limit)

    def close(self):
        self.connection.close()


class Events(HostTest):
    extra = "[libvirt]\nuri = none\n"

    def stream(self, **arguments):
        stream = Stream(self.host, **arguments)
        self.addCleanup(stream.close)
        wait_for("the stream begins", lambda: ": events follow" in stream.read())
        return stream

    @needs_qemu
    def test_a_guest_comes_and_goes(self):
        self.host.start()
        stream = self.stream()
        process = self.host.qemu("web")
        data = stream.wait("guest-appeared", "web")[2]
        self.assertEqual((data["pid"], data["cells"], data["vcpus"], data["memory_bytes"]), (process.pid, 2, 4, 128 << 20))
        self.assertLess(abs(data["time_ns"] / 1e9 - time.time()), 60 * SLOWER)
        home = stream.wait("home", "web")
        self.assertEqual((home[2]["nodes"], home[2]["before"]), ("0", ""))
        process.kill()
        process.wait()
        stream.wait("guest-gone", "web")
        events = stream.events()
        ids = [event[0] for event in events]
        self.assertEqual(ids, list(range(ids[0], ids[0] + len(ids))))
        kinds = [event[1] for event in events]
        self.assertLess(kinds.index("guest-appeared"), kinds.index("home"))
        self.assertEqual(kinds.count("home"), 1, "a home that stays is told once")
        # what it would have missed, had it heard only the first
        for resumed in (self.stream(since=ids[0]), self.stream(header=ids[0]), self.stream(since=1, header=ids[0])):
            wait_for("all of the rest", lambda resumed=resumed: len(resumed.events()) >= len(ids) - 1)
            self.assertEqual(resumed.events()[: len(ids) - 1], events[1:])
        self.stop_cleanly()
        wait_for("the stream ends", lambda: stream.read() is not None and stream.ended)

    @needs_qemu
    def test_the_daemon_is_started_again(self):
        self.host.start()
        self.host.qemu("web")
        stream = self.stream(since=0)
        stream.wait("home", "web")
        last = stream.events()[-1][0]
        self.stop_cleanly()
        self.host.start()
        resumed = self.stream(header=last)
        self.assertEqual(resumed.wait("gap")[2]["since"], last)
        event = resumed.wait("guest-appeared", "web")
        self.assertGreater(event[0], last)
        self.stop_cleanly()

    def test_a_reservation(self):
        """As libvirt's hook tells of a guest that starts and ends."""
        self.host.start()
        stream = self.stream()
        xml = ("<domain type='kvm'><name>new</name><uuid>7d2f7a4e-4d5a-4b0e-9c53-0a7c8e5b1f00</uuid>"
               "<memory unit='MiB'>16</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>")
        for operation, state, nodes in (("prepare", "made", "0"), ("started", "started", "0"), ("release", "freed", "")):
            status, body = self.host.call("POST", f"/v1/libvirt/{operation}?guest=new&sub=begin", body=xml)
            self.assertEqual(status, 204, body)
            data = wait_for(f"the reservation is {state}", lambda: next(
                (e[2] for e in stream.events() if e[1] == "reservation" and e[2]["state"] == state), None))
            self.assertEqual((data["guest"], data["nodes"]), ("new", nodes))
        self.stop_cleanly()

    def test_bad_requests(self):
        self.host.start()
        for path in ("/v1/events?since=x", "/v1/events?sinc=1"):
            status, problem = self.host.call("GET", path)
            self.assertEqual(status, 400, problem)
        self.assertEqual(self.host.call("POST", "/v1/events")[0], 405)
        self.stop_cleanly()

    def test_a_quiet_stream_is_kept_alive(self):
        """Longer than a connection that says nothing may last otherwise: 30 seconds."""
        self.host.start()
        stream = self.stream()
        end = time.monotonic() + 33
        while time.monotonic() < end:
            stream.read()
            self.assertFalse(stream.ended)
        self.assertGreaterEqual(stream.text.count(": still here\n\n"), 2)
        self.stop_cleanly()

    @needs_qemu
    def test_the_command(self):
        self.host.start()
        arguments = [f"{BUILD}/cli/homenode", "--socket", self.host.api]
        with subprocess.Popen([*arguments, "--json", "events", "--since", "0"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as follower:
            self.host.qemu("web")
            event = json.loads(follower.stdout.readline())
            while event["event"] != "home":
                event = json.loads(follower.stdout.readline())
            self.assertEqual(event["data"]["guest"], "web")
            self.stop_cleanly()
            rest, said = follower.communicate(timeout=20)
            self.assertEqual(follower.returncode, 3)
            last = json.loads(rest.splitlines()[-1])["id"] if rest else event["id"]
            self.assertIn(f"homenode events --since {last}", said)
        self.host.start()
        with subprocess.Popen([*arguments, "events", "--since", str(last)], stdout=subprocess.PIPE, text=True) as follower:
            lines = [follower.stdout.readline() for _ in range(2)]
            follower.kill()
        self.assertIn("gap", lines[0])
        self.assertRegex(lines[1], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  guest-appeared  web")
        for wrong in (("--since", "x"), ("--since", ""), ("--nonsense",), ("web",)):
            self.assertEqual(self.host.cli("events", *wrong).returncode, 2, wrong)
        self.stop_cleanly()
        self.assertEqual(self.host.cli("events").returncode, 3)


if __name__ == "__main__":
    unittest.main()
