"""What the kernel of this machine tells equals what homenoded says it does: pressure, counters, KVM's statistics."""

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import unittest

import api_stub
import fixture_host
from harness import BUILD, QEMU, HostTest, UnixConnection, needs_qemu, wait_for

CGROUP2 = next((line.split()[1] for line in open("/proc/mounts", encoding="utf-8") if line.split()[2] == "cgroup2"), None)
KVM = ("exits", "pf_taken", "pf_fixed", "remote_tlb_flush", "pages_4k", "pages_2m", "pages_1g")
VMSTAT = {
    "homenode_host_swap_pages_total{direction=\"out\"}": "pswpout",
    "homenode_kernel_balancing_updates_total": "numa_pte_updates",
    "homenode_kernel_balancing_moved_pages_total": "numa_pages_migrated",
    "homenode_host_migrated_pages_total{outcome=\"moved\"}": "pgmigrate_success",
}


def words(path):
    with open(path, encoding="utf-8") as file:
        return dict(line.split() for line in file)


def psi(path):
    """{"some": {"avg10": ..., "total": ...}, ...}, or None where the kernel tells none."""
    with contextlib.suppress(OSError), open(path, encoding="utf-8") as file:
        return {line.split()[0]: {key: float(value) for key, value in (part.split("=") for part in line.split()[1:])}
                for line in file}
    return None


def removed(group):
    """An empty group can be removed."""
    with contextlib.suppress(OSError):
        os.rmdir(group)
    return not os.path.exists(group)


def can_mount_debugfs():
    return os.geteuid() == 0 and subprocess.run(
        ["unshare", "-m", "mount", "-t", "debugfs", "none", "/sys/kernel/debug"], capture_output=True, check=False
    ).returncode == 0


class Evidence(HostTest):
    def metrics(self):
        with contextlib.closing(UnixConnection(self.host.api)) as connection:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))

    def host_with_rates(self):
        def told():
            host = self.host.call("GET", "/v1/host")[1]
            return host if host.get("over_ns") else None

        return wait_for("two readings of the host", told)

    def between(self, name, read):
        """A metric that only grows lies between what is read by hand before and after it."""
        before = read()
        value, = wait_for(f"{name} is read again",
                          lambda: [value for value in [float(self.metrics()[name])] if value >= before])
        self.assertLessEqual(value, read(), name)

    def test_counters_are_the_kernels(self):
        self.host.start()
        self.host_with_rates()
        for node in sorted(os.listdir("/sys/devices/system/node")):
            if not re.fullmatch(r"node\d+", node):
                continue
            path = f"/sys/devices/system/node/{node}/numastat"
            for event in words(path):
                self.between(f'homenode_node_allocations_total{{node="{node[4:]}",event="{event}"}}',
                             lambda path=path, event=event: int(words(path)[event]))
        told = self.metrics()
        for name, key in VMSTAT.items():
            if key in words("/proc/vmstat"):
                self.between(name, lambda key=key: int(words("/proc/vmstat")[key]))
            else:
                self.assertNotIn(name, told)
        self.stop_cleanly()

    def test_pressure_is_the_kernels(self):
        self.host.start()
        pressure = self.host_with_rates()["pressure"]
        for resource in ("cpu", "memory", "io"):
            path = f"/proc/pressure/{resource}"
            known = psi(path)
            if known is None:
                self.assertIsNone(pressure[resource])
                continue
            for which, tasks in (("some", "some"), ("full", "all")):
                name = f'homenode_host_pressure_seconds_total{{resource="{resource}",tasks="{tasks}"}}'
                if which not in known:
                    self.assertIsNone(pressure[resource][f"{which}_avg10"])
                    self.assertNotIn(name, self.metrics())
                    continue
                self.assertGreaterEqual(pressure[resource][f"{which}_avg10"], 0)
                self.assertLessEqual(pressure[resource][f"{which}_avg10"], 100)
                self.between(name, lambda path=path, which=which: psi(path)[which]["total"] / 1e6)
        self.stop_cleanly()

    def test_rates_are_shown(self):
        self.host.start()
        host = self.host_with_rates()
        families = [rates["family"] for rates in host["rates"]]
        self.assertEqual(families, ["kernel"] + ["node"] * len(host["nodes"]))
        self.assertEqual([rates["node"] for rates in host["rates"][1:]], [node["id"] for node in host["nodes"]])
        self.assertEqual(host["refused"], "")
        shown = self.host.cli("host").stdout
        self.assertIn("kernel   swap-in ", shown)
        self.assertIn("MISSES/S", shown)
        self.assertEqual("pressure CPU" in shown, psi("/proc/pressure/cpu") is not None)
        self.stop_cleanly()

    @needs_qemu
    def test_of_an_emulated_guest_nothing_is_made_up(self):
        self.host.start()
        self.host.qemu("web")
        report = self.host.wait_guest("web", lambda report: report["sample"] and report["activity"]["over_ns"],
                                      "was looked at twice")
        for rates in report["activity"]["rates"]:
            self.assertEqual({value for key, value in rates.items() if key not in ("family", "node")}, {None})
        self.assertNotIn("KVM ", self.host.cli("show", "web").stdout)
        self.assertNotIn("Traffic", self.host.cli("show", "web").stdout)
        self.stop_cleanly()

    def start_kvm(self, name):
        process = subprocess.Popen(
            [QEMU, "-name", f"guest={name},debug-threads=on", "-accel", "kvm", "-display", "none", "-nodefaults",
             "-m", "64M", "-qmp", f"unix:{self.host.socket_path(name)},server=on,wait=off"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.host.processes.append(process)
        return process

    @needs_qemu
    @unittest.skipUnless(os.access("/dev/kvm", os.R_OK | os.W_OK), "there is no KVM")
    @unittest.skipUnless(can_mount_debugfs(), "debugfs cannot be mounted")
    def test_kvms_statistics_are_those_of_the_guest(self):
        # the hands alone see a debugfs, wherever the machine has it or not
        hands = os.path.join(self.host.folder, "hands")
        with open(hands, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nexec unshare -m sh -c 'mount -t debugfs none /sys/kernel/debug && "
                       f"exec {BUILD}/daemon/homenode-host'\n")
        os.chmod(hands, 0o755)
        self.host.start("--hands", hands)
        guest = self.start_kvm("fast")
        self.start_kvm("other")

        self.host.wait_guest("fast", lambda report: report["activity"] and report["activity"]["over_ns"], "was looked at twice")
        # held, it does nothing more and its pages stay as they are: they can be compared
        guest.send_signal(signal.SIGSTOP)
        # a locked-down kernel shows no counter that could be reset
        shown = subprocess.run(
            ["unshare", "-m", "sh", "-c", "mount -t debugfs none /sys/kernel/debug && cd /sys/kernel/debug/kvm/"
             f"{guest.pid}-* && for name in {' '.join(KVM)}; do echo $name $(cat $name 2>/dev/null); done"],
            capture_output=True, text=True, check=True).stdout
        expected = {line.split()[0]: int(line.split()[1]) if len(line.split()) == 2 else None for line in shown.splitlines()}
        self.assertIsNotNone(expected["pages_4k"])
        for name, value in expected.items():
            if not name.startswith("pages_") and value is not None:
                expected[name] = 0  # a second

        def as_expected():
            rates = self.host.guest("fast")["activity"]["rates"]
            return {"family": "kvm", "node": -1, **expected} in rates

        wait_for(f"KVM tells {expected}; now {self.host.guest('fast')['activity']}", as_expected)
        guest.send_signal(signal.SIGCONT)
        self.stop_cleanly()

    @needs_qemu
    @unittest.skipUnless(CGROUP2 and os.access(CGROUP2, os.W_OK) and os.geteuid() == 0, "no groups can be made")
    def test_a_guests_own_group_tells_its_pressure(self):
        group = os.path.join(CGROUP2, f"homenode-test-{os.getpid()}")
        self.host.start()
        guest = self.host.qemu("web")
        os.mkdir(group)
        try:
            with open(os.path.join(group, "cgroup.procs"), "w", encoding="utf-8") as file:
                file.write(str(guest.pid))
            if psi(os.path.join(group, "cpu.pressure")) is None:
                self.skipTest("groups tell no pressure")
            before = psi(os.path.join(group, "cpu.pressure"))["some"]["total"] * 1000
            report = self.host.wait_guest(
                "web", lambda report: report["activity"] and report["activity"]["pressure"]["cpu"], "tells its pressure")
            told, = wait_for("it is read again", lambda: [
                ns for ns in [self.host.guest("web")["activity"]["pressure"]["cpu"]["some_ns"]] if ns >= before])
            self.assertLessEqual(told, psi(os.path.join(group, "cpu.pressure"))["some"]["total"] * 1000)
            self.assertEqual(report["activity"]["refused"], "")
            self.assertIn("Pressure   CPU ", self.host.cli("show", "web").stdout)
            self.stop_cleanly()
        finally:
            guest.kill()
            guest.wait()
            wait_for("the group is empty", lambda: removed(group))


def rates(family, node=-1, **values):
    return {"family": family, "node": node, **values}


class Shown(unittest.TestCase):
    """What homenode makes of answers that this machine cannot give."""

    def ask(self, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            stub = api_stub.Stub(os.path.join(folder, "s"), lambda poll: self.documents)
            stub.start()
            try:
                return subprocess.run([f"{BUILD}/cli/homenode", "--socket", stub.path, *arguments], capture_output=True,
                                      text=True, timeout=60, check=False)
            finally:
                stub.stop()

    def setUp(self):
        self.documents = fixture_host.answers(0)
        self.documents["/v1/host"].update({
            "pressure": {"cpu": {"some_avg10": 4.25, "some_ns": 5}, "memory": None, "io": None},
            "rates": [rates("kernel", pswpout=12, numa_hint_faults=400, numa_hint_faults_local=100)]
            + [rates("node", node, numa_miss=10 * node) for node in (1, 2)],
            "age_ns": 1, "over_ns": 10**10, "refused": "numa_hit of node 0 went backwards, from 2 to 1"})
        self.guest = next(report for report in self.documents["/v1/guests"]["guests"] if report["guest"]["name"] == "web-17")
        self.documents["/v1/guests/web-17"] = self.guest

    def test_the_host(self):
        done = self.ask("host")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("pressure CPU 4.2 %\nkernel   swap-out 12/s; hint faults 400/s, 25 % local\n"
                      "doubted  numa_hit of node 0 went backwards, from 2 to 1\n", done.stdout)
        heading, *lines = done.stdout.split("\n\n")[1].splitlines()
        end = heading.index("MISSES/S") + len("MISSES/S")
        self.assertEqual([line[:end].split()[-1] for line in lines[:4]], ["-", "10", "20", "-"])

    def test_a_guests_traffic(self):
        self.guest["activity"] = {
            "pressure": {"cpu": None, "memory": None, "io": None}, "age_ns": 1, "over_ns": 10**10, "refused": "",
            "rates": [rates("kvm", exits=1200), rates("bandwidth", mbm_total_bytes=4 * 2**30, mbm_local_bytes=3 * 2**30)]}
        self.guest["remote_cost"] = {"value": 0.05, "low": 0.04, "high": 0.06, "estimated": False}
        done = self.ask("show", "web-17")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("Traffic    4 GiB/s, 25 % of it with other nodes\n", done.stdout)
        self.assertIn("KVM        1200 exits/s\n", done.stdout)
        self.assertIn("(4.0 to 6.0 %, from its traffic as counted)", done.stdout)

    def test_what_is_no_activity_is_refused(self):
        self.documents["/v1/host"]["rates"][0]["pswpout"] = "many"
        done = self.ask("host")
        self.assertEqual(done.returncode, 1)
        self.assertIn("rates[0]: member 'pswpout'", done.stderr)


if __name__ == "__main__":
    unittest.main()
