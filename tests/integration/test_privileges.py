"""homenoded without any rights, and homenode-host with them, started for each connection as systemd does it; the units."""

import glob
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import unittest

from harness import BUILD, PYTHON, FalseMonitor, Host, needs_qemu, wait_for

ACTIVATE = shutil.which("systemd-socket-activate")
NOBODY = pwd.getpwnam("nobody")
UNITS = {"homenoded.service": 2.5, "homenode-fleetd.service": 1.5}  # and how exposed each may be at most
needs_root = unittest.skipUnless(os.geteuid() == 0, "needs root")


@needs_qemu
@needs_root
@unittest.skipUnless(ACTIVATE, "systemd-socket-activate is not installed")
class Apart(unittest.TestCase):
    def setUp(self):
        self.host = Host()
        self.addCleanup(self.host.close)
        os.chown(self.host.folder, NOBODY.pw_uid, NOBODY.pw_gid)
        self.hands = os.path.join(self.host.folder, "hands.sock")
        self.listen()

    def listen(self):
        listener = subprocess.Popen([ACTIVATE, "--accept", "--listen", self.hands, f"{BUILD}/daemon/homenode-host"],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(listener.wait)
        self.addCleanup(listener.kill)
        wait_for("the hands' socket is there", lambda: os.path.exists(self.hands))
        os.chmod(self.hands, 0o666)
        return listener

    def start(self):
        log = open(self.host.log_path, "a", encoding="utf-8")
        self.addCleanup(log.close)
        self.host.daemon = subprocess.Popen(
            ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all",
             "--no-new-privs", f"{BUILD}/daemon/homenoded", "--config", self.host.config, "--hands", self.hands], stderr=log)
        wait_for("homenoded listens", lambda: self.host.daemon.poll() is not None or self.host.answers())

    def hands_of(self, listener):
        """The homenode-hosts that the listener has started."""
        children = []
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(path, encoding="ascii") as file:
                    fields = file.read().rsplit(")", 1)
            except OSError:
                continue
            if int(fields[1].split()[1]) == listener and "homenode-host" in fields[0]:
                children.append(int(path.split("/")[2]))
        return children

    def test_a_roots_guest_is_looked_at_by_one_without_rights(self):
        self.start()
        with open(f"/proc/{self.host.daemon.pid}/status", encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertEqual((status["Uid"].split()[0], int(status["CapEff"], 16), int(status["CapBnd"], 16)),
                         (str(NOBODY.pw_uid), 0, 0))
        process = self.host.qemu("web")
        report = self.host.wait_guest("web", lambda r: r["sample"] and r["locality"], "looked at")
        self.assertEqual(report["problem"], "")
        mode = os.stat(self.host.socket_path("web")).st_mode
        self.assertEqual((report["guest"]["pid"], mode & stat.S_IWOTH), (process.pid, 0))
        self.assertEqual(self.host.stop(), 0, self.host.log())

    def test_no_other_socket_is_opened_for_it(self):
        monitor = FalseMonitor(self.host.socket_path("trap"), lambda connection: connection.recv(4096))
        self.addCleanup(monitor.close)
        os.chmod(monitor.path, 0o600)
        self.start()
        self.host.wait_log("trap.qmp is not opened: process .*, which listens there, is no QEMU")
        self.assertEqual(self.host.stop(), 0, self.host.log())

    def test_hands_that_die_are_replaced(self):
        listener = self.listen_again()
        self.start()
        self.host.qemu("web")
        report = self.host.wait_guest("web", lambda r: r["sample"], "looked at")
        for pid in wait_for("there are hands", lambda: self.hands_of(listener.pid)):
            os.kill(pid, signal.SIGKILL)
        taken = report["sample"]["taken_ns"]
        self.host.wait_guest("web", lambda r: r["sample"] and r["sample"]["taken_ns"] > taken + 10**9, "looked at again")
        self.assertEqual(self.host.stop(), 0, self.host.log())
        wait_for("the hands end with their connection", lambda: not self.hands_of(listener.pid))

    def listen_again(self):
        os.unlink(self.hands)
        return self.listen()

    def test_a_strangers_socket_is_not_trusted(self):
        os.unlink(self.hands)
        stranger = subprocess.Popen(
            ["setpriv", "--reuid", "daemon", "--regid", "daemon", "--clear-groups", PYTHON, "-c",
             "import socket, time\ns = socket.socket(socket.AF_UNIX)\n"
             f"s.bind({os.path.join(self.host.folder, 'open', 'hands')!r})\ns.listen(9)\ntime.sleep(99)"],
            cwd=self.open_folder())
        self.addCleanup(stranger.wait)
        self.addCleanup(stranger.kill)
        self.hands = os.path.join(self.host.folder, "open", "hands")
        wait_for("the stranger listens", lambda: os.path.exists(self.hands))
        os.chmod(self.hands, 0o666)
        self.start()
        self.host.qemu("web")
        self.host.wait_log("belongs to a process of user .* who is not trusted")
        self.assertEqual(self.host.stop(), 0, self.host.log())

    def open_folder(self):
        folder = os.path.join(self.host.folder, "open")
        os.mkdir(folder)
        os.chmod(self.host.folder, 0o755)
        os.chmod(folder, 0o777)
        return folder


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
class Units(unittest.TestCase):
    def test_they_expose_little(self):
        for unit, most in UNITS.items():
            path = os.path.join(BUILD, "data", unit)
            done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                                   f"--threshold={round(most * 10)}", path],
                                  capture_output=True, text=True, timeout=60, check=False)
            overall = [line for line in done.stdout.splitlines() if "Overall" in line]
            self.assertEqual(done.returncode, 0, overall or done.stderr)

    def test_systemd_has_nothing_to_say(self):
        with tempfile.TemporaryDirectory(prefix="homenode-test-") as folder:
            for unit in (*UNITS, "homenode-host.socket", "homenode-host@.service"):
                # systemd looks whether the program is there, which it is only once all is installed
                text = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", self.read(unit))
                with open(os.path.join(folder, unit), "w", encoding="utf-8") as file:
                    file.write(text)
            for unit in UNITS:
                done = subprocess.run(["systemd-analyze", "verify", "--man=no", os.path.join(folder, unit)],
                                      capture_output=True, text=True, timeout=60, check=False)
                # of other units that are installed here it may say this and that
                said = [line for line in done.stderr.splitlines() if "homenode" in line]
                self.assertEqual(said, [])

    def test_they_are_started_again_for_ever(self):
        """By default systemd gives up after five starts in ten seconds, which at boot are over before the network is there."""
        for unit in UNITS:
            text = self.read(unit)
            sections = dict(re.findall(r"(?ms)^\[(\w+)\]\n(.*?)(?=^\[|\Z)", text))
            self.assertRegex(sections["Unit"], r"(?m)^StartLimitIntervalSec=0$", unit)
            self.assertRegex(sections["Service"], r"(?m)^Restart=on-failure$", unit)
            # but what only its operator can mend is not tried each second: exit statuses of the man pages
            self.assertRegex(sections["Service"], r"(?m)^RestartPreventExitStatus=2( 3)?$", unit)
            # and a reload does not end it
            self.assertRegex(sections["Service"], r"(?m)^ExecReload=/bin/kill -HUP \$MAINPID$", unit)

    def read(self, unit):
        with open(os.path.join(BUILD, "data", unit), encoding="utf-8") as file:
            return file.read()


if __name__ == "__main__":
    unittest.main()
