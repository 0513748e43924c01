"""homenode top in real terminals (tmux, and a pty of the test's own), with an API that only answers."""

import contextlib
import fcntl
import itertools
import json
import os
import pathlib
import pty
import re
import select
import shlex
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time
import unittest

import api_stub
import fixture_host
from harness import BUILD, SLOWER, HostTest, needs_qemu, wait_for

HOMENODE = f"{BUILD}/cli/homenode"
TMUX = shutil.which("tmux")
PLAIN = SLOWER == 1  # no sanitizer


class Tmux:
    """One window of a tmux server of its own. The command's exit code is shown when it ends."""

    numbers = itertools.count()

    def __init__(self, folder, columns, rows, command, **environment):
        self.base = ["tmux", "-u", "-S", os.path.join(folder, f"tmux-{next(self.numbers)}"), "-f", "/dev/null"]
        settings = {"LC_ALL": "C.UTF-8", **environment}
        words = " ".join(f"{name}={shlex.quote(value)}" for name, value in settings.items())
        shell = f"env -u NO_COLOR {words} {shlex.join(command)}; echo \"[exit $?]\"; stty -a; exec sleep 600"
        self.call("new-session", "-d", "-x", str(columns), "-y", str(rows), "sh", "-c", shell)

    def call(self, *arguments):
        return subprocess.run([*self.base, *arguments], capture_output=True, text=True, timeout=20, check=False).stdout

    def keys(self, *keys):
        self.call("send-keys", *keys)

    def text(self, *options):
        return self.call("capture-pane", "-p", *options)

    def wait(self, pattern, limit=10):
        def seen():
            return re.search(pattern, self.text(), re.M)

        try:
            return wait_for(f"the terminal shows {pattern!r}", seen, limit)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.text()}") from None

    def resize(self, columns, rows):
        self.call("resize-window", "-x", str(columns), "-y", str(rows))

    def flag(self, name):
        return self.call("display-message", "-p", f"#{{{name}}}").strip()

    def pid(self, pattern):
        """Of homenode, a child of the window's shell."""
        shell = self.flag("pane_pid")
        out = subprocess.run(["ps", "--ppid", shell, "-o", "pid=,args="], capture_output=True, text=True, check=False).stdout
        return int(next(line.split()[0] for line in out.splitlines() if pattern in line))

    def close(self):
        self.call("kill-server")


class Top(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="homenode-top-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.socket = os.path.join(self.folder, "api.sock")

    def serve(self, documents=fixture_host.answers):
        stub = api_stub.Stub(self.socket, documents)
        stub.start()
        self.addCleanup(stub.stop)
        return stub

    def command(self, *arguments):
        return [HOMENODE, "--socket", self.socket, "top", *arguments]

    def top(self, columns, rows, *arguments, **environment):
        terminal = Tmux(self.folder, columns, rows, self.command("--interval", "300ms", *arguments), **environment)
        self.addCleanup(terminal.close)
        return terminal

    def assert_restored(self, terminal, code):
        terminal.wait(rf"^\[exit {code}\]$")
        terminal.wait(r"\bcolumns \d+")
        modes = terminal.text().split()
        for mode in ("icanon", "echo", "icrnl", "opost", "isig"):
            self.assertTrue(any(word.strip(";") == mode for word in modes), f"{mode}: {modes}")
        self.assertEqual(terminal.flag("alternate_on"), "0")
        self.assertEqual(terminal.flag("cursor_flag"), "1")
        self.assertEqual(terminal.flag("keypad_cursor_flag"), "0")


@unittest.skipUnless(TMUX, "tmux is not installed")
class OnTheScreen(Top):
    def test_80x24(self):
        self.serve()
        terminal = self.top(80, 24)
        terminal.wait(r"^ rack7-03  8 guests, 1 moving, 1 in trouble +\d\d:\d\d:\d\d$")
        lines = terminal.text().splitlines()
        self.assertEqual(lines[1].split(), "NODE CPUS BUSY MEMORY IN USE FREE 4K FREE 2M FREE 1G".split())
        # ci-9's 24 vCPUs at 90 %, es-4's, rt-plc's and some threads besides, of 32 CPUs
        self.assertRegex(lines[5], r"^    3   32  9\d %   256 GiB \[#+-+\]")
        self.assertRegex(terminal.text(), r"(?m)^ ci-9 +run enf sha \[####--\]  62 ±2 % ▄··▅ 3 ")
        self.assertRegex(terminal.text(), r"(?m)^ db-01 .* 0-1 ")
        # it moves while we look, and homenode sees where to
        first = int(terminal.wait(r"web-17 .* to 2 .*?(\d+) %").group(1))
        wait_for("the move goes on", lambda: int((re.search(r"web-17 .* to 2 .*?(\d+) %", terminal.text()) or [0, 0])[1]) > first)
        terminal.wait(r"web-17 .*↑")
        self.assertRegex(terminal.text(), r"(?m)^ db-01 .* 0-1 +=")
        terminal.wait(r"(?m)^   cell 1 vCPU 2-3 .* 2 +↑")
        self.assertEqual(terminal.flag("alternate_on"), "1")
        # colours, since this terminal has them
        self.assertIn("\033[31m", terminal.text("-e"))
        terminal.keys("q")
        self.assert_restored(terminal, 0)

    def test_120x40_writes_words(self):
        self.serve()
        terminal = self.top(120, 40)
        terminal.wait(r"^ rt-plc +running  enforce realtime  \[########\] +100 % ···█ 3 .* left alone: a realtime")
        terminal.keys("q")
        self.assert_restored(terminal, 0)

    def test_a_vt100_gets_ascii_and_no_colour(self):
        self.serve()
        terminal = self.top(80, 24, TERM="vt100", LC_ALL="C")
        terminal.wait(r"^ ci-9 +run enf sha \[####--\] 62 \+-2 % 3\.\.6 3 ")
        terminal.wait(r"web-17 .*\+ *\d+ to 2")
        text = terminal.text("-e")
        self.assertTrue(text.isascii(), text)
        self.assertNotRegex(text, r"\033\[[0-9;]*3[1-7]m")
        terminal.keys("Down", "Down", "Enter")
        terminal.wait(r"^ CELL vCPU")
        terminal.keys("q")
        self.assert_restored(terminal, 0)

    def test_no_color_is_heeded(self):
        self.serve()
        for environment, option in (({"NO_COLOR": "1"}, ()), ({}, ("--color", "never"))):
            terminal = Tmux(self.folder, 80, 24, [HOMENODE, "--socket", self.socket, *option, "top"], **environment)
            self.addCleanup(terminal.close)
            terminal.wait(r"^ ci-9 ")
            self.assertNotRegex(terminal.text("-e"), r"\033\[[0-9;]*3[1-7]m")
            terminal.keys("q")
            self.assert_restored(terminal, 0)
            terminal.close()

    def test_keys(self):
        self.serve(lambda poll: fixture_host.answers(3))
        terminal = self.top(80, 24)
        terminal.wait(r"sort: loss")
        self.assertRegex(terminal.text().splitlines()[-2], r"^ ci-9: blocked: node 3 has ")
        terminal.keys("Down", "Down")
        terminal.wait(r"^ web-17: moving 7.4 GiB to node 2 +\[##-+\] 24 %")
        terminal.keys("Enter")
        terminal.wait(r"^ web-17  running, enforce, shared, policy adaptive, pid 41411, 4 vCPUs, 8 GiB$")
        terminal.wait(r"^    0 0-1          4 GiB     \.     \.  51 %  47 %    2 %       \. 2 +52 ±2 % ↑$")
        terminal.wait(r"^ vCPU 0 +0 +41416 +2 +83 %  64-95 +2: 100 %$")
        terminal.keys("End")
        terminal.wait(r"^ ram-node1 +1 +4 GiB +4 KiB +default, movable$")
        terminal.keys("Escape")
        terminal.wait(r"^ GUEST ")
        terminal.keys("s")
        terminal.wait(r"sort: name")
        terminal.wait(r"^ web-17: ")  # still chosen
        terminal.keys("Home")
        terminal.wait(r"^ ci-9: ")
        terminal.keys("c")
        wait_for("the cells are hidden", lambda: "cell 0" not in terminal.text())
        terminal.keys("/", "d", "b")
        terminal.wait(r"^ /db_ ")
        wait_for("others are hidden", lambda: "web-17" not in terminal.text())
        terminal.keys("Escape")
        terminal.wait(r"^ web-17")
        terminal.keys("?")
        terminal.wait(r"^ Keys$")
        terminal.keys("?")
        terminal.keys("n")
        terminal.wait(r"^ NODE ")
        wait_for("guests are hidden", lambda: "GUEST" not in terminal.text())
        terminal.keys("q")
        self.assert_restored(terminal, 0)

    def test_other_sizes(self):
        self.serve()
        terminal = self.top(80, 24)
        terminal.wait(r"^ ci-9 ")
        terminal.resize(59, 24)
        terminal.wait(r"^too small: 59x24, not 60x10$")
        terminal.resize(80, 9)
        terminal.wait(r"^too small: 80x9, not 60x10$")
        terminal.resize(60, 10)
        terminal.wait(r"^ and 2 more nodes; n shows them$")
        terminal.wait(r"^ ci-9 +run enf ")
        terminal.resize(132, 50)
        terminal.wait(r"^ ci-9 +running  enforce shared ")
        terminal.keys("q")
        self.assert_restored(terminal, 0)

    def test_a_daemon_that_goes_and_comes_back(self):
        stub = self.serve()
        terminal = self.top(80, 24)
        terminal.wait(r"^ ci-9 ")
        stub.stop()
        terminal.wait(r"^ homenoded has not answered for [3-9] s")
        terminal.wait(r"^ cannot reach homenoded at ")
        text = terminal.text("-e")
        self.assertIn("ci-9", text)
        self.assertIn("\033[2m", text)
        terminal.keys("Down")
        self.assertEqual(terminal.flag("alternate_on"), "1")
        stub.start()
        terminal.wait(r"^ rack7-03 ")
        self.assertNotIn("cannot reach", terminal.text())
        terminal.keys("q")
        self.assert_restored(terminal, 0)

    def test_a_daemon_that_hangs_hangs_nobody(self):
        stub = self.serve()
        terminal = self.top(80, 24)
        terminal.wait(r"^ ci-9 ")
        stub.hang.set()
        terminal.wait(r"^ homenoded has not answered for [2-9] s")
        begun = time.monotonic()
        terminal.keys("?")
        terminal.wait(r"^ Keys$")
        terminal.keys("q")
        terminal.wait(r"^\[exit 0\]$")
        self.assertLess(time.monotonic() - begun, 2 * SLOWER)
        self.assert_restored(terminal, 0)

    def test_answers_that_are_none(self):
        broken = {"/v1/host": fixture_host.host(0), "/v1/guests": b'{"guests": [{"guest": {"name": "x"}}]}'}
        self.serve(lambda poll: fixture_host.answers(0) if poll < 2 else broken)
        terminal = self.top(100, 24)
        terminal.wait(r"^ no answer of homenoded could be used for \d+ s")
        terminal.wait(r"^ homenoded's answer is not understood \(is it of another version\?\): ")
        terminal.keys("q")
        self.assert_restored(terminal, 0)

    def test_every_end_restores_the_terminal(self):
        self.serve()
        ends = [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129), (signal.SIGQUIT, 131)]
        if PLAIN:
            ends += [(signal.SIGSEGV, 139), (signal.SIGABRT, 134)]
        for number, code in ends:
            with self.subTest(number.name):
                terminal = self.top(80, 24)
                terminal.wait(r"^ ci-9 ")
                os.kill(terminal.pid("homenode"), number)
                self.assert_restored(terminal, code)
                terminal.close()
        terminal = self.top(80, 24, "--frames", "3")
        self.assert_restored(terminal, 0)

    def test_stopped_and_continued_from_the_keyboard(self):
        self.serve()
        terminal = Tmux(self.folder, 80, 24, ["bash", "--norc", "--noprofile", "-i"], PS1="ready> ")
        self.addCleanup(terminal.close)
        terminal.wait(r"^ready>$")
        terminal.keys(shlex.join(self.command()), "Enter")
        terminal.wait(r"^ ci-9 ")
        terminal.keys("C-z")
        terminal.wait(r"Stopped")
        self.assertEqual(terminal.flag("alternate_on"), "0")
        terminal.keys("fg", "Enter")
        terminal.wait(r"^ ci-9 ")
        terminal.keys("s")
        terminal.wait(r"sort: name")
        terminal.keys("q")
        terminal.wait(r"^ready>$")
        terminal.keys("exit", "Enter")
        self.assert_restored(terminal, 0)


class WithoutTmux(Top):
    def run_top(self, *arguments, **environment):
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "LC_ALL": "C.UTF-8", **environment})

    def test_once_prints_a_picture(self):
        stub = self.serve()
        done = self.run_top("--once", "--frames", "4", "--interval", "100ms", COLUMNS="120")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(stub.polls, 3)
        self.assertRegex(done.stdout, r"(?m)^ web-17 .*↑ +▁▂▂▃ to 2 ")
        self.assertNotIn("\033", done.stdout)
        self.assertEqual(sum(line.startswith(" rt-plc") for line in done.stdout.splitlines()), 1)
        self.assertTrue(all(len(line) <= 120 for line in done.stdout.splitlines()))

    def test_an_empty_host(self):
        self.serve(lambda poll: {"/v1/host": fixture_host.host(0), "/v1/guests": {"guests": []}})
        self.assertIn("no guests: homenoded looks for them where homenode.conf(5) says", self.run_top("--once").stdout)

    def test_pressure_is_shown_where_it_is_told(self):
        host = {**fixture_host.host(0), "pressure": {"cpu": {"some_avg10": 4.25}, "memory": {"some_avg10": 0.5}}}
        self.serve(lambda poll: {**fixture_host.answers(0), "/v1/host": host})
        self.assertIn("pressure  CPU 4.2 %  memory 0.5 %", self.run_top("--once", COLUMNS="120").stdout)

    def test_what_cannot_be_is_refused_with_a_sentence(self):
        cases = [(2, "'0'", ["--frames", "0"]), (2, "'much'", ["--interval", "much"]), (2, "no arguments", ["web-17"]),
                 (2, "for programs", ["--json"]), (3, "cannot reach homenoded", ["--once"]), (3, "cannot reach homenoded", [])]
        for code, says, arguments in cases:
            done = self.run_top(*arguments)
            self.assertEqual(done.returncode, code, done)
            self.assertIn(says, done.stderr)
        self.serve()
        done = self.run_top()
        self.assertEqual(done.returncode, 1)
        self.assertIn("top needs a terminal; homenode top --once", done.stderr)

    def on_pty(self, *arguments, columns=80, rows=24, **environment):
        """homenode on a pty: its process and our end, both ended by the test's."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        process = subprocess.Popen(self.command(*arguments), stdin=theirs, stdout=theirs, stderr=theirs,
                                   start_new_session=True,
                                   env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", **environment})
        os.close(theirs)
        self.addCleanup(self.close_quietly, ours)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, ours

    @staticmethod
    def close_quietly(fd):
        with contextlib.suppress(OSError):
            os.close(fd)

    @staticmethod
    def read_for(ours, seconds):
        data, end = b"", time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([ours], [], [], left)[0]:
                try:
                    data += os.read(ours, 65536)
                except OSError:
                    break
        return data

    def test_an_unknown_terminal_is_named(self):
        self.serve()
        for name in ("no-such-terminal", "dumb"):
            # ncurses does not free what newterm() had when it fails
            process, ours = self.on_pty(TERM=name, ASAN_OPTIONS="exitcode=99:detect_leaks=0")
            text = self.read_for(ours, 2 * SLOWER).decode()
            self.assertIn(f"TERM is '{name}'", text)
            self.assertEqual(process.wait(timeout=10), 1)

    def test_only_what_changed_is_sent(self):
        still = {path: json.dumps(document).encode() for path, document in fixture_host.answers(2).items()}
        stub = self.serve(lambda poll: still)
        _, ours = self.on_pty("--interval", "200ms")
        first = self.read_for(ours, 1.0 * SLOWER)
        self.assertGreater(len(first), 1500)
        before = stub.polls
        later = self.read_for(ours, 4.0 * SLOWER)
        self.assertGreaterEqual(stub.polls - before, 8)
        # a clock's digits each second, and at first a course's
        self.assertLess(len(later) / (4 * SLOWER), 200)
        print(f"{len(first)} bytes at first, {len(later) / 4 / SLOWER:.0f} a second then")

    def test_the_terminal_goes_away(self):
        self.serve()
        process, ours = self.on_pty()
        self.read_for(ours, 1)
        os.close(ours)
        self.assertIsNotNone(process.wait(timeout=10 * SLOWER))

    @unittest.skipUnless(PLAIN, "measures CPU time")
    def test_cost_grows_with_the_guests_and_no_faster(self):
        """CPU of a poll of 1600 guests against one of 400: four times as much, and sixteen if any were looked for in all.

        Both are shown at the same time and of each the cheapest polls count, so that a slow machine is slow for both.
        """
        few, many = self.crowd(400), self.crowd(1600)
        costs = {few: [], many: []}
        for _ in range(5):
            for crowd in (few, many):
                costs[crowd].append(crowd.cost_of_polls(4))
        few_ms, many_ms = min(costs[few]), min(costs[many])
        print(f"a poll costs {few_ms:.1f} ms of CPU with 400 guests, {many_ms:.1f} ms with 1600")
        for crowd in (few, many):
            os.write(crowd.ours, b"\033OF")
            # "400 of 400", of which the first is new
            self.assertIn(str(crowd.guests).encode(), self.read_for(crowd.ours, 2))
            os.write(crowd.ours, b"q")
            self.read_for(crowd.ours, 1)
            self.assertEqual(crowd.process.wait(timeout=30), 0)
        self.assertLess(many_ms / few_ms, 9)

    def crowd(self, guests):
        self.socket = os.path.join(self.folder, f"{guests}.sock")
        still = {path: json.dumps(document).encode() for path, document in fixture_host.answers(0, guests).items()}
        stub = self.serve(lambda poll: still)
        process, ours = self.on_pty("--interval", "200ms", columns=120, rows=40)
        crowd = Crowd(guests, stub, process, ours, self.read_for)
        crowd.cost_of_polls(3)
        return crowd


class Crowd:
    """A top that shows so many guests: its server, its process and our end of its terminal."""

    def __init__(self, guests, stub, process, ours, read_for):
        self.guests, self.stub, self.process, self.ours, self.read_for = guests, stub, process, ours, read_for

    def cpu_ms(self):
        threads = pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text(encoding="ascii").split()[0]) for thread in threads) / 1e6

    def cost_of_polls(self, count):
        """CPU time of each of the next polls, so many or a few more."""
        polls, cpu, end = self.stub.polls, self.cpu_ms(), time.monotonic() + 60
        while self.stub.polls < polls + count:
            if time.monotonic() > end:
                raise AssertionError(f"no poll within a minute with {self.guests} guests")
            self.read_for(self.ours, 0.05)
        return (self.cpu_ms() - cpu) / (self.stub.polls - polls)


class WithTheDaemon(HostTest):
    """What the real daemon writes is understood, too."""

    @needs_qemu
    def test_a_guest_of_two_cells(self):
        self.host.start()
        self.assertIn("no guests", self.host.cli("top", "--once").stdout)
        self.host.qemu("web")
        report = self.host.wait_guest("web", lambda r: r["plan"] and r["locality"], "is looked at")
        done = self.host.cli("top", "--once")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        local = round(100 * report["locality"]["value"])
        self.assertRegex(done.stdout, rf"(?m)^ web +\w+ obs sha \[[#-]+\] +[<>]?{local}\b.* %")
        self.assertRegex(done.stdout, r"(?m)^   cell 1 vCPU 2-3 .* 64 MiB$")
        self.stop_cleanly()


if __name__ == "__main__":
    unittest.main()
