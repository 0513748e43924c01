"""Guests that are asked about themselves: agents that tell the truth, lie, flood, or say nothing; and what is decided then."""

import base64
import itertools
import json
import os
import time
import unittest

from harness import SLOWER, FalseMonitor, HostTest, needs_qemu, wait_for

NODE = "/sys/devices/system/node"
COUNTERS = ("numa_hit", "numa_miss", "numa_foreign", "interleave_hit", "local_node", "other_node")


def numastat(*values):
    return "".join(f"{name} {value}\n" for name, value in zip(COUNTERS, values))


def honest(step):
    """Two cells: of what cell 1's threads allocate, 63 % lies on cell 0; of hint faults a fifth is remote."""
    return {
        f"{NODE}/online": "0-1\n",
        f"{NODE}/node0/numastat": numastat(1130 * step, 0, 0, 0, 500 * step, 630 * step),
        f"{NODE}/node1/numastat": numastat(370 * step, 0, 0, 0, 370 * step, 0),
        f"{NODE}/node0/meminfo": "Node 0 MemTotal: 60000 kB\nNode 0 MemFree: 20000 kB\n",
        f"{NODE}/node1/meminfo": "Node 1 MemTotal: 60000 kB\nNode 1 MemFree: 30000 kB\n",
        "/proc/vmstat": f"numa_hint_faults {1000 * step}\nnuma_hint_faults_local {800 * step}\n",
        "/proc/stat": "cpu0 1 2 3 4\ncpu1 1 2 3 4\n",
    }


def shrinking(step):
    return honest(max(1, 1000 - step))


def huge(step):
    files = honest(step)
    files[f"{NODE}/node0/numastat"] = numastat(*[10**17 * step] * 6)
    return files


def negative(step):
    return {**honest(step), f"{NODE}/node0/numastat": numastat(*[-5] * 6)}


def another_guest(step):
    """Of three nodes, where this one has two."""
    node2 = {f"{NODE}/node2/numastat": numastat(*[0] * 6),
             f"{NODE}/node2/meminfo": "Node 2 MemTotal: 60000 kB\nNode 2 MemFree: 30000 kB\n"}
    return {**honest(step), **node2, f"{NODE}/online": "0-2\n"}


class Agent:
    """An agent that has those files; made anew for each connection, counting them."""

    def __init__(self, files):
        self.files = files
        self.steps = itertools.count(1)

    def __call__(self, connection):
        files, text = self.files(next(self.steps)), ""
        for line in connection.makefile("rb"):
            request = json.loads(line.lstrip(b"\xff"))
            arguments = request.get("arguments", {})
            answer, start = {}, b""
            match request["execute"]:
                case "guest-sync-delimited":
                    answer, start = arguments["id"], b"\xff"
                case "guest-file-open":
                    text = files.get(arguments["path"])
                    answer = 1000
                case "guest-file-read":
                    answer = {"count": len(text), "buf-b64": base64.b64encode(text.encode()).decode(), "eof": True}
                case "guest-file-close":
                    pass
                case _:
                    text = None
            reply = {"return": answer} if text is not None else {"error": {"class": "GenericError", "desc": "no"}}
            connection.sendall(start + json.dumps(reply).encode() + b"\n")


def silent(connection):
    while connection.recv(4096):
        pass


def flood(connection):
    connection.recv(4096)
    connection.sendall(b'\xff{"return": "')
    for _ in range(1 << 14):  # 1 GiB
        connection.sendall(b"x" * 65536)


def of_another_id(connection):
    connection.recv(4096)
    connection.sendall(b'\xff{"return": 4711}\n{"return": {}, "id": 4712}\n')
    connection.recv(4096)


LIARS = {"shrinking": shrinking, "huge": huge, "negative": negative, "another": another_guest}
VANDALS = {"silent": silent, "flood": flood, "id": of_another_id}


@needs_qemu
class Agents(HostTest):
    mode, extra = "advise", "agent = 1s\n"

    def guest_with(self, name, behave):
        agent = FalseMonitor(os.path.join(self.host.sockets, f"{name}.qga"), behave)
        self.addCleanup(agent.close)
        self.host.qemu(name)
        wait_for(f"{name} listens", lambda: self.host.qmp(name, "cont").get("return") == {})
        return agent

    def test_a_guest_tells_what_only_it_can_mend(self):
        self.host.start()
        self.guest_with("web", Agent(honest))
        report = self.host.wait_guest("web", lambda r: r["inside"], "told of its inside", 30)
        self.assertTrue(report["inside"].startswith("cell 1's threads use cell 0's memory: 63 % remote"), report["inside"])
        self.assertEqual([n["total_bytes"] for n in report["reported"]["nodes"]], [60000 << 10] * 2)
        self.assertEqual(report["access"]["doubt"], "none")
        self.assertAlmostEqual(report["access"]["remote_faults"]["value"], 0.2)
        shown = self.host.cli("show", "web").stdout
        self.assertIn("  Inside     cell 1's threads use cell 0's memory: 63 % remote", shown)
        self.assertRegex(shown, r"  Guest      told .* ago: 42 ?\S*\d* % of allocations and 20 ")
        self.stop_cleanly()

    def test_lies_are_shown_as_such(self):
        self.host.start()
        for name, files in LIARS.items():
            self.guest_with(name, Agent(files))
        expected = {"shrinking": ("backwards", "numa_hit of node 0"), "huge": ("absurd", "numa_hit of node 0"),
                    "another": ("nodes", "node 2")}
        for name, (doubt, reason) in expected.items():
            # a busy machine may make an answer late or two of them too close: that is doubted first, and asked again
            report = self.host.wait_guest(
                name, lambda r, doubt=doubt: r["access"] and r["access"]["doubt"] == doubt, f"doubted as {doubt}", 30)
            self.assertIn(reason, report["access"]["reason"])
            self.assertEqual((report["inside"], report["access"]["remote"], report["problem"]), ("", None, ""))
            self.assertIn("is not used: ", self.host.cli("show", name).stdout)
        # what cannot be read is not taken at all
        report = self.host.wait_guest("negative", lambda r: r["access"] and r["access"]["doubt"] == "none", "asked twice")
        self.assertEqual((report["reported"]["nodes"], report["access"]["remote"], report["inside"]), ([], None, ""))
        self.assertIn("numa_hit -5", report["reported"]["notes"][0])
        self.stop_cleanly()

    def test_a_bad_agent_costs_little_and_is_asked_less_often(self):
        self.host.start()
        self.host.qemu("none")
        self.host.wait_guest("none", lambda r: r["sample"], "looked at")
        status = f"/proc/{self.host.daemon.pid}/status"

        def resident_kib():
            with open(status, encoding="ascii") as file:
                return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

        before = resident_kib()
        agents = {name: self.guest_with(name, behave) for name, behave in VANDALS.items()}
        for name in VANDALS:
            self.host.wait_log(f"guest '{name}': agent: .*asked again, and less often", 30)
        time.sleep(8)
        for name, agent in agents.items():
            # 1 s, and twice as long after each: 1 + 2 + 4 + 8 s are more than have passed since the first
            self.assertLessEqual(agent.connections, 5, name)
            self.assertGreaterEqual(agent.connections, 2, name)
            seen = self.host.guest(name)["sample"]["taken_ns"]
            self.host.wait_guest(name, lambda r, seen=seen: r["sample"]["taken_ns"] > seen, "looked at all the same")
            self.assertEqual((self.host.guest(name)["problem"], self.host.guest(name)["inside"]), ("", ""))
        if SLOWER == 1:  # a sanitizer keeps what is freed
            self.assertLess(resident_kib() - before, 8 << 10)
        self.stop_cleanly()

    def test_nothing_is_decided_on_what_a_guest_says(self):
        self.host.start()
        names = {"plain": None, "honest": Agent(honest), "liar": Agent(huge), "mute": silent}
        for name, behave in names.items():
            if behave:
                self.guest_with(name, behave)
            else:
                self.host.qemu(name)
                self.host.qmp(name, "cont")
        self.host.wait_guest("honest", lambda r: r["inside"], "told of its inside", 30)
        self.host.wait_guest("liar", lambda r: r["access"] and r["access"]["doubt"] == "absurd", "doubted", 30)
        plans = {name: self.host.wait_guest(name, lambda r: r["plan"], "decided on")["plan"] for name in names}
        for name, plan in plans.items():
            plan.pop("guest", None)
            self.assertEqual((plan["verdict"], plan["actions"]), (plans["plain"]["verdict"], plans["plain"]["actions"]), name)
        # what decisions are made from has no place for it
        snapshot = json.dumps(self.host.call("GET", "/v1/snapshot")[1])
        for word in ("reported", "access", "inside", "hint_faults"):
            self.assertNotIn(f'"{word}"', snapshot)
        self.stop_cleanly()

    def test_a_balloon_is_asked_without_an_agent(self):
        self.host.start()
        self.host.qemu("web", "-smp", "1", "-m", "64M", "-device", "virtio-balloon-pci")
        self.host.qmp("web", "cont")
        report = self.host.wait_guest("web", lambda r: r["reported"] and r["reported"]["balloon_actual_bytes"], "asked", 30)
        self.assertEqual(report["reported"]["balloon_actual_bytes"], 64 << 20)
        self.assertIsNone(report["reported"]["balloon_free_bytes"])  # it has no driver that could tell
        self.assertEqual((report["access"]["doubt"], report["inside"], report["problem"]), ("silent", "", ""))
        polling = {"path": "/machine/peripheral-anon/device[0]", "property": "guest-stats-polling-interval"}
        self.assertEqual(self.host.qmp("web", "qom-get", **polling), {"return": 10})
        self.stop_cleanly()

    def test_a_paused_guest_is_not_asked(self):
        self.host.start()
        agent = self.guest_with("web", Agent(honest))
        self.host.wait_guest("web", lambda r: r["reported"], "asked", 30)
        self.host.qmp("web", "stop")
        self.host.wait_guest("web", lambda r: r["guest"]["state"] == "paused", "seen paused")
        time.sleep(1.5)
        asked = agent.connections
        time.sleep(3)
        self.assertEqual(agent.connections, asked)
        self.stop_cleanly()


@needs_qemu
class Off(HostTest):
    extra = "agent = off\n"

    def test_nobody_is_asked(self):
        self.host.start()
        agent = FalseMonitor(os.path.join(self.host.sockets, "web.qga"), Agent(honest))
        self.addCleanup(agent.close)
        self.host.qemu("web")
        self.host.qmp("web", "cont")
        self.host.wait_guest("web", lambda r: r["sample"], "looked at")
        time.sleep(4)
        self.assertEqual((agent.connections, self.host.guest("web")["reported"]), (0, None))
        self.stop_cleanly()


if __name__ == "__main__":
    unittest.main(verbosity=2)
