"""homenoded beside a real libvirtd: guests placed before they start, followed through their lives, and never kept from starting."""

import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from harness import BUILD, Host, in_chroot, wait_for
from libvirt_homenode import AUTO, HOOK, KIND, HomenodeLibvirtTest
from libvirt_host import LibvirtHost, LibvirtTest


class Start(HomenodeLibvirtTest):
    def test_a_guest_with_auto_placement_starts_where_it_was_reserved(self):
        self.host.start()
        name = self.virt.create("auto", kind=KIND, vcpus=2, mib=64, vcpu_attributes=AUTO)
        self.assertIn("about to start: reserved on node 0", self.host.log())
        report = self.wait_running(name)
        self.assertEqual(report["guest"]["pid"], self.virt.qemu_pid(name))
        self.assertEqual(report["guest"]["uuid"], self.virt.uuid(name))
        self.assertEqual(report["home"]["cells"][0]["nodes"], "0")
        reservation = self.reservations()[name]
        self.assertEqual((reservation["state"], reservation["answered"]), ("started", True))
        self.virt.virsh("destroy", name)
        wait_for("its room is free", lambda: name not in self.reservations())
        wait_for("it is no guest any more", lambda: name not in self.host.guests())
        self.stop_cleanly()

    def test_twenty_at_once_all_start_and_each_has_a_room(self):
        self.host.start()
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            names = list(pool.map(
                lambda i: self.virt.create(f"many{i}", kind=KIND, vcpus=1, mib=32, vcpu_attributes=AUTO), range(20)))
        reservations = self.reservations()
        self.assertEqual(sorted(set(names) & set(reservations)), sorted(names))
        self.assertTrue(all(reservations[name]["answered"] for name in names))
        for name in names:
            self.wait_running(name, 60)
        self.assertEqual([n for n in self.reservations() if n not in names], [])
        self.stop_cleanly()

    def seconds_to_start(self, suffix):
        name, path = self.virt.write_domain(suffix, kind=KIND, vcpus=1, mib=32, vcpu_attributes=AUTO)
        begin = time.monotonic()
        self.virt.virsh("create", path)
        took = time.monotonic() - begin
        self.virt.virsh("destroy", name)
        return took

    def median(self, suffix, count=5):
        return sorted(self.seconds_to_start(f"{suffix}{i}") for i in range(count))[count // 2]

    def test_a_daemon_that_hangs_or_is_not_there_keeps_no_guest_from_starting(self):
        self.host.start()
        well = self.median("well")
        self.host.daemon.send_signal(signal.SIGSTOP)
        hung = self.median("hung")
        self.host.daemon.send_signal(signal.SIGCONT)
        self.host.stop()
        gone = self.median("gone")
        # 250 ms are what the hook and numad may take together; the rest is this machine's noise
        self.assertLess(hung - well, 0.25 + 0.3, f"{well:.3f} s with a daemon, {hung:.3f} s with a frozen one")
        self.assertLess(gone - well, 0.05 + 0.3, f"{well:.3f} s with a daemon, {gone:.3f} s without")

    def test_a_daemon_killed_in_the_middle_keeps_no_guest_from_starting(self):
        for i in range(5):
            self.host.start()
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                starts = [pool.submit(self.virt.create, f"kill{i}-{j}", kind=KIND, mib=32, vcpu_attributes=AUTO)
                          for j in range(4)]
                time.sleep(0.02 * i)
                self.host.daemon.kill()
                self.host.daemon.wait()
                for start in starts:
                    start.result(timeout=60)
            self.virt.destroy_all()


class Life(HomenodeLibvirtTest):
    def test_pause_reset_save_and_restore_are_followed(self):
        self.host.start()
        name = self.virt.define("life", kind=KIND, vcpus=2, mib=64, cells=1)
        report = self.wait_running(name)
        self.assertEqual([(c["id"], c["memory_bytes"], c["vcpus"]) for c in report["guest"]["cells"]],
                         [(0, 64 << 20, "0-1")])
        self.virt.virsh("suspend", name)
        self.host.wait_guest(name, lambda r: r["guest"]["state"] == "paused", "seen paused")
        self.virt.virsh("resume", name)
        self.host.wait_guest(name, lambda r: r["guest"]["state"] == "running", "seen running again")
        self.virt.virsh("reset", name)
        self.assertEqual(self.wait_running(name)["guest"]["pid"], self.virt.qemu_pid(name))
        state = os.path.join(self.virt.folder, "state")
        self.virt.virsh("save", name, state)
        wait_for("it is no guest while it is saved", lambda: name not in self.host.guests())
        self.assertNotIn("started", [r["state"] for r in self.reservations().values()])
        self.virt.virsh("restore", state)
        self.assertEqual(self.wait_running(name)["guest"]["pid"], self.virt.qemu_pid(name))
        self.assertEqual(self.reservations()[name]["state"], "started")
        self.stop_cleanly()

    def test_vcpus_and_memory_that_are_plugged_in_are_seen(self):
        self.host.start()
        name = self.virt.define(
            "grow", kind=KIND, vcpus=1, max_vcpus=2, mib=64, cells=1,
            extra="<maxMemory slots='2' unit='MiB'>1024</maxMemory>")
        self.wait_running(name)
        self.virt.virsh("setvcpus", name, 2, "--live")
        # libvirt has no event for it: domains are looked at every 30 s as well
        self.host.wait_guest(name, lambda r: r["guest"]["cells"][0]["vcpus"] == "0-1", "seen with two vCPUs", 50)
        self.host.wait_guest(
            name, lambda r: {t["vcpu"] for t in r["guest"]["threads"] if t["kind"] == "vcpu"} == {0, 1},
            "seen with the new vCPU's thread")
        self.virt.write("dimm.xml", "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>")
        self.virt.virsh("attach-device", name, self.virt.path("dimm.xml"), "--live")
        self.host.wait_guest(name, lambda r: r["guest"]["cells"][0]["memory_bytes"] == 192 << 20, "seen with its DIMM")
        self.stop_cleanly()

    def test_a_crash_of_qemu_is_noticed(self):
        self.host.start()
        name = self.virt.create("crash", kind=KIND, mib=32)
        self.wait_running(name)
        os.kill(self.virt.qemu_pid(name), signal.SIGKILL)
        wait_for("it is gone", lambda: name not in self.host.guests())
        self.assertNotIn(name, self.reservations())
        self.stop_cleanly()

    def test_libvirtd_restarted_and_frozen_loses_no_guest(self):
        self.host.start()
        name = self.virt.define("stay", kind=KIND, mib=32)
        home = self.wait_running(name)["home"]
        self.virt.stop()
        self.host.wait_log("guests run on")
        self.assertIn(name, self.host.guests())
        self.virt.start()
        self.host.wait_log(r"(?s)guests run on.*libvirt: connected", 90)
        other = self.virt.create("later", kind=KIND, mib=32)
        self.wait_running(other)
        self.assertEqual(self.host.guest(name)["home"], home)
        self.stop_cleanly()

    def test_a_domain_that_ends_while_libvirtd_is_away_is_gone_afterwards(self):
        self.host.start()
        name = self.virt.define("ends", kind=KIND, mib=32)
        self.wait_running(name)
        self.virt.kill()
        os.kill(self.virt.qemu_pid(name), signal.SIGKILL)
        self.virt.start()
        wait_for("it is gone", lambda: name not in self.host.guests(), 60)
        wait_for("its room is free", lambda: name not in self.reservations(), 60)
        self.stop_cleanly()

    def test_the_daemon_restarted_knows_homes_and_rooms(self):
        self.host.start()
        name = self.virt.create("kept", kind=KIND, mib=32, vcpus=2, vcpu_attributes=AUTO)
        home = self.wait_running(name)["home"]
        before = self.reservations()[name]
        self.host.daemon.kill()
        self.host.daemon.wait()
        self.host.start()
        self.assertEqual(self.wait_running(name)["home"]["cells"], home["cells"])
        after = self.reservations()[name]
        self.assertEqual((after["state"], after["home"]["cells"]), (before["state"], before["home"]["cells"]))
        self.stop_cleanly()


class Settings(HomenodeLibvirtTest):
    def cli(self, *arguments, check=True):
        return subprocess.run(
            [f"{BUILD}/cli/homenode", "--socket", self.host.api, *arguments], capture_output=True, text=True, timeout=30,
            check=check)

    def test_settings_live_in_the_domain(self):
        self.host.start()
        name = self.virt.define("set", kind=KIND, mib=32)
        self.wait_running(name)
        self.cli("set", name, "mode=advise", "near=db")
        self.host.wait_guest(name, lambda r: r["guest"]["mode"] == "advise" and r["guest"]["near"] == "db", "advised")
        for xml in (self.virt.virsh("dumpxml", name).stdout, self.virt.virsh("dumpxml", "--inactive", name).stdout):
            self.assertRegex(xml, r"(?s)<metadata>.*mode=.advise.")
        self.virt.virsh("destroy", name)
        wait_for("it is gone", lambda: name not in self.host.guests())
        self.virt.virsh("start", name)
        self.assertEqual(self.wait_running(name)["guest"]["mode"], "advise")
        self.cli("set", name, "mode=", "near=")
        self.host.wait_guest(name, lambda r: r["guest"]["mode"] == "observe", "observed again")
        self.assertNotIn("homenode", self.virt.virsh("dumpxml", name).stdout)
        self.stop_cleanly()

    def test_metadata_written_by_virsh_counts_at_once(self):
        self.host.start()
        name = self.virt.define("meta", kind=KIND, mib=32)
        self.wait_running(name)
        self.virt.virsh("metadata", name, "urn:homenode:guest:1", "--key", "homenode", "--set", "<guest mode='off'/>",
                        "--live")
        self.host.wait_guest(name, lambda r: r["guest"]["mode"] == "off", "left alone")
        self.stop_cleanly()

    def test_wrong_settings_are_refused_and_change_nothing(self):
        self.host.start()
        name = self.virt.define("wrong", kind=KIND, mib=32)
        self.wait_running(name)
        before = self.virt.virsh("dumpxml", name).stdout
        for pair, pattern in (("mode=fast", "observe"), ("colour=red", "mode"), ("policy=best", "home-node"),
                              ("nodes=x", "x")):
            with self.subTest(pair=pair):
                done = self.cli("set", name, pair, check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertRegex(done.stderr, pattern)
        self.assertEqual(self.virt.virsh("dumpxml", name).stdout, before)
        self.stop_cleanly()


class Monitor(HomenodeLibvirtTest):
    libvirt_section = "introspect = monitor\n"

    def test_qemu_is_asked_through_libvirt_where_that_is_allowed(self):
        self.host.start()
        name = self.virt.define("ask", kind=KIND, vcpus=2, mib=64, cells=2)
        report = self.wait_running(name)
        self.assertTrue(all(b["host_address"] for b in report["guest"]["backends"]), report["guest"]["backends"])
        self.assertIn("custom-monitor", self.virt.virsh("dominfo", name).stdout + self.virt.qemu_log(name))
        self.virt.restart()
        other = self.virt.create("later", kind=KIND, mib=32)
        self.wait_running(other, 60)
        self.stop_cleanly()


class Proc(HomenodeLibvirtTest):
    def test_an_own_socket_of_the_guest_is_used_and_is_one_guest(self):
        self.host.start()
        socket = os.path.join(self.host.sockets, f"{self.virt.prefix}-two.qmp")
        xml = self.virt.domain_xml(self.virt.name("two"), kind=KIND, mib=32)
        xml = xml.replace("<domain ", "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' ", 1).replace(
            "</domain>", f"<qemu:commandline><qemu:arg value='-qmp'/><qemu:arg value='unix:{socket},server=on,wait=off'/>"
            "</qemu:commandline></domain>")
        self.virt.write("two.xml", xml)
        self.virt.virsh("create", self.virt.path("two.xml"))
        name = self.virt.name("two")
        self.wait_running(name)
        time.sleep(1)
        self.assertEqual(list(self.host.guests()), [name])
        self.virt.virsh("destroy", name)
        wait_for("it is gone", lambda: not self.host.guests())
        self.stop_cleanly()

    def test_backends_of_one_size_that_nothing_tells_apart_are_said_to_be_ambiguous(self):
        self.host.start()
        name = self.virt.define("twins", kind=KIND, vcpus=2, mib=128, cells=2)
        report = self.host.wait_guest(name, lambda r: r["guest"]["pid"] and r["problem"], "identified")
        self.assertRegex(report["problem"], "cannot be told")
        wait_for("it is said", lambda: re.search("ram-node0', 'ram-node1' cannot be told from outside", self.host.log()))
        self.stop_cleanly()


class Migration(HomenodeLibvirtTest):
    def hook(self, name, operation, xml):
        return self.virt.run([HOOK, name, operation, "begin", "-"], input=xml).stdout

    def test_pins_of_another_host_become_this_ones(self):
        self.host.start()
        name = self.virt.name("comes")
        xml = self.virt.domain_xml(
            name, kind=KIND, vcpus=2, mib=64,
            extra="<cputune><vcpupin vcpu='0' cpuset='40'/><vcpupin vcpu='1' cpuset='41'/><emulatorpin cpuset='42-43'/></cputune>"
            "<numatune><memory mode='strict' nodeset='5'/></numatune>")
        rewritten = self.hook(name, "migrate", xml)
        self.assertRegex(rewritten, "nodeset=.0.")
        self.assertNotRegex(rewritten, "nodeset=.5.|cpuset=.4")
        self.virt.write("comes.xml", rewritten)
        self.virt.virsh("create", self.virt.path("comes.xml"))
        self.wait_running(name)
        self.stop_cleanly()

    def test_xml_that_names_no_node_is_left_as_it_is(self):
        self.host.start()
        name = self.virt.name("plain")
        self.assertEqual(self.hook(name, "migrate", self.virt.domain_xml(name, kind=KIND, mib=64)), "")
        self.assertIn(name, self.reservations())
        self.stop_cleanly()

    def test_a_saved_guest_with_pins_of_another_host_is_restored(self):
        self.host.start()
        name = self.virt.define("moved", kind=KIND, vcpus=1, mib=32)
        state = os.path.join(self.virt.folder, "state")
        self.virt.virsh("save", name, state)
        xml = self.virt.virsh("save-image-dumpxml", state).stdout
        self.virt.write("pinned.xml", xml.replace(
            "</vcpu>", "</vcpu><cputune><vcpupin vcpu='0' cpuset='60'/></cputune>"
            "<numatune><memory mode='strict' nodeset='6'/></numatune>", 1))
        self.virt.virsh("restore", state, "--xml", self.virt.path("pinned.xml"), "--running")
        self.wait_running(name)
        self.stop_cleanly()


class Contained(LibvirtTest):
    """As KubeVirt has it: QEMU and a libvirtd of its own in pid and mount namespaces of their own."""

    def container(self, name, xml):
        folder = tempfile.mkdtemp(prefix="homenode-container-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        with open(f"{folder}/domain.xml", "w", encoding="utf-8") as file:
            file.write(xml)
        script = ["set -e"]
        for target in ("/etc/libvirt", "/run/libvirt", "/var/lib/libvirt", "/var/log/libvirt", "/var/cache/libvirt"):
            script += [f"mkdir -p {target}", f"mount -t tmpfs none {target}"]
        conf = ['security_driver = "none"', 'user = "root"', 'group = "root"', "remember_owner = 0", 'stdio_handler = "file"']
        if in_chroot():
            conf.append("namespaces = []")
        script += [
            "cat > /etc/libvirt/qemu.conf << X\n" + "\n".join(conf) + "\nX",
            "libvirtd -d > /dev/null 2>&1",
            f"for i in $(seq 300); do virsh -q create {folder}/domain.xml > /dev/null 2>&1 && break; sleep 0.1; done",
            f"echo started {name}", "exec sleep 600",
        ]
        process = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--propagation", "private", "sh", "-c",
             "\n".join(script)], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), f"started {name}\n")
        return process

    def test_a_guest_in_a_container_is_found_by_its_libvirt(self):
        host = Host()
        self.addCleanup(host.close)
        host.start()
        name = f"hn{os.getpid()}-pod"
        container = self.container(name, LibvirtHost.domain_xml(None, name, kind=KIND, vcpus=2, mib=64))
        report = host.wait_guest(name, lambda r: r["guest"]["state"] == "running" and r["sample"], "found and looked at", 60)
        pid = report["guest"]["pid"]
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            self.assertIn(f"guest={name}".encode(), file.read())
        tasks = {int(tid) for tid in os.listdir(f"/proc/{pid}/task")}
        vcpus = [t for t in report["guest"]["threads"] if t["kind"] == "vcpu"]
        self.assertEqual([t["vcpu"] for t in vcpus], [0, 1])
        self.assertLessEqual({t["tid"] for t in report["guest"]["threads"]}, tasks)
        self.assertIn("found one in a container", host.log())
        container.kill()
        wait_for("it is gone with its container", lambda: name not in host.guests(), 60)
        self.assertEqual(host.stop(), 0, host.log()[-2000:])


if __name__ == "__main__":
    unittest.main(verbosity=2)
