#!/usr/bin/env python3
"""What homenode makes of answers: a homenoded that only answers, terminals of any width."""

import fcntl
import http.server
import json
import os
import pathlib
import pty
import re
import select
import signal
import socketserver
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unicodedata
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "integration"))

import fixture_host  # noqa: E402

HOMENODE = os.environ["HOMENODE"]
GIB, MIB = 1 << 30, 1 << 20
DAY = 86400


class Handler(http.server.BaseHTTPRequestHandler):
    """server.answers: {"METHOD /path": document, or a function that makes it}."""

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        document = self.server.answers.get(f"{self.command} {self.path.partition('?')[0]}")
        if callable(document):
            document = document(self.path)
        body = json.dumps(document if document is not None else {"detail": f"there is no {self.path}"}).encode()
        self.send_response(200 if document is not None else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass


class Answers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="homenode-cli-")
        self.addCleanup(folder.cleanup)
        self.socket = str(pathlib.Path(folder.name) / "socket")
        self.server = socketserver.ThreadingUnixStreamServer(self.socket, Handler)
        self.server.daemon_threads = True
        self.server.answers = {"GET /v1/host": fixture_host.host(0)}
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def command(self, *arguments):
        return [HOMENODE, "--socket", self.socket, *map(str, arguments)]

    def run_homenode(self, *arguments, locale="C.UTF-8"):
        return subprocess.run(self.command(*arguments), capture_output=True, encoding="utf-8", timeout=60, check=False,
                              env={**os.environ, "LC_ALL": locale})


def cells(text):
    """Columns that a terminal uses for it."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class Followed(Answers):
    """web-17's operation, as far as step tells; with another message."""

    def operate(self, message="", **changes):
        report = fixture_host.moving_web(1).report(1)
        report["operation"].update(message=message, **changes)
        return report

    def setUp(self):
        super().setUp()
        self.server.answers.update({
            "POST /v1/guests/web-17/operation/resume": {"operation": 8812},
            "GET /v1/guests/web-17": self.operate(),
        })

    def follow_on_pty(self, sizes, *arguments, locale="C.UTF-8"):
        """What it writes to a terminal that has each of these numbers of columns in turn, by columns; and its exit code."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        written = []
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, sizes[0], 0, 0))
        process = subprocess.Popen(self.command(*arguments), stdin=theirs, stdout=theirs, stderr=theirs,
                                   start_new_session=True, env={**os.environ, "LC_ALL": locale})
        self.addCleanup(process.kill)
        for columns in sizes:
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            data, end = b"", time.monotonic() + 30
            # what was under way when the size changed is not looked at
            while data.count(b"\033[K") < 4 and time.monotonic() < end and process.poll() is None:
                if select.select([ours], [], [], 1)[0]:
                    data += os.read(ours, 65536)
            written.append((columns, data.decode("utf-8", "strict" if locale != "C" else "replace").split("\r\033[K")[2:-1]))
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        os.close(theirs)
        return written

    def test_a_line_fits_the_terminal_as_it_is_now(self):
        waits = "waits for another migration to end: 1 run, as many as may at once"
        for message, sizes in ((waits, (80, 200)), ("ä" * 40 + "漢字" * 18, (80, 81, 2, 90, 121))):
            self.server.answers["GET /v1/guests/web-17"] = self.operate(message)
            for columns, lines in self.follow_on_pty(sizes, "resume", "--wait", "web-17"):
                with self.subTest(columns=columns, message=message):
                    self.assertGreaterEqual(len(lines), 2)
                    for line in lines:
                        self.assertNotIn("\n", line)
                        self.assertLess(cells(line), columns)
                        self.assertGreaterEqual(cells(line), min(columns - 2, 110))
                        self.assertEqual(line[-1], message[-1] if columns == 200 else "…")

    def test_a_message_says_nothing_to_the_terminal(self):
        self.server.answers["GET /v1/guests/web-17"] = self.operate("a\033[2Jb\nc")
        [(_, lines)] = self.follow_on_pty((120,), "resume", "--wait", "web-17")
        for line in lines:
            self.assertRegex(line, r"  a\?\[2Jb\?c\Z")

    def test_a_terminal_without_unicode(self):
        self.server.answers["GET /v1/guests/web-17"] = self.operate("ä" * 100)
        [(_, lines)] = self.follow_on_pty((80,), "resume", "--wait", "web-17", locale="C")
        for line in lines:
            self.assertRegex(line, r"  \?+~\Z")
            self.assertEqual(len(line), 79)

    def test_the_end_of_the_operation_is_told(self):
        for state, code in (("done", 0), ("failed", 5), ("cancelled", 5)):
            self.server.answers["GET /v1/guests/web-17"] = self.operate("so it is", state=state)
            done = self.run_homenode("resume", "--wait", "web-17")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (code, f"{state}: so it is\n", ""))

    def test_another_operation_is_not_taken_for_the_one_that_was_followed(self):
        other = "another has begun"
        for changes in ({"id": 8813, "state": "failed"}, {"id": 8813, "state": "done"}, {"id": 8813}, {"id": 0, "state": "none"}):
            self.server.answers["GET /v1/guests/web-17"] = self.operate(other, **changes)
            done = self.run_homenode("resume", "--wait", "web-17")
            self.assertEqual((done.returncode, done.stdout), (1, ""), done)
            self.assertRegex(done.stderr, r"\Ahomenode: operation 8812 of 'web-17' has ended .*homenode history web-17\n\Z")
            done = self.run_homenode("--json", "resume", "--wait", "web-17")
            self.assertEqual((done.returncode, json.loads(done.stdout)), (1, {"operation": 8812}), done)
            self.assertNotIn(other, done.stderr)


class Threads(Answers):
    def test_a_name_that_tells_the_kind_needs_no_other_word(self):
        report = next(guest for guest in fixture_host.guests(0) if guest.name == "db-01").report(0)
        self.server.answers["GET /v1/guests/db-01"] = report
        done = self.run_homenode("show", "db-01")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        pid = report["guest"]["pid"]
        for name in ("vCPU 15", "iothread1", "iothread2", "emulator qemu-system-x86", f"vhost-{pid}"):
            self.assertRegex(done.stdout, rf"(?m)^ *{name} {{2,}}")


class Pools(Answers):
    """Nodes that have not the same sizes of huge pages."""

    def tabled(self, *pools):
        host = fixture_host.host(0)
        for node, sizes in zip(host["nodes"], pools):
            node["pools"] = [{"page_bytes": size, "total_pages": total, "free_pages": free} for size, total, free in sizes]
        self.server.answers["GET /v1/host"] = host
        done = self.run_homenode("host")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        head, *rows = [re.split(r" {2,}", line.strip()) for line in done.stdout.splitlines() if re.match(r" *(NODE|\d+) ", line)]
        columns = [i for i, title in enumerate(head) if title.startswith("FREE ")]
        return [head[i] for i in columns], [[row[i] for i in columns] for row in rows]

    def test_a_first_node_without_any(self):
        self.assertEqual(self.tabled([], [(2 * MIB, 9, 8)], [], [(2 * MIB, 7, 0)]),
                         (["FREE 2 MiB"], [["-"], ["8 of 9"], ["-"], ["0 of 7"]]))

    def test_each_is_found_by_its_size(self):
        self.assertEqual(self.tabled([(GIB, 4, 3)], [(2 * MIB, 9, 8), (GIB, 2, 1)], [(GIB, 6, 5), (2 * MIB, 1, 1)], []),
                         (["FREE 2 MiB", "FREE 1 GiB"], [["-", "3 of 4"], ["8 of 9", "1 of 2"], ["1 of 1", "5 of 6"], ["-", "-"]]))


class Past(Answers):
    """One look a day, as many as there are."""

    def tell(self, days, more, kind="samples"):
        now = time.time_ns()
        record = {"kind": "sample", "boot": "", "uuid": "", "guest": "web", "cell": -1, "looks": 1, "busy": 0.5, "node_count": 4,
                  "locality": {"value": 0.5, "low": 0.4, "high": 0.6}, "memory_share": [1, 0, 0, 0]}
        records = [{**record, "sequence": 1000 - day, "time_ns": now - day * DAY * 10**9} for day in range(days)]

        def answer(path):
            ours = kind in path.partition("kind=")[2].partition("&")[0].split(",")
            return {"records": records if ours else [], "more": more and ours, "lost": 0, "problem": ""}

        self.server.answers["GET /v1/guests/web/history"] = answer

    def test_samples_that_are_cut_are_told_of(self):
        for kind, what in (((), "samples"), (("--kind", "samples"), "records")):
            self.tell(31, more=True)
            done = self.run_homenode("history", "--since", "365d", *kind, "web", locale="C")
            self.assertEqual((done.returncode, done.stderr), (0, f"homenode: there are more than 31 {what}; ask for a shorter time\n"))
            self.assertRegex(done.stdout, r"(?m)^LOCAL .* at least 50 % in the last 30 d$")
            # the line is of these days alone: a figure every other character
            self.assertRegex(done.stdout, r"(?m)^LOCAL  \|(5 ?)+\|")
            self.tell(31, more=False)
            done = self.run_homenode("history", "--since", "365d", *kind, "web", locale="C")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertRegex(done.stdout, r"(?m)^LOCAL  \| {50}.* at least 50 % in the last 365 d$")

    def test_how_far_back(self):
        self.tell(1, more=False)
        for since, told in (("30d", "30 d"), ("1.5d", "36 h"), ("36500d", "36500 d"), ("90", "90 s")):
            self.assertIn(f"in the last {told}\n", self.run_homenode("history", "--since", since, "web").stdout)
        for since, says in (("99999d", "36500 days"), ("999999h", "36500 days"), ("10ms", "less than a second"), ("d", "--since")):
            done = self.run_homenode("history", "--since", since, "web")
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(says, done.stderr)


if __name__ == "__main__":
    unittest.main()
