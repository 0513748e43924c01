"""homenode check: what the daemon and its hands find on this machine, held against the machine's own files."""

import json
import os
import subprocess
import unittest

from harness import BUILD, HostTest, needs_qemu, wait_for

VERDICTS = ("ok", "note", "warning", "fail", "cannot-tell")


def first_line(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.readline().strip()
    except OSError:
        return None


class Check(HostTest):
    extra = "[libvirt]\nuri = none\n"

    def checks(self):
        status, answer = self.host.call("GET", "/v1/checks")
        self.assertEqual(status, 200, answer)
        return {check["name"]: check for check in answer["checks"]}

    def test_what_the_machine_says(self):
        self.host.start()
        checks = self.checks()
        listed = subprocess.run([f"{BUILD}/cli/homenode", "check", "--list"], capture_output=True, text=True, check=True)
        names = [line.split("`")[1] for line in listed.stdout.splitlines() if line.startswith("| `")]
        self.assertEqual(list(checks), names[: len(checks)], "the rest is looked at for guests")
        self.assertEqual(names[len(checks)], "vcpu-cores")
        for check in checks.values():
            self.assertIn(check["verdict"], VERDICTS)
            self.assertTrue(check["found"] and check["why"], check)
            if check["verdict"] == "ok":
                self.assertEqual(check["remedy"], "", check)
        balancing = first_line("/proc/sys/kernel/numa_balancing")
        self.assertEqual(checks["kernel-balancing"]["verdict"], "ok" if balancing in (None, "0") else "warning")
        self.assertIn(os.uname().release[:60], checks["kernel"]["found"])
        nodes = len(self.host.call("GET", "/v1/host")[1]["nodes"])
        if nodes == 1:
            self.assertEqual(checks["nodes"]["verdict"], "note")
        if os.geteuid() == 0 and first_line("/proc/self/uid_map").split()[2] == "4294967295":
            self.assertEqual(checks["rights"]["verdict"], "ok", checks["rights"])
        self.stop_cleanly()

    def test_exit_codes_and_choices(self):
        self.host.start()
        checks = self.checks()
        code = {"ok": 0, "note": 0, "cannot-tell": 0, "warning": 1, "fail": 2}
        answer = self.host.cli("check", "--json")
        found = json.loads(answer.stdout)["checks"]
        self.assertEqual(answer.returncode, max(code[check["verdict"]] for check in found), answer)
        answer = self.host.cli("check")
        for name in checks:
            self.assertIn(f"\n{name} ", answer.stdout)
        for name in checks:
            answer = self.host.cli("check", "--json", name)
            (check,) = json.loads(answer.stdout)["checks"]
            self.assertEqual(check["name"], name)
            # not held against the answer before: other QEMUs come and go on this machine
            self.assertEqual(answer.returncode, code[check["verdict"]], answer)
        answer = self.host.cli("check", "nonsense")
        self.assertEqual((answer.returncode, answer.stdout), (4, ""))
        self.assertIn("neither a check nor a guest", answer.stderr)
        answer = self.host.cli("check", "--guest", "nobody")
        self.assertEqual((answer.returncode, answer.stdout), (4, ""))
        self.assertIn("'nobody'", answer.stderr)
        self.assertEqual(self.host.cli("check", "--nonsense").returncode, 2)
        self.assertEqual(self.host.call("POST", "/v1/checks")[0], 405)
        self.stop_cleanly()
        answer = self.host.cli("check")
        self.assertEqual(answer.returncode, 3)
        self.assertIn("systemctl start homenoded", answer.stderr)

    @needs_qemu
    def test_a_stranger_and_a_guest(self):
        self.host.start()
        guest = self.host.qemu("tame")
        self.host.wait_guest("tame", lambda report: report["sample"], "is looked at")
        stray = self.host.qemu("stray", file_name="../elsewhere")
        found = wait_for(
            "the stray is seen", lambda: "stray" in (check := self.checks()["strangers"])["found"] and check, limit=30
        )
        self.assertEqual(found["verdict"], "warning")
        self.assertIn(f"stray pid {stray.pid}", found["found"])
        self.assertNotIn(f"pid {guest.pid}", found["found"])
        self.assertIn(self.host.sockets, found["remedy"])
        self.assertEqual(self.checks()["qemu-version"]["verdict"], "ok")
        self.stop_cleanly()

    def test_clients_that_do_not_wait(self):
        """A client that hangs up before the hands have answered costs nothing."""
        self.host.start()
        for _ in range(50):
            connection = self.host.connect()
            connection.sendall(b"GET /v1/checks HTTP/1.1\r\nHost: x\r\n\r\n")
            connection.close()
        self.assertEqual(self.checks()["numa-support"]["name"], "numa-support")
        connection = self.host.connect()
        connection.sendall(b"GET /v1/checks HTTP/1.1\r\nHost: x\r\n\r\n")
        self.stop_cleanly()
        connection.close()


if __name__ == "__main__":
    unittest.main()
