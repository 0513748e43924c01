"""What programs do that are built without libvirt, ncurses or systemd (HOMENODE_ABSENT), and what is built and installed then."""

import contextlib
import json
import os
import pathlib
import pty
import re
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))

from harness import BUILD, SLOWER, Host  # noqa: E402

ABSENT = os.environ["HOMENODE_ABSENT"].split()
PROGRAMS = ("cli/homenode", "daemon/homenoded", "daemon/homenode-host", "fleet/homenode-fleetd")
# the libraries of a feature, and the programs that need one of them
LIBRARIES = {
    "libvirt": (r"libvirt(-qemu)?\.so", {"daemon/homenoded"}),
    "ncurses": (r"lib(ncurses|tinfo)\w*\.so", {"cli/homenode"}),
    "systemd": (r"libsystemd\.so", {"daemon/homenoded", "fleet/homenode-fleetd"}),
}


def is_absent(feature):
    return feature in ABSENT


def needed(program):
    text = subprocess.run(["readelf", "-d", f"{BUILD}/{program}"], capture_output=True, text=True, check=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", text)


def installed():
    """Names of the files that meson installs."""
    text = subprocess.run(["meson", "introspect", "--installed", BUILD], capture_output=True, text=True, check=True).stdout
    return {os.path.basename(path) for path in json.loads(text).values()}


class Built(unittest.TestCase):
    def test_libraries(self):
        for feature, (pattern, users) in LIBRARIES.items():
            found = {program for program in PROGRAMS if any(re.match(pattern, name) for name in needed(program))}
            self.assertEqual(found, set() if is_absent(feature) else users, feature)

    def test_what_is_installed(self):
        names = installed()
        self.assertIn("homenoded", names)
        for name in ("homenoded.service", "homenode-host.socket", "homenode-host@.service", "homenode-fleetd.service"):
            self.assertEqual(name in names, not is_absent("systemd"), name)
        self.assertEqual("homenoded.8" in names, not is_absent("docs"))

    def test_the_benchmark_with_glpk(self):
        self.assertEqual(os.path.exists(f"{BUILD}/bench/bench-quality"), not is_absent("glpk"))


class Running(unittest.TestCase):
    def setUp(self):
        self.host = Host(libvirt="" if is_absent("libvirt") else "uri = none\n")
        self.addCleanup(self.host.close)

    def homenode(self, *arguments, **options):
        return subprocess.run([f"{BUILD}/cli/homenode", "--socket", self.host.api, *arguments], text=True, timeout=60 * SLOWER,
                              check=False, **options)

    def test_systemd_is_told(self):
        path = os.path.join(self.host.folder, "notify")
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listener:
            listener.bind(path)
            listener.settimeout(30 * SLOWER)
            os.environ["NOTIFY_SOCKET"] = path
            self.addCleanup(os.environ.pop, "NOTIFY_SOCKET")
            self.host.start()
            # it has answered by now, and would have told before
            if is_absent("systemd"):
                listener.setblocking(False)
                self.assertRaises(BlockingIOError, listener.recv, 100)
            else:
                self.assertEqual(listener.recv(100), b"READY=1")
            self.assertEqual(self.host.stop(), 0)

    def test_libvirt_is_done_without(self):
        self.host.start()
        self.assertEqual(self.host.log().count("built without libvirt"), 1 if is_absent("libvirt") else 0)
        self.assertEqual(self.host.call("GET", "/v1/guests")[0], 200)
        self.assertEqual(self.host.stop(), 0)

    def test_top(self):
        self.host.start()
        once = self.homenode("top", "--once", capture_output=True)
        self.assertEqual((once.returncode, once.stderr), (0, ""))
        outer, inner = pty.openpty()
        self.addCleanup(os.close, outer)
        self.addCleanup(os.close, inner)
        full = self.homenode("top", "--frames", "1", stdin=inner, stdout=inner, stderr=subprocess.PIPE,
                             env={**os.environ, "TERM": "xterm"})
        if is_absent("ncurses"):
            self.assertEqual(full.returncode, 1)
            self.assertRegex(full.stderr, r"without ncurses.*homenode top --once")
        else:
            self.assertEqual((full.returncode, full.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
