"""Kinds of memory, realtime guests, their windows and their checks, and guests' devices: with real QEMUs."""

import json
import os
import re
import subprocess
import unittest

from harness import HostTest, needs_qemu, wait_for

CELL = 64 << 20


def file_system(path):
    return subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, text=True, check=True).stdout.strip()


def threads(process, prefix):
    """Ids of QEMU's threads whose names start so."""
    found = []
    for tid in os.listdir(f"/proc/{process.pid}/task"):
        with open(f"/proc/{process.pid}/task/{tid}/comm", encoding="utf-8") as file:
            if file.read().startswith(prefix):
                found.append(int(tid))
    return found


def status_bytes(process, key):
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as file:
        return int(re.search(rf"^{key}:\s*(\d+) kB", file.read(), re.M).group(1)) * 1024


def own_memory(process, guests):
    """(bytes mapped, bytes present) of private memory that may be written, but for what begins at these addresses."""
    mapped = present = 0
    counts = False
    with open(f"/proc/{process.pid}/smaps", encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if re.match(r"[0-9a-f]+-[0-9a-f]+$", words[0]):
                counts = words[1].startswith("rw") and words[1][3] == "p" and int(words[0].split("-")[0], 16) not in guests
            elif counts and words[0] in ("Size:", "Rss:"):
                mapped += int(words[1]) * 1024 * (words[0] == "Size:")
                present += int(words[1]) * 1024 * (words[0] == "Rss:")
    return mapped, present


@needs_qemu
class Kinds(HostTest):
    def test_each_kind_is_told(self):
        self.host.start()
        path = os.path.join(self.host.folder, "memory")
        process = self.host.qemu(
            "mixed",
            *("-smp", "1", "-m", "192M"),
            *("-object", "memory-backend-ram,id=a,size=64M,prealloc=on"),
            *("-object", "memory-backend-memfd,id=b,size=64M,share=on"),
            *("-object", f"memory-backend-file,id=c,size=64M,share=on,mem-path={path}"),
            *("-numa", "node,nodeid=0,memdev=a,cpus=0", "-numa", "node,nodeid=1,memdev=b", "-numa", "node,nodeid=2,memdev=c"),
        )
        report = self.host.wait_guest("mixed", lambda r: r["sample"], "is looked at")
        backends = {item["id"]: item for item in report["guest"]["backends"]}
        on_disk = "shmem" if file_system(self.host.folder) == "tmpfs" else "file"
        self.assertEqual({id: item["backing"] for id, item in backends.items()}, {"a": "anonymous", "b": "shmem", "c": on_disk})
        self.assertEqual({id: item["shared"] for id, item in backends.items()}, {"a": False, "b": True, "c": True})
        self.assertEqual({item["movability"] for item in backends.values()}, {"movable"})
        hold = report["guest"]["hold"]
        self.assertEqual((hold["pins"], hold["locked_bytes"], hold["pinned_bytes"]), ([], 0, 0))
        self.assertGreater(hold["page_table_bytes"], 0)
        # a sample tells it within 5 % of what QEMU has mapped: docs/memory.md
        mapped, present = own_memory(process, {item["host_address"] for item in backends.values()})
        self.assertLess(abs(hold["own_bytes"] - present), 0.06 * mapped, (hold, mapped, present))
        shown = self.host.cli("show", "mixed").stdout
        self.assertRegex(shown, r"Memory +1 anonymous, .*1 shmem|Memory +1 anonymous, 2 shmem")
        self.assertIn("stays behind: page tables of", shown)
        self.stop_cleanly()

    def test_locked_memory_is_said_and_movable(self):
        self.host.start()
        process = self.host.qemu("locked", "-m", "64M", "-overcommit", "mem-lock=on")
        wait_for("QEMU has locked its memory", lambda: status_bytes(process, "VmLck") >= CELL)
        report = self.host.wait_guest("locked", lambda r: r["sample"], "is looked at")
        self.assertGreaterEqual(report["guest"]["hold"]["locked_bytes"], CELL)
        self.assertEqual(report["guest"]["backends"][0]["movability"], "movable")
        self.assertRegex(self.host.cli("show", "locked").stdout, r"Memory .*locked")
        self.stop_cleanly()

    def test_a_disk_below_an_image_is_shown_and_draws_nobody(self):
        image = os.path.join(self.host.folder, "disk.img")
        with open(image, "wb") as file:
            file.truncate(32 << 20)
        device = os.stat(image).st_dev
        link = f"/sys/dev/block/{os.major(device)}:{os.minor(device)}"
        where = os.path.realpath(link) if os.path.exists(link) else ""
        addresses = re.findall(r"/([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])", where)
        self.host.start()
        self.host.qemu(
            "disk", "-m", "32M", "-blockdev", f"file,node-name=f,filename={image}", "-device", "virtio-blk,drive=f"
        )
        report = self.host.wait_guest("disk", lambda r: r["sample"], "is looked at")
        self.assertEqual([place["name"] for place in report["device_places"]], addresses[-1:])
        self.assertEqual([place["shared"] for place in report["device_places"]], [True] * len(addresses[-1:]))
        self.assertEqual(report["guest"]["devices"], [])
        self.stop_cleanly()


@needs_qemu
class Realtime(HostTest):
    mode, extra = "enforce", "[guest own-*]\nclass = dedicated\n"

    def start_realtime(self, name="rt", vcpus=2):
        """A guest that runs, and whose vCPUs' threads have just been made SCHED_FIFO."""
        process = self.host.qemu(name, "-smp", str(vcpus), "-m", "64M")
        self.host.wait_guest(name, lambda r: r["sample"], "is looked at")
        self.host.qmp(name, "cont")
        for tid in threads(process, "CPU "):
            try:
                os.sched_setscheduler(tid, os.SCHED_FIFO, os.sched_param(1))
            except PermissionError:
                self.skipTest("no right to make threads realtime")
        return process

    def checks(self, name):
        status, answer = self.host.call("GET", f"/v1/guests/{name}/checks")
        self.assertEqual(status, 200, answer)
        return {check["name"]: check for check in answer["checks"]}

    def test_what_is_realtime_when_it_is_found_is_never_touched(self):
        # one vCPU: two that are emulated leave a machine of two CPUs nothing
        process = self.host.qemu("rt", "-smp", "1", "-m", "64M")
        for tid in wait_for("its vCPUs are there", lambda: threads(process, "CPU ")):
            try:
                os.sched_setscheduler(tid, os.SCHED_FIFO, os.sched_param(1))
            except PermissionError:
                self.skipTest("no right to make threads realtime")
        self.host.start()
        self.host.qmp("rt", "cont")
        report = self.host.wait_guest("rt", lambda r: r["guest"]["class"] == "realtime" and r["plan"], "is realtime")
        looked = report["sample"]["taken_ns"]
        report = self.host.wait_guest("rt", lambda r: r["sample"]["taken_ns"] > looked + 2_000_000_000, "is looked at on")
        self.assertEqual(set(report["calls"].values()), {0}, report["calls"])
        self.stop_cleanly()

    def test_its_threads_make_it_realtime_and_it_is_not_touched(self):
        self.host.start()
        process = self.start_realtime()
        report = self.host.wait_guest("rt", lambda r: r["guest"]["class"] == "realtime" and r["plan"], "is realtime")
        looked, before = report["sample"]["taken_ns"], report["calls"]
        affinities = {tid: os.sched_getaffinity(int(tid)) for tid in os.listdir(f"/proc/{process.pid}/task")}
        vcpus = [thread for thread in report["sample"]["threads"] if thread["tid"] in threads(process, "CPU ")]
        self.assertEqual({thread["scheduler"] for thread in vcpus}, {"fifo"})
        # ten looks later it is still looked at, and nothing has been done to it
        report = self.host.wait_guest("rt", lambda r: r["sample"]["taken_ns"] > looked + 2_000_000_000, "is looked at on")
        self.assertEqual(report["plan"]["verdict"], "left-alone")
        self.assertEqual(report["calls"], before)
        answer = self.host.cli("rebalance", "rt")
        self.assertEqual(answer.returncode, 1, answer)
        self.assertIn("left alone", answer.stderr)
        for tid, allowed in affinities.items():
            if os.path.exists(f"/proc/{process.pid}/task/{tid}"):
                self.assertEqual(os.sched_getaffinity(int(tid)), allowed)
        self.assertEqual(self.host.guest("rt")["calls"], before, "since it was known to be realtime")
        self.stop_cleanly()

    def test_a_window_opens_and_closes_by_itself(self):
        self.host.start()
        self.start_realtime()
        self.host.wait_guest("rt", lambda r: r["plan"] and r["plan"]["verdict"] == "left-alone", "is left alone")
        answer = self.host.cli("window", "rt", "--for", "3s")
        self.assertEqual(answer.returncode, 0, answer)
        self.assertIn("open for", answer.stdout)
        report = self.host.wait_guest("rt", lambda r: r["plan"]["verdict"] != "left-alone", "may be moved")
        self.assertTrue(report["guest"]["window_open"])
        self.assertLessEqual(report["window_left_ns"], 3_000_000_000)
        report = self.host.wait_guest("rt", lambda r: r["plan"]["verdict"] == "left-alone", "is left alone again")
        self.assertEqual((report["guest"]["window_open"], report["window_left_ns"]), (False, 0))
        # closed before its time
        self.assertEqual(self.host.call("POST", "/v1/guests/rt/window", '{"seconds": 600}')[1]["open"], True)
        answer = self.host.cli("window", "--close", "rt")
        self.assertIn("no window is open", answer.stdout)
        self.assertFalse(self.host.guest("rt")["guest"]["window_open"])
        states = re.findall(r"its window is (\w+)", self.host.log())
        self.assertEqual(states, ["open", "closed", "open", "closed"])
        self.stop_cleanly()

    def test_a_repair_happens_in_the_window_only(self):
        """Its one vCPU is to have a core of its own: not before the window, at once in it, and nothing after it."""
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("a realtime guest needs a core, and the host another")
        self.host.start()
        process = self.start_realtime("rt", vcpus=1)
        vcpu = threads(process, "CPU ")[0]
        self.host.wait_guest("rt", lambda r: r["plan"] and r["plan"]["verdict"] == "left-alone", "is left alone")
        before = self.host.guest("rt")["calls"]["affinities"]
        allowed = os.sched_getaffinity(vcpu)
        self.assertGreater(len(allowed), 1)
        self.host.call("POST", "/v1/guests/rt/window", '{"seconds": 600}')
        report = self.host.wait_guest("rt", lambda r: r["operation"]["threads_bound"], "is bound")
        self.assertGreater(report["calls"]["affinities"], before)
        wait_for("the vCPU has a CPU of its own", lambda: len(os.sched_getaffinity(vcpu)) == 1)
        self.host.call("POST", "/v1/guests/rt/window", '{"seconds": 0}')
        report = self.host.guest("rt")
        # what an outsider undoes now stays undone
        os.sched_setaffinity(vcpu, allowed)
        looked = report["sample"]["taken_ns"]
        after = self.host.wait_guest("rt", lambda r: r["sample"]["taken_ns"] > looked + 1_500_000_000, "is looked at on")
        self.assertEqual(after["calls"], report["calls"])
        self.assertEqual(os.sched_getaffinity(vcpu), allowed)
        self.stop_cleanly()

    def test_bad_windows_are_refused(self):
        self.host.start()
        self.host.qemu("web", "-m", "16M")
        self.host.wait_guest("web", lambda r: r["sample"], "is looked at")
        for body in ('{"seconds": -1}', '{"seconds": 86401}', '{"seconds": "60"}', "{}", "[]", "x"):
            status, answer = self.host.call("POST", "/v1/guests/web/window", body)
            self.assertEqual(status, 400, (body, answer))
        self.assertEqual(self.host.call("POST", "/v1/guests/none/window", '{"seconds": 1}')[0], 404)
        self.assertEqual(self.host.cli("window").returncode, 2)
        self.assertEqual(self.host.cli("window", "web", "--for", "soon").returncode, 2)
        self.assertEqual(self.host.cli("window", "none").returncode, 4)
        self.stop_cleanly()

    def test_each_condition_has_a_verdict_and_a_mend(self):
        self.host.start()
        process = self.start_realtime()
        self.host.wait_guest("rt", lambda r: r["guest"]["class"] == "realtime", "is realtime")
        checks = self.checks("rt")
        listed = self.host.cli("check", "--list").stdout.split("Of a guest:")[1]
        self.assertEqual(list(checks), [line.split("`")[1] for line in listed.splitlines() if line.startswith("| `")])
        for check in checks.values():
            self.assertTrue(check["found"] and check["why"], check)
            self.assertEqual(check["verdict"] in ("warning", "fail"), check["remedy"] != "", check)
        self.assertEqual(checks["vcpu-scheduler"]["verdict"], "ok")
        self.assertEqual(checks["memory-pages"]["verdict"], "fail")
        self.assertEqual(checks["memory-locked"]["verdict"], "fail")
        self.assertEqual(checks["guest-nodes"]["verdict"] in ("ok", "cannot-tell"), True)
        self.assertEqual(checks["vcpu-cores"]["verdict"], "fail", "its vCPUs may run anywhere")
        # an ordinary thread among them is told by its number
        tid = threads(process, "CPU 1/")[0]
        os.sched_setscheduler(tid, os.SCHED_OTHER, os.sched_param(0))
        found = wait_for(
            "the ordinary vCPU is seen",
            lambda: (check := self.checks("rt").get("vcpu-scheduler")) is None or check["verdict"] == "fail",
        )
        self.assertTrue(found)
        answer = self.host.cli("check", "--guest", "rt", "memory-moves")
        self.assertEqual(answer.returncode, 0, answer)
        self.assertIn("memory-moves", answer.stdout)
        self.assertNotIn("memory-pages", answer.stdout)
        self.assertEqual(self.host.cli("check", "rt", "swap").returncode, 2)
        self.assertEqual(self.host.cli("check", "memory-moves").returncode, 2)
        self.stop_cleanly()

    def test_other_guests_are_asked_for_less(self):
        self.host.start()
        self.host.qemu("web", "-m", "32M")
        self.host.wait_guest("web", lambda r: r["sample"], "is looked at")
        checks = self.checks("web")
        self.assertIn("memory-moves", checks)
        for name in checks:
            self.assertFalse(name.startswith("cpu-") or name.startswith("vcpu-"), name)
        self.assertNotIn("fail", {check["verdict"] for check in checks.values()})
        answer = self.host.cli("check", "web", "--json")
        self.assertEqual({check["name"] for check in json.loads(answer.stdout)["checks"]}, set(checks))
        self.assertEqual(self.host.call("GET", "/v1/guests/none/checks")[0], 404)
        self.stop_cleanly()

    def test_what_was_done_is_counted(self):
        """A dedicated guest gets a core of its own, and that is counted: the zero above could be another number."""
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("a dedicated guest needs a core, and the host another")
        self.host.start()
        self.host.qemu("own-1", "-smp", "1", "-m", "32M")
        report = self.host.wait_guest("own-1", lambda r: r["operation"]["threads_bound"], "is bound")
        self.assertEqual(report["calls"]["affinities"], report["operation"]["threads_bound"])
        self.assertEqual(report["calls"]["refused"], 0)
        text = subprocess.run(
            ["curl", "-s", "--unix-socket", self.host.api, "http://localhost/metrics"], capture_output=True, text=True, check=False
        ).stdout
        for kind in ("moves", "cpusets", "affinities", "walks"):
            self.assertRegex(text, rf'homenode_calls_total{{call="{kind}"}} \d+')
        self.assertIn(f'homenode_calls_total{{call="affinities"}} {report["calls"]["affinities"]}', text)
        self.assertNotIn("homenode_realtime_guest_calls_total{", text, "no guest is realtime")
        self.stop_cleanly()


if __name__ == "__main__":
    unittest.main(verbosity=2)
