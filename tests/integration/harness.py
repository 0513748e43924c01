"""What the integration tests share: a homenoded of their own in a temporary folder, real QEMUs, and false ones.

The programs under test come from HOMENODE_BUILD. Every wait has a limit and says what it waited for.
"""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from contract import CONTRACT

BUILD = os.environ.get("HOMENODE_BUILD", "build/main")
QEMU = shutil.which("qemu-system-x86_64")
# For children that run as somebody else: a python that comes first on root's PATH may be in a folder of root's own.
PYTHON = shutil.which("python3", path="/usr/bin:/bin") or "python3"
SLOWER = float(os.environ.get("HOMENODE_TEST_SLOWER", "1"))  # a sanitizer build takes its time


def in_chroot():
    """Where entering our own mount namespace leads to another root, and libvirt can give no guest a /dev of its own."""
    there = subprocess.run(["nsenter", "--mount=/proc/self/ns/mnt", "stat", "-c", "%d:%i", "/"], capture_output=True,
                           text=True, check=False)
    here = os.stat("/")
    return there.returncode == 0 and there.stdout.strip() != f"{here.st_dev}:{here.st_ino}"


def wait_for(what, condition, limit=15):
    """The condition's first true value; fails with the sentence when there is none within the limit."""
    end = time.monotonic() + limit * SLOWER
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {limit * SLOWER:.0f} s in vain: {what}")


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=10):
        super().__init__("homenoded", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Host:
    """A temporary folder with a configuration, a daemon and guests in it."""

    def __init__(self, mode="observe", tick="200ms", extra="", libvirt="uri = none\n"):
        self.folder = tempfile.mkdtemp(prefix="homenode-test-")
        self.sockets = os.path.join(self.folder, "qmp")
        self.api = os.path.join(self.folder, "run", "homenode.sock")
        self.config = os.path.join(self.folder, "homenode.conf")
        self.history = os.path.join(self.folder, "state", "history.db")
        self.log_path = os.path.join(self.folder, "log")
        self.daemon = None
        self.processes = []
        os.mkdir(self.sockets)
        self.write_config(
            f"[homenoded]\nsocket = {self.api}\nlog_level = debug\n[guests]\nfolders = {self.sockets}\n"
            f"mode = {mode}\n[libvirt]\n{libvirt}[store]\npath = {self.history}\n[sampling]\ntick = {tick}\n"
            f"cpu_budget = none\nguest_cpu_budget = none\n{extra}"
        )

    def write_config(self, text):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text)

    def start(self, *arguments):
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.daemon = subprocess.Popen(
                [f"{BUILD}/daemon/homenoded", "--config", self.config, *arguments], stderr=log
            )
        wait_for("homenoded listens", lambda: self.daemon.poll() is not None or self.answers())

    def answers(self):
        with contextlib.suppress(OSError):
            return self.call("GET", "/v1/host")[0] == 200
        return False

    def stop(self):
        """Ends the daemon politely and returns its exit code; a sanitizer's finding makes that nonzero."""
        if self.daemon is None:
            return None
        self.daemon.send_signal(signal.SIGTERM)
        code = self.daemon.wait(timeout=20 * SLOWER)
        self.daemon = None
        return code

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()
        if self.daemon is not None:
            self.daemon.kill()
            self.daemon.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_log(self, pattern, limit=15):
        return wait_for(f"the log says {pattern!r}; it says:\n{self.log()}", lambda: re.search(pattern, self.log()), limit)

    def call(self, method, path, body=None, headers=None):
        return self.exchange(method, path, body, headers)[:2]

    def exchange(self, method, path, body=None, headers=None, connection=None):
        """(status, JSON or text or None, headers); the answer is one that openapi.yaml tells of."""
        with contextlib.closing(connection or UnixConnection(self.api)) as channel:
            channel.request(method, path, body=json.dumps(body) if isinstance(body, dict) else body, headers=headers or {})
            response = channel.getresponse()
            text = response.read()
        media = response.headers.get("Content-Type", "")
        value = (json.loads(text) if "json" in media else text.decode()) if text else None
        CONTRACT.check(method, path, response.status, media, value)
        return response.status, value, response.headers

    def connect(self):
        """A raw connection to the API."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(10 * SLOWER)
        connection.connect(self.api)
        return connection

    def guests(self):
        return {item["guest"]["name"]: item for item in self.call("GET", "/v1/guests")[1]["guests"]}

    def guest(self, name):
        return self.guests().get(name)

    def wait_guest(self, name, condition, what, limit=15):
        def met():
            report = self.guest(name)
            return report if report and condition(report) else None

        return wait_for(f"guest {name}: {what}; log:\n{self.log()[-2000:]}", met, limit)

    def cli(self, *arguments):
        return subprocess.run(
            [f"{BUILD}/cli/homenode", "--socket", self.api, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def socket_path(self, name):
        return os.path.join(self.sockets, f"{name}.qmp")

    def qemu(self, name, *arguments, file_name=None):
        """A stopped guest of two cells, in software, unless arguments say otherwise. It costs next to nothing."""
        control = os.path.join(self.folder, f"{name}.ctl")
        layout = arguments or (
            *("-smp", "4", "-m", "128M"),
            *("-object", "memory-backend-ram,id=ram-node0,size=64M,prealloc=on"),
            *("-object", "memory-backend-ram,id=ram-node1,size=64M"),
            *("-numa", "node,nodeid=0,memdev=ram-node0,cpus=0-1"),
            *("-numa", "node,nodeid=1,memdev=ram-node1,cpus=2-3"),
        )
        process = subprocess.Popen(
            [
                *(QEMU, "-name", f"guest={name},debug-threads=on", "-accel", "tcg,thread=multi", "-S"),
                *("-display", "none", "-nodefaults", "-net", "none"),
                *("-qmp", f"unix:{self.socket_path(file_name or name)},server=on,wait=off"),
                *("-qmp", f"unix:{control},server=on,wait=off"),
                *layout,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        wait_for(f"QEMU {name} listens", lambda: os.path.exists(control))
        return process

    def qmp(self, name, command, **arguments):
        """One command on the test's own monitor."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as monitor:
            monitor.settimeout(10)
            monitor.connect(os.path.join(self.folder, f"{name}.ctl"))
            stream = monitor.makefile("rw")
            stream.readline()
            answers = []
            for request in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                stream.write(json.dumps(request) + "\n")
                stream.flush()
                while True:
                    answer = json.loads(stream.readline())
                    if "return" in answer or "error" in answer:
                        break
                answers.append(answer)
            return answers[-1]


class FalseMonitor:
    """A socket in the watched folder that does to whoever connects what its function says."""

    def __init__(self, path, behave):
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.server.bind(path)
        self.server.listen(8)
        self.path = path
        self.connections = 0
        self.behave = behave
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            self.connections += 1
            with connection, contextlib.suppress(OSError):
                connection.settimeout(30)
                self.behave(connection)

    def close(self):
        # close() alone would leave the accept waiting
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        with contextlib.suppress(OSError):
            os.unlink(self.path)


class HostTest(unittest.TestCase):
    """A test with a host of its own."""

    mode, tick, extra = "observe", "200ms", ""

    def setUp(self):
        self.host = Host(self.mode, self.tick, self.extra)
        self.addCleanup(self.host.close)

    def stop_cleanly(self):
        self.assertEqual(self.host.stop(), 0, self.host.log()[-4000:])


needs_qemu = unittest.skipUnless(QEMU, "qemu-system-x86_64 is not installed")
