"""The history of a real guest: what is seen and decided is kept, over restarts and deaths, and whatever is wrong with the disk."""

import os
import re
import sqlite3
import stat
import time
import unittest

from harness import Host, HostTest, needs_qemu, wait_for


class HistoryTest(HostTest):
    def history(self, name="web", query="", status=200):
        got, answer = self.host.call("GET", f"/v1/guests/{name}/history{query}")
        self.assertEqual(got, status, answer)
        return answer if status == 200 else answer["detail"]

    def records(self, name="web", query=""):
        return self.history(name, query)["records"]

    def start_with_guest(self):
        self.host.start()
        self.host.qemu("web")
        self.host.wait_guest("web", lambda r: r["plan"], "decided on")


@needs_qemu
class Kept(HistoryTest):
    def test_looks_and_decisions_of_a_real_guest(self):
        before = time.time_ns()
        self.start_with_guest()
        answer = self.history()
        self.assertEqual((answer["more"], answer["lost"], answer["problem"]), (False, 0, ""))
        samples = [r for r in answer["records"] if r["kind"] == "sample"]
        decisions = [r for r in answer["records"] if r["kind"] == "decision"]
        self.assertEqual(sorted(r["cell"] for r in samples), [-1, 0, 1])
        nodes = len(self.host.call("GET", "/v1/host")[1]["nodes"])
        for record in samples:
            self.assertEqual((record["guest"], record["looks"], record["node_count"]), ("web", 1, nodes))
            self.assertTrue(before <= record["time_ns"] <= time.time_ns())
            # the first cell is preallocated, so its pages are somewhere
            if record["cell"] == 0:
                self.assertAlmostEqual(sum(record["memory_share"]), 1, 3)
        whole = next(r for r in samples if r["cell"] == -1)
        report = self.host.guest("web")
        self.assertEqual(whole["locality"], report["locality"])
        self.assertEqual([(d["verdict"], d["verdict_changed"]) for d in decisions], [(report["plan"]["verdict"], False)])
        self.assertEqual({c["cell"]: c["nodes"] for c in decisions[0]["home"]},
                         {c["cell"]: c["nodes"] for c in report["home"]["cells"]})
        sequences = [r["sequence"] for r in answer["records"]]
        self.assertEqual(sequences, sorted(sequences, reverse=True))
        # many looks later there is no second sample yet, and no decision that says the same
        time.sleep(2)
        self.assertEqual(len(self.records()), len(answer["records"]))
        self.stop_cleanly()
        self.assertEqual(stat.S_IMODE(os.stat(self.host.history).st_mode), 0o640)

    def test_every_ten_seconds_one_look_is_kept(self):
        self.start_with_guest()
        first = [r for r in self.records(query="?kind=samples&cell=-1")]
        self.assertEqual(len(first), 1)
        wait_for("a second sample", lambda: len(self.records(query="?kind=samples&cell=-1")) == 2, 15)
        second, first = self.records(query="?kind=samples&cell=-1")
        self.assertGreaterEqual(second["time_ns"] - first["time_ns"], 9_900_000_000)
        self.stop_cleanly()

    def test_it_outlives_daemon_and_guest(self):
        self.start_with_guest()
        kept = self.records()
        # what was answered was written before: even this end loses none of it
        self.host.daemon.kill()
        self.host.daemon.wait()
        for process in self.host.processes:
            process.kill()
            process.wait()
        os.unlink(self.host.socket_path("web"))
        self.host.start()
        self.assertIsNone(self.host.guest("web"))
        self.assertEqual(self.records(), kept)
        self.host.qemu("web")
        self.host.wait_guest("web", lambda r: r["plan"], "decided on again")
        again = self.records()
        self.assertEqual(again[-len(kept):], kept)
        self.assertGreater(len(again), len(kept))
        self.stop_cleanly()

    def test_questions(self):
        self.start_with_guest()
        self.assertEqual({r["kind"] for r in self.records(query="?kind=decisions")}, {"decision"})
        self.assertEqual({r["kind"] for r in self.records(query="?kind=samples,moves&since=3600")}, {"sample"})
        one = self.history(query="?limit=1")
        self.assertEqual((len(one["records"]), one["more"]), (1, True))
        self.assertEqual([r["cell"] for r in self.records(query="?kind=samples&cell=1")], [1])
        for query, says in (("?since=0", "since=0"), ("?since=x", "since=x"), ("?limit=0", "limit=0"),
                            ("?limit=5001", "5000"), ("?cell=-2", "cell=-2"), ("?kind=all", "samples, decisions, moves"),
                            ("?kind=", "''"), ("?day=1", "'day'"), ("?since=99999999999999999999", "since="),
                            ("?since", "query")):
            self.assertIn(says, self.history(query=query, status=400), query)
        self.assertIn("'nobody'", self.history("nobody", status=404))
        self.assertEqual(self.host.call("POST", "/v1/guests/web/history", "{}")[0], 405)
        self.stop_cleanly()

    def test_the_command(self):
        self.start_with_guest()
        done = self.host.cli("history", "web")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        lines = done.stdout.splitlines()
        self.assertRegex(
            lines[0], r"^LOCAL  (\|.{60}\|  \d+ .*%, at least \d+ %|nothing known) in the last 60 min$")
        self.assertRegex(lines[1], r"^TIME +WHAT +WHY$")
        self.assertRegex(lines[2], r"^\d\d:\d\d:\d\d  at-home  ")
        clock = time.strftime("%H:%M", time.localtime(self.records(query="?kind=decisions")[0]["time_ns"] // 10**9))
        self.assertTrue(lines[2].startswith(clock), (lines[2], clock))
        samples = self.host.cli("history", "--kind", "samples", "--since=2d", "web")
        self.assertEqual(samples.returncode, 0, samples)
        self.assertRegex(samples.stdout, r"(?m)^TIME +LOCAL +BETWEEN +BUSY +LOOKS +MEMORY$")
        self.assertRegex(samples.stdout, r"(?m)^\d\d:\d\d:\d\d +(\d+ %|-) +(\d+-\d+ %|-) +\d+ % +1  0: 100 %$")
        decisions = self.host.cli("history", "-k", "decisions", "web")
        self.assertRegex(decisions.stdout, r"(?m)^TIME +VERDICT +HOME +REASON$")
        self.assertIn("cell 0 on ", decisions.stdout)
        self.assertEqual(self.host.cli("history", "-k", "moves", "web").stdout, "Nothing was moved.\n")
        self.stop_cleanly()

    def test_the_command_refuses(self):
        self.host.start()
        for code, says, arguments in ((2, "one guest", ()), (2, "one guest", ("a", "b")), (2, "--kind", ("-k", "all", "a")),
                                      (2, "--since", ("--since", "soon", "a")), (2, "--since", ("--since", "10ms", "a")),
                                      (2, "--since", ("--since", "d", "a")), (2, "36500", ("--since", "99999d", "a")),
                                      (4, "'nobody'", ("nobody",))):
            done = self.host.cli("history", *arguments)
            self.assertEqual((done.returncode, done.stdout), (code, ""), done)
            self.assertIn(says, done.stderr)
        self.assertIn("--since", self.host.cli("history", "--help").stdout)
        self.stop_cleanly()


@needs_qemu
class Disturbed(HistoryTest):
    def test_a_file_that_is_locked_stops_nobody(self):
        self.start_with_guest()
        self.history()
        with sqlite3.connect(self.host.history, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            self.host.qemu("late", "-m", "16M")
            slowest, end = 0, time.monotonic() + 5
            while time.monotonic() < end:
                began = time.monotonic()
                self.host.guests()
                slowest = max(slowest, time.monotonic() - began)
                time.sleep(0.02)
            self.host.wait_guest("late", lambda r: r["plan"], "decided on while the history is locked")
            other.execute("ROLLBACK")
        other.close()
        self.assertLess(slowest, 1, "the writer waits 2 s for the lock, and the loop does not wait for the writer")
        wait_for("what happened meanwhile is kept, too", lambda: self.records("late", "?kind=decisions"), 40)
        self.stop_cleanly()

    def test_a_damaged_file_is_set_aside(self):
        self.start_with_guest()
        self.history()
        self.stop_cleanly()
        with open(self.host.history, "r+b") as file:
            file.write(b"no history at all" * 1000)
        self.host.start()
        self.host.wait_log("damaged and was set aside as .*history.db.bad")
        wait_for("a new one", self.records)
        self.assertTrue(os.path.exists(self.host.history + ".bad"))
        self.stop_cleanly()

    def test_a_newer_file_is_left_alone(self):
        os.makedirs(os.path.dirname(self.host.history))
        with sqlite3.connect(self.host.history) as file:
            file.executescript("PRAGMA application_id = 1752066163; PRAGMA user_version = 99; CREATE TABLE x (y);")
        file.close()
        with open(self.host.history, "rb") as file:
            before = file.read()
        self.start_with_guest()
        self.host.wait_log("no history is kept: .*newer homenode.*schema 99")
        self.assertIn("newer homenode", self.history(status=409))
        done = self.host.cli("history", "web")
        self.assertEqual(done.returncode, 1)
        self.assertIn("newer homenode", done.stderr)
        self.stop_cleanly()
        with open(self.host.history, "rb") as file:
            self.assertEqual(file.read(), before)


@needs_qemu
class Elsewhere(HistoryTest):
    """With another [store] section."""

    def restart_with(self, section):
        self.host = Host(self.mode, self.tick, "")
        self.addCleanup(self.host.close)
        with open(self.host.config, encoding="utf-8") as file:
            text = file.read()
        self.host.write_config(re.sub(r"\[store\]\n.*\n", f"[store]\n{section}\n", text))
        self.start_with_guest()

    def test_none_is_kept_when_none_is_wanted(self):
        self.restart_with("path = none")
        self.assertIn("[store]", self.history(status=409))
        self.assertEqual(self.host.cli("history", "web").returncode, 1)
        self.stop_cleanly()

    def test_where_nothing_can_be_written_the_daemon_runs_on_and_says_so(self):
        self.restart_with("path = /proc/homenode/history.db")
        self.host.wait_log("history cannot be written for now.*/proc/homenode")
        self.assertIn("/proc/homenode", self.history(status=503))
        self.assertEqual(self.host.log().count("cannot be written"), 1)
        self.assertEqual(self.host.guest("web")["plan"]["verdict"], "at-home")
        self.stop_cleanly()


if __name__ == "__main__":
    unittest.main(verbosity=2)
