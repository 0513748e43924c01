"""virt/ against a real libvirtd: what it tells of domains, what it does to them, and how it bears libvirtd's absence."""

import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import threading
import time
import unittest

from harness import BUILD, SLOWER, wait_for
from libvirt_host import LibvirtHost, LibvirtTest, kvm_opens

TOOL = f"{BUILD}/tests/integration/virt-tool"
NAMESPACE = "https://homenode.example/test/1.0"
KIND = "kvm" if kvm_opens() else "qemu"
IOTHREADS = "<iothreads>2</iothreads>"


class Tool:
    """virt-tool at work. What it says is kept, and searched from a place that only goes forward."""

    def __init__(self, uri, keepalive=5000, call=35000, retry=200, gather=20, repeat=30000):
        self.process = subprocess.Popen(
            [TOOL, uri, *map(str, (keepalive, call, retry, gather, repeat))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.heard = []
        self.at = 0
        self.lines = queue.Queue()
        self.readers = [
            threading.Thread(target=self.read, args=(self.process.stdout, self.lines.put), daemon=True),
            threading.Thread(target=self.read, args=(self.process.stderr, self.complain), daemon=True),
        ]
        self.complaints = []
        for reader in self.readers:
            reader.start()

    @staticmethod
    def read(stream, take):
        for line in stream:
            take(line)

    def complain(self, line):
        self.complaints.append(line)

    def take(self, limit):
        with contextlib.suppress(queue.Empty):
            self.heard.append(json.loads(self.lines.get(timeout=max(limit, 0.001))))
            return True
        return False

    def next(self, what, limit=15):
        """The next message, behind the last that was asked for, that has all of what's members. Words are matched among
        those of an event; anything else must be equal, or match when it is a compiled pattern."""

        def fits(message):
            for key, wanted in what.items():
                value = message.get(key)
                if key == "words":
                    if wanted not in (value or "").split(","):
                        return False
                elif isinstance(wanted, re.Pattern):
                    if not wanted.search(str(value)):
                        return False
                elif value != wanted:
                    return False
            return True

        end = time.monotonic() + limit * SLOWER
        while True:
            while self.at < len(self.heard):
                self.at += 1
                if fits(self.heard[self.at - 1]):
                    return self.heard[self.at - 1]
            if not self.take(end - time.monotonic()):
                brief = [{k: v for k, v in m.items() if "xml" not in k} for m in self.heard]
                raise AssertionError(f"{what} was not heard within {limit * SLOWER:.0f} s, but {brief}; {self.complaints}")

    def domain(self, name, words, limit=15, **more):
        return self.next({"event": "domain", "name": name, "words": words, **more}, limit)

    def up(self, limit=20):
        return self.next({"event": "up"}, limit)

    def listen(self, seconds):
        """All that is said for so long."""
        first = len(self.heard)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.take(end - time.monotonic())
        return self.heard[first:]

    def order(self, verb, **arguments):
        self.process.stdin.write(json.dumps({"do": verb, **arguments}) + "\n")
        self.process.stdin.flush()

    def done(self, verb, limit=20, **arguments):
        self.order(verb, **arguments)
        return self.next({"done": verb}, limit)

    def close(self, limit=10):
        """Its exit code; a sanitizer makes that nonzero. Nothing may have been written to stderr."""
        self.process.stdin.close()
        code = self.process.wait(timeout=limit * SLOWER)
        for reader in self.readers:
            reader.join(timeout=5)
        return code, "".join(self.complaints)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(OSError):
                stream.close()


class VirtTest(LibvirtTest):
    """One libvirtd for the tests of a class; each has a tool of its own."""

    host = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.host = LibvirtHost()
        cls.addClassCleanup(cls.host.close)
        cls.host.start()

    def setUp(self):
        self.host.destroy_all()
        wait_for("libvirtd answers", self.host.answers, 30)

    def tool(self, **limits):
        tool = Tool(self.host.uri, **limits)
        self.addCleanup(tool.kill)
        return tool

    def ready(self, **limits):
        tool = self.tool(**limits)
        tool.up()
        return tool

    def close(self, tool):
        self.assertEqual(tool.close(), (0, ""))

    def succeed(self, answer):
        self.assertNotIn("error", answer)

    def refuse(self, answer, code, pattern):
        self.assertEqual(answer.get("code"), -code, answer)
        self.assertRegex(answer["error"], pattern)


class Lifecycle(VirtTest):
    def test_what_runs_is_told_before_up(self):
        names = [self.host.create(f"present{i}", kind=KIND) for i in range(3)]
        defined = self.host.define("idle", kind=KIND, start=False)
        self.addCleanup(self.host.virsh, "undefine", defined)
        tool = self.ready()
        told = [m for m in tool.heard if m["event"] == "domain"]
        self.assertEqual(sorted(m["name"] for m in told), sorted(names))
        for message in told:
            self.assertEqual(message["words"], "present")
            self.assertEqual(message["uuid"], self.host.uuid(message["name"]))
            self.assertEqual(message["state"], "running")
            self.assertIs(message["persistent"], False)
            self.assertNotIn("inactive_xml", message)
            self.assertIn(f"<name>{message['name']}</name>", message["xml"])
        self.close(tool)

    def test_start_and_every_way_to_end(self):
        tool = self.ready()
        name = self.host.create("s", kind=KIND)
        uuid = tool.domain(name, "started")["uuid"]
        self.host.virsh("destroy", name)
        self.assertEqual(tool.next({"event": "gone", "uuid": uuid})["why"], "stopped: destroyed")

        name = self.host.create("s", kind=KIND)
        uuid = tool.domain(name, "started")["uuid"]
        os.kill(self.host.qemu_pid(name), signal.SIGKILL)
        # to libvirt a QEMU that is no more has failed; "crashed" is a guest that panicked
        self.assertEqual(tool.next({"event": "gone", "uuid": uuid})["why"], "stopped: failed")

        name = self.host.create("s", kind=KIND)
        uuid = tool.domain(name, "started")["uuid"]
        os.kill(self.host.qemu_pid(name), signal.SIGTERM)
        self.assertEqual(tool.next({"event": "gone", "uuid": uuid})["why"], "stopped: shutdown")
        self.close(tool)

    def test_save_and_restore(self):
        name = self.host.create("sv", kind=KIND)
        tool = self.ready()
        uuid = self.host.uuid(name)
        state = self.host.path("state")
        self.host.virsh("save", name, state)
        self.assertEqual(tool.next({"event": "gone", "uuid": uuid})["why"], "stopped: saved")
        self.host.virsh("restore", state)
        tool.domain(name, "started", uuid=uuid)
        wait_for("it runs", lambda: self.last_state(tool, uuid) == "running")
        self.close(tool)

    @staticmethod
    def last_state(tool, uuid):
        tool.listen(0.1)
        return [m["state"] for m in tool.heard if m.get("event") == "domain" and m["uuid"] == uuid][-1]

    def test_suspend_resume_reset(self):
        name = self.host.create("sr", kind=KIND)
        tool = self.ready()
        self.host.virsh("suspend", name)
        tool.domain(name, "suspended", state="paused")
        self.host.virsh("resume", name)
        tool.domain(name, "resumed", state="running")
        self.host.virsh("reset", name)
        tool.domain(name, "rebooted")
        self.close(tool)

    def test_defined_and_undefined_while_it_runs(self):
        name, path = self.host.write_domain("du", kind=KIND)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        uuid = "5c6ad2d3-4a37-4d35-9a4b-5f0a3a0c1e11"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("</name>", f"</name><uuid>{uuid}</uuid>"))
        self.host.virsh("create", path)
        tool = self.ready()
        self.host.virsh("define", path)
        message = tool.domain(name, "defined")
        self.assertIs(message["persistent"], True)
        self.assertIn(uuid, message["inactive_xml"])
        self.host.virsh("undefine", name)
        message = tool.domain(name, "undefined")
        self.assertIs(message["persistent"], False)
        self.close(tool)

    def test_plugging(self):
        slots = "<maxMemory slots='4' unit='MiB'>512</maxMemory>"
        name = self.host.create("hp", kind=KIND, vcpus=1, max_vcpus=2, mib=64, cells=1, extra=slots)
        tool = self.ready(repeat=500)
        self.host.virsh("setvcpus", name, 2, "--live")
        # libvirt has no event for this one
        tool.domain(name, "changed", xml=re.compile(r"<vcpu [^>]*>2</vcpu>|<vcpu id='1' enabled='yes'"))
        dimm = self.host.path("dimm.xml")
        with open(dimm, "w", encoding="utf-8") as file:
            file.write("<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>")
        self.host.virsh("attach-device", name, dimm, "--live")
        tool.domain(name, "device-added", xml=re.compile(r"<memory model='dimm'"))
        self.close(tool)

    def test_a_storm_costs_little(self):
        name = self.host.create("st", kind=KIND)
        tool = self.ready(gather=200)
        first = time.monotonic()
        script = "; ".join(["suspend " + name, "resume " + name] * 200)
        self.host.virsh(script, limit=120)
        seconds = time.monotonic() - first
        told = [m for m in tool.listen(1.5) if m.get("event") == "domain"]
        self.assertGreaterEqual(len(told), 1)
        # 400 events; a look is at least 200 ms after the one before
        self.assertLessEqual(len(told), (seconds + 1.5) / 0.2 + 2)
        self.assertLess(len(told), 200)
        self.assertEqual(told[-1]["state"], "running")
        self.close(tool)

    def test_many_at_once(self):
        tool = self.ready()
        files = [self.host.write_domain(f"m{i}", kind=KIND, mib=32) for i in range(10)]
        creators = [threading.Thread(target=self.host.virsh, args=("create", path)) for _, path in files]
        for creator in creators:
            creator.start()
        for creator in creators:
            creator.join()
        wait_for(
            "all are told",
            lambda: tool.listen(0.1) is not None
            and {m["name"] for m in tool.heard if m["event"] == "domain"} >= {name for name, _ in files},
        )
        self.host.destroy_all()
        wait_for(
            "all are gone",
            lambda: tool.listen(0.1) is not None and sum(m["event"] == "gone" for m in tool.heard) == len(files),
        )
        self.close(tool)

    def test_too_large_xml_is_a_problem_said_once(self):
        """Neither libvirt nor we take more than 4 MiB at once, but a domain can grow beyond it by its metadata."""
        extra = f"<metadata><n:a xmlns:n='urn:n'>{'x' * (7 << 19)}</n:a></metadata>"
        name = self.host.create("xl", kind=KIND, extra=extra)
        tool = self.ready()
        self.assertEqual([m["name"] for m in tool.heard if m["event"] == "domain"], [name])
        element = f"<a>{'y' * (9 << 16)}</a>"
        answer = tool.done("metadata", uuid=self.host.uuid(name), key="hn", namespace=NAMESPACE, element=element)
        self.succeed(answer)
        problem = {"event": "problem", "error": re.compile(rf"domain {name}: libvirt does not give its XML")}
        tool.next(problem)
        other = self.ready()
        kinds = [m["event"] for m in other.heard]
        self.assertEqual(kinds, ["problem", "up"])
        again = self.host.create("small", kind=KIND)
        other.domain(again, "started")
        # tried again, not said again
        self.assertEqual([m for m in other.listen(6) if m["event"] == "problem"], [])
        self.close(tool)
        self.close(other)


class Connection(VirtTest):
    def test_libvirtd_goes_and_comes_back(self):
        stays, ends = self.host.create("stays", kind=KIND), self.host.create("ends", kind=KIND)
        tool = self.ready()
        gone = self.host.uuid(ends)
        self.host.stop()
        message = tool.next({"event": "down"})
        self.assertRegex(message["error"], "closed the connection|broke off")
        os.kill(self.host.qemu_pid(ends), signal.SIGKILL)
        # tried again and again, and not told again while the sentence is the same
        tool.next({"event": "down", "error": re.compile("cannot connect")})
        again = tool.listen(1.5)
        self.assertEqual([m for m in again if m["event"] == "down"], [])
        self.host.start()
        tool.domain(stays, "present")
        tool.up()
        self.assertEqual([m["uuid"] for m in tool.heard if m["event"] == "gone"], [gone])
        self.close(tool)

    def test_killed_libvirtd(self):
        name = self.host.create("k", kind=KIND)
        tool = self.ready()
        self.host.kill()
        tool.next({"event": "down"})
        self.host.start()
        tool.domain(name, "present")
        tool.up()
        self.host.virsh("suspend", name)
        tool.domain(name, "suspended")
        self.close(tool)

    def test_frozen_libvirtd_is_noticed(self):
        name = self.host.create("f", kind=KIND)
        tool = self.ready(keepalive=1000)
        self.host.freeze()
        self.addCleanup(self.host.thaw)
        first = time.monotonic()
        message = tool.next({"event": "down"}, 10)
        self.assertRegex(message["error"], "does not answer any more")
        self.assertLess(time.monotonic() - first, 5 * SLOWER)
        self.host.thaw()
        tool.domain(name, "present", 30)
        tool.up()
        self.close(tool)

    def test_a_call_to_a_frozen_libvirtd_fails_in_time(self):
        name = self.host.create("fc", kind=KIND)
        tool = self.ready(keepalive=60000, call=2000)
        self.host.freeze()
        self.addCleanup(self.host.thaw)
        first = time.monotonic()
        answer = tool.done("pin", uuid=self.host_uuid(tool, name), pins=[["emulator", 0, "0"]])
        self.assertLess(time.monotonic() - first, 5 * SLOWER)
        self.refuse(answer, 110, "not answered in time")
        tool.listen(0.2)
        self.assertEqual([m["error"].rsplit(": ")[-1] for m in tool.heard if m.get("event") == "down"],
                         ["a call was not answered in time"])
        # connecting to it does not hang either
        tool.next({"event": "down", "error": re.compile("cannot connect")}, 15)
        self.host.thaw()
        tool.up(30)
        self.close(tool)

    @staticmethod
    def host_uuid(tool, name):
        return next(m["uuid"] for m in tool.heard if m.get("name") == name)

    def test_ending_while_libvirtd_is_frozen(self):
        self.host.create("e", kind=KIND)
        tool = self.ready()
        self.host.freeze()
        self.addCleanup(self.host.thaw)
        first = time.monotonic()
        self.close(tool)
        self.assertLess(time.monotonic() - first, 2.5 * SLOWER)

    def test_without_libvirtd(self):
        self.host.stop()
        self.addCleanup(self.host.start)
        tool = self.tool()
        message = tool.next({"event": "down"})
        self.assertRegex(message["error"], r"cannot connect to libvirt at qemu:///system\?socket=.*: .*No such file")
        self.assertEqual(message["code"], -107)
        self.refuse(tool.done("pin", uuid="x", pins=[]), 107, "not connected")
        self.close(tool)

    def test_no_such_uri(self):
        tool = Tool("nonsense:///x")
        self.addCleanup(tool.kill)
        self.assertRegex(tool.next({"event": "down"})["error"], "nonsense")
        self.close(tool)


class Actions(VirtTest):
    def pins(self, name, *flags):
        text = self.host.virsh("vcpupin", name, *flags).stdout
        return {int(line.split()[0]): line.split()[1] for line in text.splitlines() if line.strip()}

    def test_pins_live(self):
        self.needs_kvm()
        name = self.host.create("pl", vcpus=2, extra=IOTHREADS)
        tool = self.ready()
        uuid = self.host.uuid(name)
        pins = [["vcpu", 0, "1"], ["vcpu", 1, "0"], ["emulator", 0, "0"], ["iothread", 2, "1"]]
        self.succeed(tool.done("pin", uuid=uuid, pins=pins, persistent=True))
        self.assertEqual(self.pins(name), {0: "1", 1: "0"})
        self.assertRegex(self.host.virsh("emulatorpin", name).stdout, r"(?m)^ *(\*: +)?0$")
        self.assertRegex(self.host.virsh("iothreadinfo", name).stdout, r" 2 +1\n")
        threads = {text: tid for tid, text in self.host.threads(name).items()}
        self.assertEqual(os.sched_getaffinity(threads["CPU 0/KVM"]), {1})
        self.assertEqual(os.sched_getaffinity(threads["CPU 1/KVM"]), {0})
        # told through an event, and in the XML
        tool.domain(name, "tunable", xml=re.compile("<vcpupin vcpu='0' cpuset='1'/>"))
        self.close(tool)

    def test_pins_persistent_or_not(self):
        self.needs_kvm()
        name = self.host.define("pp", vcpus=2)
        self.addCleanup(self.host.virsh, "undefine", name)
        tool = self.ready()
        uuid = self.host.uuid(name)
        self.succeed(tool.done("pin", uuid=uuid, pins=[["vcpu", 0, "1"]]))
        self.assertEqual(self.pins(name), {0: "1", 1: "0-1"})
        self.assertEqual(self.pins(name, "--config"), {0: "0-1", 1: "0-1"})
        self.succeed(tool.done("pin", uuid=uuid, pins=[["vcpu", 1, "0"]], persistent=True))
        self.assertEqual(self.pins(name, "--config"), {0: "0-1", 1: "0"})
        self.host.destroy_all()
        self.close(tool)

    def test_a_refused_pin_ends_it(self):
        self.needs_kvm()
        name = self.host.create("rp", vcpus=2)
        tool = self.ready()
        pins = [["vcpu", 0, "1"], ["vcpu", 7, "0"], ["vcpu", 1, "1"]]
        answer = tool.done("pin", uuid=self.host.uuid(name), pins=pins)
        self.assertRegex(answer["error"], rf"domain {name}: vCPU 7 could not be pinned to CPUs 0 \(1 of 3 had been\): .+")
        self.assertEqual(self.pins(name), {0: "1", 1: "0-1"})
        self.refuse(tool.done("pin", uuid=self.host.uuid(name), pins=[["vcpu", 0, ""]]), 22, "no CPU")
        answer = tool.done("pin", uuid=self.host.uuid(name), pins=[["vcpu", 0, "1999"]])
        self.assertRegex(answer["error"], "could not be pinned to CPUs 1999")
        self.close(tool)

    def test_no_such_domain(self):
        tool = self.ready()
        uuid = "00000000-1111-4222-8333-444444444444"
        self.refuse(tool.done("pin", uuid=uuid, pins=[["vcpu", 0, "0"]]), 2, uuid)
        idle = self.host.define("ni", kind=KIND, start=False)
        self.addCleanup(self.host.virsh, "undefine", idle)
        self.refuse(tool.done("pin", uuid=self.host.uuid(idle), pins=[["vcpu", 0, "0"]]), 2, "not running")
        self.refuse(tool.done("introspect", uuid=uuid), 2, uuid)
        self.close(tool)

    def test_pins_of_a_guest_without_vcpu_threads(self):
        """In software, with all vCPUs in one thread. Where each has one of its own, pins work in software too."""
        name = self.host.create("tcg", kind="qemu", vcpus=2, single_thread=True)
        tool = self.ready()
        answer = tool.done("pin", uuid=self.host.uuid(name), pins=[["vcpu", 0, "0"]])
        self.refuse(answer, 95, "cpu affinity is not supported")
        name = self.host.create("mttcg", kind="qemu", vcpus=2)
        self.succeed(tool.done("pin", uuid=self.host.uuid(name), pins=[["vcpu", 0, "1"]]))
        threads = {text: tid for tid, text in self.host.threads(name).items()}
        self.assertEqual(os.sched_getaffinity(threads["CPU 0/TCG"]), {1})
        self.close(tool)

    def test_nodes(self):
        tool = self.ready()
        for mode, works in (("restrictive", True), ("strict", False)):
            with self.subTest(mode=mode):
                numatune = f"<numatune><memory mode='{mode}' nodeset='0'/></numatune>"
                name = self.host.create(mode, kind=KIND, extra=numatune)
                answer = tool.done("nodes", uuid=self.host.uuid(name), nodes="0")
                if works:
                    self.succeed(answer)
                    self.assertRegex(self.host.virsh("numatune", name).stdout, r"numa_nodeset *: 0\n")
                else:
                    self.refuse(answer, 95, "memory could not be bound to nodes 0: .*numa mode")
        self.close(tool)

    def test_metadata(self):
        name = self.host.define("md", kind=KIND)
        self.addCleanup(self.host.virsh, "undefine", name)
        tool = self.ready()
        request = {"uuid": self.host.uuid(name), "key": "hn", "namespace": NAMESPACE}
        self.succeed(tool.done("metadata", **request, element="<guest mode='enforce'/>"))
        written = f"<hn:guest xmlns:hn=['\"]{NAMESPACE}['\"] mode=['\"]enforce['\"]/>"
        self.assertRegex(self.host.virsh("dumpxml", name).stdout, written)
        self.assertRegex(self.host.virsh("dumpxml", name, "--inactive").stdout, written)
        tool.domain(name, "metadata", xml=re.compile(written))
        self.succeed(tool.done("metadata", **request))
        self.assertNotIn(NAMESPACE, self.host.virsh("dumpxml", name).stdout)
        answer = tool.done("metadata", **request, element="<guest")
        self.assertIn("metadata could not be written", answer["error"])
        self.host.destroy_all()
        self.close(tool)

    def test_forgotten_replies(self):
        name = self.host.create("fr", kind=KIND)
        tool = self.ready()
        uuid = self.host.uuid(name)
        for _ in range(5):
            tool.order("pin", uuid=uuid, pins=[["emulator", 0, "0"]])
        tool.order("forget")
        tool.order("metadata", uuid=uuid, key="hn", namespace=NAMESPACE, element="<x/>")
        tool.next({"done": "metadata"})
        done = [m["done"] for m in tool.heard if "done" in m]
        self.assertLess(done.count("pin"), 5)
        self.assertNotIn("pin", done[done.index("forget"):])
        self.close(tool)


class Wires(VirtTest):
    def test_a_whole_introspection(self):
        name = self.host.create("in", kind=KIND, vcpus=4, mib=128, cells=2)
        tool = self.ready()
        answer = tool.done("introspect", uuid=self.host.uuid(name))
        self.succeed(answer)
        version = subprocess.run(["/usr/bin/qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True)
        major, minor, micro = re.search(r"version (\d+)\.(\d+)\.(\d+)", version.stdout).groups()
        self.assertEqual(answer["version"], int(major) * 10000 + int(minor) * 100 + int(micro))
        self.assertEqual(answer["name"], name)
        self.assertEqual((answer["vcpus"], answer["cells"], answer["backends"]), (4, 2, 2))
        self.assertEqual(answer["placed"], 2)
        self.assertEqual(answer["bytes"], 128 << 20)
        self.assertIn("custom-monitor", self.host.log())
        self.close(tool)

    def test_errors_come_back(self):
        name = self.host.create("er", kind=KIND)
        tool = self.ready()
        answer = tool.done("ask", uuid=self.host.uuid(name), wire="monitor", command="no-such-command")
        self.refuse(answer, 121, "CommandNotFound: The command no-such-command has not been found")
        answer = tool.done("ask", uuid=self.host.uuid(name), wire="monitor", command="query-name")
        self.assertEqual(answer["result"], {"name": name})
        self.close(tool)

    def test_agent_that_is_not_there(self):
        channel = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
        with_channel, without = self.host.create("ac", kind=KIND, devices=channel), self.host.create("an", kind=KIND)
        tool = self.ready()
        self.assertEqual({m["agent"] for m in tool.heard if m["event"] == "domain"}, {False})
        answer = tool.done("ask", uuid=self.host.uuid(without), wire="agent", command="guest-info")
        self.refuse(answer, 121, "agent is not configured")
        answer = tool.done("ask", uuid=self.host.uuid(with_channel), wire="agent", command="guest-info")
        self.refuse(answer, 121, "agent is not (responding|connected)")
        self.close(tool)

    def test_a_hung_monitor_holds_up_nothing_else(self):
        hung, well = self.host.create("hu", kind=KIND), self.host.create("we", kind=KIND)
        tool = self.ready(call=2000, repeat=300)
        hung_pid = self.host.qemu_pid(hung)
        os.kill(hung_pid, signal.SIGSTOP)
        try:
            tool.order("introspect", uuid=self.host.uuid(hung))
            time.sleep(0.3)
            first = time.monotonic()
            self.succeed(tool.done("pin", uuid=self.host.uuid(well), pins=[["emulator", 0, "0"]]))
            self.assertLess(time.monotonic() - first, 1.5 * SLOWER)
            # the wire ends when its call has taken too long, and the connection of the others stays
            tool.next({"event": "problem", "error": re.compile("monitor through libvirt")}, 10)
            self.succeed(tool.done("introspect", uuid=self.host.uuid(well)))
            self.assertEqual([m for m in tool.heard if m.get("event") == "down"], [])
        finally:
            os.kill(hung_pid, signal.SIGCONT)
        self.close(tool)

    def test_wires_end_with_the_domain(self):
        name = self.host.create("we", kind=KIND)
        tool = self.ready(call=20000)
        os.kill(self.host.qemu_pid(name), signal.SIGSTOP)
        tool.order("introspect", uuid=self.host.uuid(name))
        time.sleep(0.3)
        os.kill(self.host.qemu_pid(name), signal.SIGKILL)
        tool.next({"event": "wire-down"})
        tool.next({"event": "gone", "why": "stopped: failed"})
        self.close(tool)


if __name__ == "__main__":
    unittest.main()
