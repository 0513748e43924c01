"""Sockets that are not QMP, or not any more; configurations that are wrong; requests that make no sense."""

import contextlib
import json
import os
import socket
import subprocess
import time
import unittest

from harness import BUILD, PYTHON, FalseMonitor, Host, HostTest, UnixConnection, needs_qemu, wait_for

GREETING = b'{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": ""}, "capabilities": []}}\r\n'


def answer_capabilities(connection):
    connection.sendall(GREETING)
    request = json.loads(connection.recv(4096))
    connection.sendall(json.dumps({"return": {}, "id": request.get("id")}).encode() + b"\r\n")


def silent(connection):
    connection.recv(1)


def hangs_up(connection):
    pass


def not_json(connection):
    connection.sendall(b"220 mail.example.org ESMTP ready\r\n")
    connection.recv(4096)


def endless(connection):
    connection.sendall(GREETING[:-3] + b', "x": "')
    while True:
        connection.sendall(b"x" * 65536)


def wrong_id(connection):
    connection.sendall(GREETING)
    connection.recv(4096)
    connection.sendall(b'{"return": {}, "id": "of somebody else"}\r\n')
    connection.recv(4096)


def truncated(connection):
    answer_capabilities(connection)
    connection.recv(4096)
    connection.sendall(b'{"return": [{"cpu-index": 0, "thr')


def foreign_threads(connection):
    """Names a thread of a process that is not its own: pid 1's."""
    answer_capabilities(connection)
    stream = connection.makefile("r")
    for line in stream:
        request = json.loads(line)
        result = {
            "query-status": {"running": True, "singlestep": False, "status": "running"},
            "query-cpus-fast": [{"cpu-index": 0, "thread-id": 1, "qom-path": "/x", "target": "x86_64",
                                 "props": {"core-id": 0, "thread-id": 0, "socket-id": 0}}],
            "query-name": {"name": "liar"},
            "human-monitor-command": "",
        }.get(request["execute"], [])
        connection.sendall(json.dumps({"return": result, "id": request["id"]}).encode() + b"\r\n")


class FalseSockets(HostTest):
    def check(self, behave, pattern, limit=20):
        monitor = FalseMonitor(self.host.socket_path("odd"), behave)
        self.addCleanup(monitor.close)
        self.host.start()
        report = self.host.wait_guest("odd", lambda r: r["problem"], "its problem is shown", limit)
        self.assertRegex(report["problem"], pattern)
        self.assertIn("guest 'odd'", self.host.log())
        listing = self.host.cli("guests")
        self.assertEqual(listing.returncode, 0)
        self.assertIn(report["problem"][:40], listing.stdout)
        return monitor

    def test_a_silent_socket(self):
        self.check(silent, "greeting")
        self.stop_cleanly()

    def test_checks_of_a_guest_before_anything_is_known_of_it(self):
        """It has no process and no problem yet."""
        monitor = FalseMonitor(self.host.socket_path("odd"), silent)
        self.addCleanup(monitor.close)
        self.host.start()
        wait_for("it is listed", lambda: self.host.guest("odd"))
        status, problem = self.host.call("GET", "/v1/guests/odd/checks")
        self.assertEqual(status, 503, problem)
        self.stop_cleanly()

    def test_a_socket_that_hangs_up(self):
        monitor = self.check(hangs_up, "hung up|reset|closed")
        wait_for("it is tried again", lambda: monitor.connections > 1)
        self.stop_cleanly()

    def test_a_socket_that_is_not_json(self):
        self.check(not_json, "JSON|not QMP|220 mail")
        self.stop_cleanly()

    def test_a_message_without_end(self):
        self.check(endless, "larger|bytes|limit|large")
        with open(f"/proc/{self.host.daemon.pid}/status", encoding="ascii") as file:
            resident = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
        self.assertLess(resident, 200 << 10, "KiB resident")
        self.stop_cleanly()

    def test_an_answer_to_somebody_else(self):
        self.check(wrong_id, "id")
        self.stop_cleanly()

    def test_an_answer_cut_short(self):
        self.check(truncated, "hung up|reset|closed|gone")
        self.stop_cleanly()

    def test_a_monitor_that_names_threads_that_are_not_its_own(self):
        # run as root, a listener owned by root may speak for any process of root's; one of nobody's may not
        path = self.host.socket_path("liar")
        # who may not even read the sources, in a clone below /root
        child = subprocess.Popen(
            [PYTHON, "-c",
             "import os, sys; sys.path.insert(0, sys.argv[2]); import test_bad_input as t; "
             "os.setgroups([]); os.setuid(65534); "
             "m = t.FalseMonitor(sys.argv[1], t.foreign_threads); m.thread.join(60)",
             path, os.path.dirname(os.path.abspath(__file__))])
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        os.chmod(self.host.folder, 0o755)
        os.chmod(self.host.sockets, 0o777)
        wait_for("it listens", lambda: os.path.exists(path))
        self.host.start()
        report = self.host.wait_guest("liar", lambda r: r["problem"], "refused")
        self.assertRegex(report["problem"], "belongs to user")
        self.stop_cleanly()

    @needs_qemu
    def test_other_guests_are_served_beside_them(self):
        monitors = [FalseMonitor(self.host.socket_path(f"odd{i}"), behave)
                    for i, behave in enumerate((silent, hangs_up, not_json, endless, wrong_id, truncated))]
        for monitor in monitors:
            self.addCleanup(monitor.close)
        self.host.start()
        self.host.qemu("web")
        first = self.host.wait_guest("web", lambda r: r["sample"], "looked at")["sample"]["taken_ns"]
        time.sleep(1.5)
        self.assertGreater(self.host.guest("web")["sample"]["taken_ns"], first, "and still is")
        self.stop_cleanly()

    def test_a_file_that_is_no_socket_is_nobody(self):
        with open(os.path.join(self.host.sockets, "notes.txt"), "w", encoding="ascii") as file:
            file.write("hello")
        os.mkdir(os.path.join(self.host.sockets, "folder.qmp"))
        self.host.start()
        time.sleep(0.5)
        self.assertEqual(self.host.guests(), {})
        self.stop_cleanly()

    def test_a_folder_that_comes_later_is_watched(self):
        os.rmdir(self.host.sockets)
        self.host.start()
        self.host.wait_log("watched folder .*No such file")
        os.mkdir(self.host.sockets)
        monitor = FalseMonitor(self.host.socket_path("odd"), hangs_up)
        self.addCleanup(monitor.close)
        wait_for("it is found", lambda: self.host.guest("odd"), 25)
        self.stop_cleanly()


class Configuration(unittest.TestCase):
    def check(self, text, pattern):
        host = Host()
        self.addCleanup(host.close)
        host.write_config(text)
        done = subprocess.run([f"{BUILD}/daemon/homenoded", "--config", host.config, "--check-config"],
                              capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 3, done)
        self.assertRegex(done.stderr, pattern)

    def test_an_unknown_key_is_named_with_its_line(self):
        self.check("[homenoded]\n\nsokcet = /x\n", r"homenode\.conf:3: unknown key 'sokcet' in section \[homenoded\]")

    def test_an_unknown_section(self):
        self.check("[daemon]\nsocket = /x\n", r":2: unknown section \[daemon\]")

    def test_a_value_out_of_range(self):
        self.check("[sampling]\ntick = 5ms\n", r":2: tick: '5ms' is not within")

    def test_a_value_of_another_kind(self):
        self.check("[moves]\nrate_limit = fast\n", r":2: rate_limit: 'fast' is not a number with a unit")
        self.check("[guests]\nmode = agressive\n", r":2: mode: unknown mode 'agressive': choose one of off, observe")

    def test_a_rule_without_a_name(self):
        self.check("[guest]\nmode = off\n", r":2: write the guest's name or a pattern")

    def test_a_line_that_is_nothing(self):
        self.check("[homenoded]\nhello world\n", r":2: neither \[section\], nor key = value")

    def test_a_file_that_is_not_there(self):
        done = subprocess.run([f"{BUILD}/daemon/homenoded", "--config", "/nonexistent/x.conf", "--check-config"],
                              capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("cannot read /nonexistent/x.conf", done.stderr)

    def test_the_sample_that_is_printed_is_good(self):
        host = Host()
        self.addCleanup(host.close)
        sample = subprocess.run([f"{BUILD}/daemon/homenoded", "--print-config"], capture_output=True, text=True,
                                timeout=30, check=True).stdout
        # also with every default written out
        for text in (sample, sample.replace("\n#[", "\n[").replace("\n#", "\n").replace("\n ", "\n# ")):
            host.write_config(text)
            done = subprocess.run([f"{BUILD}/daemon/homenoded", "--config", host.config, "--check-config"],
                                  capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)


class Requests(HostTest):
    def test_paths_and_methods_that_are_not_there(self):
        self.host.start()
        for method, path, status in (("GET", "/v1", 404), ("GET", "/v1/guests/nobody", 404), ("POST", "/v1/host", 405),
                                     ("GET", "/v1/guests/x/rebalance", 405), ("POST", "/v1/guests/x/rebalance", 404),
                                     ("GET", "/v1/guests/../../etc/passwd", 404),
                                     ("GET", "/v1/guests/" + "a" * 2000, 404), ("GET", "/v1/guests/%00%ff", 404)):
            with self.subTest(path=path[:40], method=method):
                got, body = self.host.call(method, path)
                self.assertEqual((got, body["status"]), (status, status))
                self.assertTrue(body["detail"])
        self.stop_cleanly()

    @needs_qemu
    def test_bodies_that_make_no_sense(self):
        self.host.start()
        self.host.qemu("web", "-m", "16M")
        self.host.wait_guest("web", lambda r: r["sample"], "looked at")
        for body, pattern in ((b"{", "ends in the middle"), (b"[]", "not an object"), (b'{"dry": 1}', "unknown member 'dry'"),
                              (b'{"dry_run": "yes"}', "not of type boolean"), (b"{}x", "at byte 2"),
                              (b"[" * 1000, "JSON")):
            with self.subTest(body=body[:20]):
                status, problem = self.host.call("POST", "/v1/guests/web/rebalance", body)
                self.assertEqual(status, 400)
                self.assertRegex(problem["detail"], pattern)
        self.stop_cleanly()

    def test_what_is_too_large_is_refused_and_not_kept(self):
        self.host.start()
        with contextlib.closing(UnixConnection(self.host.api)) as connection:
            with contextlib.suppress(OSError):
                connection.request("POST", "/v1/guests/x/rebalance", b"x" * (10 << 20))
                self.assertGreaterEqual(connection.getresponse().status, 400)
        self.assertEqual(self.host.call("GET", "/v1/host")[0], 200)
        self.stop_cleanly()

    def test_half_a_request_holds_nobody_up(self):
        self.host.start()
        halves = []
        for _ in range(50):
            half = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            half.connect(self.host.api)
            half.sendall(b"GET /v1/host HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            halves.append(half)
        self.assertEqual(self.host.call("GET", "/v1/host")[0], 200)
        for half in halves:
            half.close()
        self.stop_cleanly()

    def test_a_second_daemon_is_refused(self):
        self.host.start()
        done = subprocess.run([f"{BUILD}/daemon/homenoded", "--config", self.host.config], capture_output=True,
                              text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("another homenoded listens on", done.stderr)
        self.assertEqual(self.host.call("GET", "/v1/host")[0], 200, "the first is unharmed")
        self.stop_cleanly()


class Command(HostTest):
    def test_exit_codes_and_sentences(self):
        done = self.host.cli("guests")
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, r"^homenode: cannot reach homenoded at .*: No such file or directory\. Is it running\?")
        self.host.start()
        for arguments, code in ((("guests",), 0), (("host",), 0), (("show", "nobody"), 4), (("show",), 2),
                                (("rebalance",), 2), (("rebalance", "nobody"), 4), (("frobnicate",), 2), ((), 2),
                                (("--json", "host"), 0), (("watch", "--interval", "x"), 2), (("--help",), 0),
                                (("watch", "--timeout", "1ms"), 0), (("--color", "blue", "host"), 2)):
            with self.subTest(arguments=arguments):
                done = self.host.cli(*arguments)
                self.assertEqual(done.returncode, code, done)
                self.assertEqual(bool(done.stderr), code != 0, done)
        json.loads(self.host.cli("guests", "--json").stdout)
        self.stop_cleanly()


if __name__ == "__main__":
    unittest.main(verbosity=2)
