"""Real QEMUs under a real homenoded: a guest's whole life, as far as one machine without NUMA shows it."""

import os
import signal
import time
import unittest

from harness import HostTest, UnixConnection, needs_qemu, wait_for


def hands_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


@needs_qemu
class Life(HostTest):
    def test_a_guest_is_known_by_cells_threads_and_memory(self):
        self.host.start()
        process = self.host.qemu("web")
        report = self.host.wait_guest("web", lambda r: r["sample"], "looked at")
        guest = report["guest"]
        self.assertEqual(guest["pid"], process.pid)
        self.assertEqual([(c["id"], c["memory_bytes"], c["vcpus"]) for c in guest["cells"]],
                         [(0, 64 << 20, "0-1"), (1, 64 << 20, "2-3")])
        tasks = {int(tid) for tid in os.listdir(f"/proc/{process.pid}/task")}
        vcpus = [t for t in guest["threads"] if t["kind"] == "vcpu"]
        self.assertEqual([t["vcpu"] for t in vcpus], [0, 1, 2, 3])
        for thread in vcpus:
            with open(f"/proc/{process.pid}/task/{thread['tid']}/comm", encoding="ascii") as file:
                self.assertEqual(file.read().strip(), f"CPU {thread['vcpu']}/TCG")
        self.assertTrue({t["tid"] for t in guest["threads"]} <= tasks)
        # the first cell is preallocated, the second never touched: QEMU 7.2 writes nothing into a stopped guest's RAM
        # beyond firmware and boot tables
        cells = report["sample"]["cells"]
        self.assertEqual(cells[0]["absent"], 0)
        self.assertGreater(cells[1]["absent"], cells[1]["sampled"] // 2)
        self.stop_cleanly()

    def test_a_guest_without_vnuma_is_one_cell(self):
        self.host.start()
        self.host.qemu("plain", "-smp", "2", "-m", "64M")
        guest = self.host.wait_guest("plain", lambda r: r["sample"], "looked at")["guest"]
        self.assertEqual([(c["id"], c["memory_bytes"], c["vcpus"]) for c in guest["cells"]], [(0, 64 << 20, "0-1")])
        self.stop_cleanly()

    def test_pause_resume_and_hotplug_are_followed(self):
        self.host.start()
        self.host.qemu("grow", "-smp", "1,maxcpus=2", "-m", "64M,slots=2,maxmem=1G")
        self.host.wait_guest("grow", lambda r: r["guest"]["state"] == "paused", "seen paused")
        self.host.qmp("grow", "cont")
        self.host.wait_guest("grow", lambda r: r["guest"]["state"] == "running", "seen running")
        self.host.qmp("grow", "stop")
        self.host.wait_guest("grow", lambda r: r["guest"]["state"] == "paused", "seen paused again")
        self.host.qmp("grow", "object-add", **{"qom-type": "memory-backend-ram", "id": "dimm0", "size": 128 << 20})
        self.host.qmp("grow", "device_add", driver="pc-dimm", id="d0", memdev="dimm0")
        report = self.host.wait_guest(
            "grow", lambda r: r["sample"] and sum(c["memory_bytes"] for c in r["guest"]["cells"]) == 192 << 20,
            "seen with its DIMM", 30)
        self.assertIn("dimm0", [b["id"] for b in report["guest"]["backends"]])
        self.stop_cleanly()

    def test_a_guest_that_dies_is_said_to_and_another_takes_its_socket(self):
        self.host.start()
        process = self.host.qemu("web")
        self.host.wait_guest("web", lambda r: r["sample"], "looked at")
        process.kill()
        process.wait()
        self.host.wait_guest("web", lambda r: r["problem"] and r["guest"]["pid"] == 0, "seen dead")
        os.unlink(self.host.socket_path("web"))
        wait_for("the guest is forgotten", lambda: self.host.guest("web") is None)
        again = self.host.qemu("web")
        self.host.wait_guest("web", lambda r: r["guest"]["pid"] == again.pid and r["sample"], "looked at again")
        self.stop_cleanly()

    def test_a_socket_replaced_at_once_is_another_guest(self):
        self.host.start()
        process = self.host.qemu("web")
        self.host.wait_guest("web", lambda r: r["sample"], "looked at")
        process.kill()
        process.wait()
        again = self.host.qemu("web")  # QEMU replaces the socket itself
        self.host.wait_guest("web", lambda r: r["guest"]["pid"] == again.pid and r["sample"], "looked at again")
        self.stop_cleanly()

    def test_two_guests_of_one_name_are_told_apart(self):
        self.host.start()
        self.host.qemu("twin", file_name="one")
        self.host.wait_guest("twin", lambda r: r["sample"], "looked at")
        self.host.qemu("twin", file_name="two")
        self.host.wait_guest("two", lambda r: r["sample"], "looked at under its socket's name")
        self.host.wait_log("the name 'twin' belongs to the guest at")
        self.stop_cleanly()

    def test_many_guests_come_and_go(self):
        self.host.start()
        processes = [self.host.qemu(f"g{i}", "-m", "16M") for i in range(6)]
        wait_for("all are looked at", lambda: sum(1 for r in self.host.guests().values() if r["sample"]) == 6, 30)
        for process in processes[:3]:
            process.kill()
            process.wait()
        wait_for("half are seen dead",
                 lambda: sum(1 for r in self.host.guests().values() if r["guest"]["pid"] == 0) == 3)
        self.stop_cleanly()

    def test_hands_that_die_are_replaced(self):
        self.host.start()
        self.host.qemu("web")
        first = self.host.wait_guest("web", lambda r: r["sample"], "looked at")["sample"]["taken_ns"]
        for pid in hands_of(self.host.daemon.pid):
            os.kill(pid, signal.SIGKILL)
        self.host.wait_log("homenode-host for queries .*ended unexpectedly")
        killed_at = time.monotonic_ns()
        self.host.wait_guest("web", lambda r: r["sample"] and r["sample"]["taken_ns"] > max(first, killed_at),
                             "looked at again")
        self.stop_cleanly()

    def test_hands_that_hang_are_given_up(self):
        self.host.start()
        self.host.qemu("web")
        self.host.wait_guest("web", lambda r: r["sample"], "looked at")
        for pid in hands_of(self.host.daemon.pid):
            os.kill(pid, signal.SIGSTOP)
        status, problem, _ = self.host.exchange("GET", "/v1/checks", connection=UnixConnection(self.host.api, 30))
        self.assertEqual((status, problem["status"]), (503, 503), problem)
        self.assertIn("has been silent", problem["detail"])
        self.host.wait_log("has been silent for .* and was given up", 30)
        seen = time.monotonic_ns()
        self.host.wait_guest("web", lambda r: r["sample"]["taken_ns"] > seen, "looked at again")
        self.stop_cleanly()

    def test_the_daemon_is_killed_and_starts_again(self):
        self.host.start()
        process = self.host.qemu("web")
        self.host.wait_guest("web", lambda r: r["sample"], "looked at")
        hands = hands_of(self.host.daemon.pid)
        self.host.daemon.kill()
        self.host.daemon.wait()
        wait_for("its hands end", lambda: not any(os.path.exists(f"/proc/{pid}/fd/0") for pid in hands))
        self.assertIsNone(process.poll(), "the guest runs on")
        self.host.start()
        self.host.wait_guest("web", lambda r: r["sample"], "looked at by the next daemon")
        self.stop_cleanly()


@needs_qemu
class Rebalance(HostTest):
    mode, extra = "advise", "[guest off-*]\nmode = off\n[guest rt-*]\nclass = realtime\n"

    def test_a_guest_at_home_is_said_to_be(self):
        self.host.start()
        self.host.qemu("web")
        self.host.wait_guest("web", lambda r: r["plan"], "decided on")
        done = self.host.cli("rebalance", "web")
        self.assertEqual((done.returncode, done.stdout.split(":")[0]), (0, "at-home"), done)
        self.stop_cleanly()

    def test_an_operators_narrower_pin_is_kept(self):
        self.host.start()
        process = self.host.qemu("web")
        cpus = os.sched_getaffinity(0)
        report = self.host.wait_guest("web", lambda r: r["plan"], "decided on")
        self.assertEqual(report["plan"]["verdict"], "at-home")
        # this machine has one node, so nothing can be away from it; only the plan's reading of it is tested here
        for tid in os.listdir(f"/proc/{process.pid}/task"):
            os.sched_setaffinity(int(tid), {min(cpus)})
        time.sleep(0.6)
        self.assertEqual(self.host.guest("web")["plan"]["verdict"], "at-home", "an operator's narrower pin is kept")
        self.stop_cleanly()

    def test_rules_by_name_count(self):
        self.host.start()
        self.host.qemu("off-1", "-m", "16M")
        self.host.qemu("rt-1", "-m", "16M")
        self.host.wait_guest("off-1", lambda r: r["guest"]["pid"], "identified")
        self.host.wait_guest("rt-1", lambda r: r["sample"], "looked at")
        time.sleep(0.6)
        off, realtime = self.host.guest("off-1"), self.host.guest("rt-1")
        self.assertEqual((off["guest"]["mode"], off["sample"]), ("off", None))
        self.assertEqual(realtime["guest"]["class"], "realtime")
        self.stop_cleanly()


if __name__ == "__main__":
    unittest.main(verbosity=2)
