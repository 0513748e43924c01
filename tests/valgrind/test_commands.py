"""Every subcommand of homenode under valgrind's memcheck: files, a real homenoded with a real guest, false pictures, a terminal.

An invalid access, a value that was never set, or a block that was lost fails with what memcheck says of it. What is still
reachable at the end is not looked at: libraries keep what they make once.
"""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

import api_stub  # noqa: E402
import fixture_host  # noqa: E402
from harness import BUILD, QEMU, Host, needs_qemu  # noqa: E402

FOUND = 99  # no exit code of homenode's
MEMCHECK = ["valgrind", "--quiet", f"--error-exitcode={FOUND}", "--leak-check=full", "--num-callers=24",
            f"--suppressions={HERE / 'suppressions'}"]
LIMIT = 300
ran = set()

DOMAIN = """<domain type='kvm'><name>web</name><memory unit='MiB'>64</memory><vcpu>2</vcpu>
<os><type arch='x86_64'>hvm</type></os><devices/></domain>"""


def homenode(*arguments):
    return [*MEMCHECK, f"{BUILD}/cli/homenode", *map(str, arguments)]


class Checked(unittest.TestCase):
    def run_checked(self, code, *arguments, stdin="", socket="/nonexistent/sock"):
        """homenode with those arguments ends with that exit code, and nothing is found."""
        done = subprocess.run(homenode("--socket", socket, *arguments), input=stdin, capture_output=True, text=True,
                              timeout=LIMIT, check=False)
        self.assertNotIn("\n==", "\n" + done.stderr, arguments)
        self.assertEqual(done.returncode, code, done)
        if code not in (2, 3):  # refused before it did anything
            ran.update(str(argument) for argument in arguments)
        return done

    def run_each(self, code, commands, socket="/nonexistent/sock"):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            runs = [pool.submit(self.run_checked, code, *arguments, socket=socket) for arguments in commands]
            for run in runs:
                run.result()


class Files(Checked):
    """What needs no homenoded."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="homenode-valgrind-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.host = self.write("host.json", json.dumps(fixture_host.host(0)))
        self.domain = self.write("web.xml", DOMAIN)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def test_help_and_what_is_not_understood(self):
        self.run_each(0, (("--help",), ("--version",), ("fit", "--help"), ("check", "--list")))
        self.run_each(2, ((), ("nonsense",), ("--nonsense",), ("--color", "blue", "host"), ("fit", "--vcpus", "x"), ("show",),
                          ("check", "--nonsense"), ("topology", "--format", "yaml"), ("simulate", "--ticks", "0"),
                          ("history", "--kind", "x", "web"), ("drain", "x"), ("window",), ("set",), ("events", "--since", "x"),
                          ("top", "--interval", "x"), ("watch", "--interval", "x"), ("replay",), ("xml",)))

    def test_nobody_at_home(self):
        self.run_each(3, (("host",), ("guests",), ("show", "web"), ("check",), ("events",), ("rebalance", "web"), ("drain", "0"),
                          ("xml", self.domain), ("set", "web", "mode=off"), ("explain", "web"), ("top", "--once")))

    def test_fit(self):
        for size in (("--vcpus", 2, "--memory", "1G", "--cells", 2), (self.domain,)):
            self.run_checked(0, "fit", "--host", self.host, *size)
            self.run_checked(0, "--json", "fit", "--host", self.host, *size)
        self.run_checked(6, "fit", "--host", self.host, "--vcpus", 2, "--memory", "900T")
        for wrong in (self.write("broken.json", '{"nodes": ['), self.folder, self.folder / "nothing"):
            self.run_checked(1, "fit", "--host", wrong, "--vcpus", 2, "--memory", "1G")

    def test_xml(self):
        for options in ((), ("--json",), ("--existing",), ("--anywhere", "--verbose")):
            self.run_checked(0, "xml", "--host", self.host, *options, self.domain)
        placed = self.run_checked(0, "xml", "--host", self.host, "-", stdin=DOMAIN).stdout
        self.assertIn("<numatune>", placed)
        self.run_checked(6, "xml", "--host", self.host, "-", stdin=DOMAIN.replace("MiB", "TiB"))
        fixtures = sorted((HERE.parent / "fixtures" / "xml").iterdir())
        self.assertGreater(len(fixtures), 3)
        for fixture in fixtures:
            # one is a domain, of more vCPUs than this host has CPUs
            self.run_checked(6 if fixture.name == "wide.xml" else 1, "xml", "--host", self.host, fixture)

    def test_topology(self):
        for form in ("json", "nrt", "placement", "hwloc"):
            done = self.run_checked(0, "topology", "--format", form, "--host", self.host)
        self.run_checked(0, "topology", "--host", self.write("host.xml", done.stdout))
        self.run_checked(1, "topology", "--host", self.write("cut.xml", done.stdout[: len(done.stdout) // 2]))

    def test_simulate(self):
        self.run_checked(0, "simulate", "--ticks", 40, "--load", "1.5", "--nodes", 2, "--cpus", 8)
        self.run_checked(0, "--json", "simulate", "--ticks", 4, "--all-policies", "--nodes", 2, "--cpus", 8)
        trace = self.folder / "trace.sqlite"
        subprocess.run([HERE.parent.parent / "tools" / "packing-trace", trace, "3", "300"], check=True)
        self.run_checked(0, "simulate", "--trace", trace, "--ticks", 30, "--load", "2")
        self.run_checked(1, "simulate", "--trace", self.domain)


class FalsePictures(Checked):
    """Four nodes and eight guests of which one moves, from an API that only answers."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="homenode-valgrind-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.socket = os.path.join(self.folder, "api.sock")
        stub = api_stub.Stub(self.socket, fixture_host.answers)
        stub.start()
        self.addCleanup(stub.stop)

    def test_tables(self):
        self.run_checked(0, "host", socket=self.socket)
        guests = fixture_host.answers()["/v1/guests"]["guests"]
        self.run_each(0, [("--color", colour, *arguments) for colour in ("always", "never")
                          for arguments in (("top", "--once"), ("guests",))], self.socket)
        self.run_each(0, [("show", guest["guest"]["name"]) for guest in guests], self.socket)
        self.run_checked(4, "show", "nobody", socket=self.socket)

    def test_top_in_a_terminal(self):
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ.update(TERM="xterm", LC_ALL="C.UTF-8", LINES="40", COLUMNS="120")
            command = homenode("--socket", self.socket, "top", "--interval", "300ms")
            os.execvp(command[0], command)
        shown, end, keys = b"", time.monotonic() + LIMIT, list("?q\n\tsj/we\nq")
        code = None
        while code is None and time.monotonic() < end:
            if select.select([terminal], [], [], 0.5)[0]:
                with contextlib.suppress(OSError):  # EIO: the other end is closed
                    shown += os.read(terminal, 65536)
            elif keys and b"web" in shown:
                os.write(terminal, keys.pop(0).encode())
            elif not keys:
                keys = ["\033", "q"]
            ended, status = os.waitpid(pid, os.WNOHANG)
            code = os.waitstatus_to_exitcode(status) if ended else None
        os.close(terminal)
        if code is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.assertEqual(code, 0, shown[-4000:].decode(errors="replace"))
        ran.add("top")


@needs_qemu
class WithAGuest(Checked):
    """A real homenoded and a real guest of two cells."""

    def test_all_that_is_asked_of_it(self):
        host = Host()
        self.addCleanup(host.close)
        host.start()
        host.qemu("web")
        host.wait_guest("web", lambda r: r["plan"] and r["locality"], "is decided on")
        self.ask(host)
        self.follow(host)

    def ask(self, host):
        snapshot = os.path.join(host.folder, "snapshot.json")
        with open(snapshot, "w", encoding="utf-8") as file:
            json.dump(host.call("GET", "/v1/snapshot")[1], file)
        nodes = len(host.call("GET", "/v1/host")[1]["nodes"])
        asked = (("host",), ("guests",), ("show", "web"), ("explain", "web"), ("history", "web"), ("rebalance", "--dry-run", "web"),
                 ("history", "--kind", "decisions", "web"), ("topology",), ("replay", snapshot), ("replay", "--now", snapshot, "web"),
                 ("fit", "--vcpus", 1, "--memory", "16M"), ("set", "web"))
        self.run_each(0, [(*form, *arguments) for arguments in asked for form in ((), ("--json",))], host.api)
        self.run_each(0, (("watch", "--timeout", "1s", "web"), ("window", "--for", "5s", "web"), ("undrain", 0)), host.api)
        # what is on the only node has nowhere to go
        self.run_checked(0 if nodes > 1 else 1, "drain", "--dry-run", 0, socket=host.api)
        self.run_each(1, [(command, "web") for command in ("pause", "resume", "cancel")], host.api)
        self.run_each(4, [(command, "nobody") for command in ("show", "explain", "rebalance", "window", "set", "watch")], host.api)
        worst = {"ok": 0, "note": 0, "cannot-tell": 0, "warning": 1, "fail": 2}
        for path, arguments in (("/v1/checks", ("check",)), ("/v1/guests/web/checks", ("check", "web"))):
            found = host.call("GET", path)[1]["checks"]
            self.run_checked(max(worst[check["verdict"]] for check in found), *arguments, socket=host.api)
        ran.add("check")

    def follow(self, host):
        """events, until homenoded ends."""
        command = homenode("--socket", host.api, "events", "--since", "0")
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as events:
            self.addCleanup(events.kill)
            self.assertIn("web", events.stdout.readline())
            self.assertEqual(host.stop(), 0)
            said = events.communicate(timeout=LIMIT)[1]
        self.assertNotIn("\n==", "\n" + said)
        self.assertEqual(events.returncode, 3, said)
        ran.add("events")


def tearDownModule():
    """No command is left out."""
    overview = subprocess.run([f"{BUILD}/cli/homenode", "--help"], capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"^  ([a-z]+) {2,}", overview, re.MULTILINE)
    if len(commands) < 20:
        raise AssertionError(f"--help tells of too few commands: {commands}")
    missing = set(commands) - ran
    if missing and len(sys.argv) == 1 and QEMU:
        raise AssertionError(f"never run under valgrind: {sorted(missing)}")


if __name__ == "__main__":
    if not shutil.which("valgrind"):
        print("skipped: valgrind is not installed")
        sys.exit(77)
    unittest.main()
