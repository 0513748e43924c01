"""Real QEMUs seen from outside: found in /proc, in a pid namespace of their own too, their memory told without QMP and
held against what QMP says, and the processes that serve them."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

from harness import BUILD, QEMU, HostTest, needs_qemu, wait_for

MIB = 1 << 20
VIRTIOFSD = next((path for path in ("/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd") if os.path.exists(path)), None)
needs_root = unittest.skipUnless(os.geteuid() == 0, "needs root")


def outside(*arguments):
    """The lines that the test's program prints."""
    done = subprocess.run([f"{BUILD}/tests/integration/outside", *map(str, arguments)], capture_output=True, text=True,
                          timeout=60, check=False)
    if done.returncode:
        raise AssertionError(f"outside {arguments}: {done.stderr}")
    return [line.split(" ") for line in done.stdout.splitlines()]


def found(name):
    return next((line for line in outside("find") if line[3] == name), None)


def cells(kind, *sizes, options=("", "")):
    """QEMU's arguments for cells of those MiB, each with a backend of that kind; options may hold {cell}."""
    arguments = ["-m", f"{sum(sizes)}M", "-smp", str(len(sizes))]
    for cell, size in enumerate(sizes):
        more = options[cell % len(options)].format(cell=cell)
        arguments += ["-object", f"memory-backend-{kind},id=ram-node{cell},size={size}M{more}"]
        arguments += ["-numa", f"node,nodeid={cell},memdev=ram-node{cell},cpus={cell}"]
    return arguments


@needs_qemu
class Memory(HostTest):
    def setUp(self):
        super().setUp()
        self.host.start()

    def matched(self, name, *arguments, said=("", "")):
        """(addresses as QMP tells them, as told from outside, notes); said: ":POLICY:NODES" of each backend."""
        process = self.host.qemu(name, *arguments)
        guest = self.host.wait_guest(name, lambda r: r["sample"], "looked at")["guest"]
        told = {b["id"]: int(b["host_address"]) for b in guest["backends"]}
        self.assertTrue(told and all(told.values()), guest["backends"])
        lines = outside("match", process.pid, *(f"{b['id']}:{b['cell']}:{b['bytes']}{said[max(b['cell'], 0) % len(said)]}"
                                                for b in guest["backends"]))
        notes = [" ".join(line[1:]) for line in lines if line[0] == "note"]
        return told, {line[0]: int(line[1]) for line in lines if line[0] != "note"}, notes

    def assert_told(self, name, *arguments, **more):
        told, seen, notes = self.matched(name, *arguments, **more)
        self.assertEqual(seen, told)
        self.assertEqual(notes, [])

    def assert_open(self, name, *arguments, **more):
        told, seen, notes = self.matched(name, *arguments, **more)
        self.assertEqual(set(seen), set(told))
        self.assertEqual(set(seen.values()), {0})
        self.assertEqual(len(notes), 1)
        self.assertIn("cannot be told", notes[0])

    def test_one_cell(self):
        self.assert_told("plain", "-m", "96M")

    def test_sizes(self):
        self.assert_told("sizes", *cells("ram", 64, 96, 128))

    def test_a_size_that_is_no_multiple_of_a_huge_page(self):
        self.assert_told("odd", *cells("ram", 65, 67))

    def test_file_names(self):
        self.assert_told("file", *cells("file", 64, 64, options=(",mem-path=/dev/shm", ",mem-path=/dev/shm,share=on")))
        folder = os.path.join(self.host.folder, "qemu", "ram", "1-g")
        os.makedirs(folder)
        self.assert_told("named", *cells("file", 64, 64, options=(f",mem-path={folder}/ram-node{{cell}}",)))

    def test_policies(self):
        self.assert_told("policy", *cells("memfd", 64, 64, options=(",host-nodes=0,policy=bind",
                                                                    ",host-nodes=0,policy=preferred")),
                         said=(":bind:0", ":preferred:0"))

    def test_equal_ones_are_left_open(self):
        self.assert_open("equal", *cells("ram", 64, 64))
        self.assert_open("memfd", *cells("memfd", 64, 64))
        self.assert_open("bound", *cells("memfd", 64, 64, options=(",host-nodes=0,policy=bind",)), said=(":bind:0",))

    def test_a_plugged_dimm_of_another_size(self):
        self.assert_told("dimm", "-m", "64M,slots=1,maxmem=1G", "-object", "memory-backend-ram,id=d,size=96M", "-device",
                         "pc-dimm,memdev=d")

    def test_video_memory_of_the_same_size_is_not_taken_for_it(self):
        self.assert_open("video", "-m", "64M", "-device", "VGA,vgamem_mb=64")


@needs_qemu
class Find(HostTest):
    def test_a_qemu_is_found(self):
        process = self.host.qemu("found", "-m", "64M", "-uuid", "0ABCDEF0-1111-4222-8333-444444444444")
        self.assertEqual(found("found"), [str(process.pid), str(process.pid), "0", "found",
                                          "0abcdef0-1111-4222-8333-444444444444", "-"])
        process.kill()
        process.wait()
        self.assertIsNone(found("found"))


@needs_qemu
@needs_root
class Contained(HostTest):
    def qemu_inside(self, name):
        """A QEMU in pid and mount namespaces of its own, with a /run of its own; its monitor for homenode is outside."""
        unshare = shutil.which("unshare")
        if not unshare or subprocess.run([unshare, "-p", "-m", "-f", "true"], capture_output=True, check=False).returncode:
            self.skipTest("no right to make namespaces")
        process = subprocess.Popen(
            [unshare, "-p", "-m", "-f", "--kill-child", "--mount-proc", "sh", "-c",
             f"mount -t tmpfs none /run && exec {QEMU} -name guest={name},debug-threads=on -accel tcg,thread=multi -S "
             "-display none -nodefaults -smp 2 -m 64M -qmp unix:/run/inside.qmp,server=on,wait=off "
             f"-qmp unix:{self.host.socket_path(name)},server=on,wait=off"])
        self.host.processes.append(process)
        return wait_for(f"QEMU {name} is found with its monitors",
                        lambda: (line := found(name)) and len(line) == 8 and line)

    def test_it_is_found_and_its_monitor_reached(self):
        pid, inside, contained, _, _, libvirt, *monitors = self.qemu_inside("boxed")
        self.assertEqual(contained, "1")
        self.assertNotEqual(pid, inside)
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            numbers = next(line.split()[1:] for line in file if line.startswith("NSpid:"))
        self.assertEqual((numbers[0], numbers[-1]), (pid, inside))
        self.assertEqual(libvirt, "-")
        self.assertEqual(monitors[0], f"/proc/{pid}/root/run/inside.qmp")
        self.assertFalse(os.path.exists("/run/inside.qmp"))
        os.symlink(monitors[0], os.path.join(self.host.folder, "boxed.ctl"))
        self.assertEqual(self.host.qmp("boxed", "query-name")["return"], {"name": "boxed"})

    def test_its_threads_are_known_by_the_hosts_numbers(self):
        self.host.start()
        pid, inside, *_ = self.qemu_inside("boxed")
        report = self.host.wait_guest("boxed", lambda r: r["sample"], "looked at")
        self.assertEqual(report["guest"]["pid"], int(pid))
        vcpus = [t for t in report["guest"]["threads"] if t["kind"] == "vcpu"]
        self.assertEqual([t["vcpu"] for t in vcpus], [0, 1])
        for thread in vcpus:
            with open(f"/proc/{pid}/task/{thread['tid']}/comm", encoding="ascii") as file:
                self.assertEqual(file.read().strip(), f"CPU {thread['vcpu']}/TCG")
        # it is looked at again and again, and not taken for a new guest each time it is asked what it is made of
        taken = report["sample"]["taken_ns"]
        os.symlink(f"/proc/{pid}/root/run/inside.qmp", os.path.join(self.host.folder, "boxed.ctl"))
        self.host.qmp("boxed", "system_reset")
        time.sleep(1)
        self.host.wait_guest("boxed", lambda r: r["sample"] and r["sample"]["taken_ns"] > taken, "looked at again")
        self.assertEqual(self.host.log().count(f"guest 'boxed': pid {pid}"), 1)
        self.assertNotEqual(inside, pid)
        # its folder is the host's as well: one socket by two paths
        self.host.wait_log(r"socket \S*boxed\.qmp has appeared")
        self.assertEqual(self.host.log().count("boxed.qmp has appeared"), 1, self.host.log())
        self.assertEqual(len(self.host.call("GET", "/v1/guests")[1]["guests"]), 1)
        self.assertEqual(self.host.stop(), 0)

    def test_one_socket_by_two_paths_is_one_guest(self):
        self.qemu_inside("boxed")
        self.host.start()
        self.host.wait_guest("boxed", lambda r: r["sample"], "looked at")
        # the census that follows knows the socket by its path in the container
        time.sleep(1)
        self.assertEqual(self.host.log().count("boxed.qmp has appeared"), 1, self.host.log())
        self.assertEqual(self.host.stop(), 0)


@needs_qemu
@needs_root
class Helpers(HostTest):
    @unittest.skipUnless(VIRTIOFSD, "virtiofsd is not installed")
    def test_virtiofsd_is_one_of_its_threads(self):
        self.host.start()
        share, path = (os.path.join(self.host.folder, name) for name in ("share", "fs.sock"))
        os.mkdir(share)
        log = open(os.path.join(self.host.folder, "virtiofsd.log"), "wb")
        self.addCleanup(log.close)
        # its parent waits for it and ends with it
        daemon = subprocess.Popen([VIRTIOFSD, f"--socket-path={path}", "-o", f"source={share}"], stderr=log)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.terminate)
        wait_for("virtiofsd listens", lambda: os.path.exists(path))
        process = self.host.qemu(
            "fs", "-m", "64M", "-object", "memory-backend-memfd,id=m,size=64M,share=on", "-machine",
            "q35,memory-backend=m", "-chardev", f"socket,id=c,path={path}", "-device", "vhost-user-fs-pci,chardev=c,tag=x")
        if not any(os.access(f"/sys/fs/cgroup{at}/cgroup.procs", os.R_OK) for at in ("", "/unified")):
            self.skipTest("no cgroup v2 here")
        self.assertIn([str(daemon.pid)], outside("helpers", process.pid))
        report = self.host.wait_guest("fs", lambda r: r["sample"], "looked at")
        helpers = [t for t in report["guest"]["threads"] if t["kind"] == "helper"]
        self.assertIn(daemon.pid, [t["tid"] for t in helpers])
        self.assertEqual({t["name"] for t in helpers}, {"virtiofsd"})
        daemon.terminate()
        self.host.qmp("fs", "quit")
        time.sleep(0.1)
        self.assertEqual(self.host.stop(), 0)


def virsh(*arguments, check=True):
    return subprocess.run(["virsh", "-c", "qemu:///system", *arguments], capture_output=True, text=True, timeout=60,
                          check=check).stdout


def libvirt_answers():
    try:
        return bool(virsh("version"))
    except (OSError, subprocess.SubprocessError):
        return False


DOMAIN = """
<domain type='{type}'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>128</memory>
  <vcpu>2</vcpu>
  <numatune><memory mode='strict' nodeset='0'/>
    <memnode cellid='0' mode='strict' nodeset='0'/><memnode cellid='1' mode='preferred' nodeset='0'/></numatune>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB'/><cell id='1' cpus='1' memory='64' unit='MiB'/></numa></cpu>
  <devices>{devices}</devices>
</domain>
"""


@needs_root
@unittest.skipUnless(libvirt_answers(), "no libvirtd runs here")
class Libvirts(unittest.TestCase):
    def setUp(self):
        self.name = f"homenode-test-outside.{os.getpid()}"
        uuid = f"e0000000-1111-4222-8333-{os.getpid():012d}"
        self.tpm = shutil.which("swtpm") is not None
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            file.write(DOMAIN.format(
                type="kvm" if os.access("/dev/kvm", os.R_OK | os.W_OK) else "qemu", name=self.name, uuid=uuid,
                devices="<tpm model='tpm-tis'><backend type='emulator' version='2.0'/></tpm>" if self.tpm else ""))
            file.flush()
            virsh("create", file.name, "--paused")
        self.addCleanup(virsh, "destroy", self.name, check=False)
        self.uuid = uuid

    def test_a_guest_of_libvirts_is_told_without_its_monitor(self):
        pid, inside, contained, _, uuid, libvirt, *monitors = found(self.name)
        self.assertEqual((inside, contained, uuid, libvirt, monitors), (pid, "0", self.uuid, "-", []))
        helpers = [int(line[0]) for line in outside("helpers", pid)]
        commands = [pathlib.Path(f"/proc/{helper}/cmdline").read_text(encoding="utf-8") for helper in helpers]
        self.assertEqual([os.path.basename(command.split("\0")[0]) for command in commands], ["swtpm"] * self.tpm)
        self.assertTrue(all(self.uuid in command or self.name[:20] in command for command in commands), commands)
        lines = outside("match", pid, f"ram-node0:0:{64 * MIB}:bind:0", f"ram-node1:1:{64 * MIB}:preferred:0")
        self.assertEqual([line[0] for line in lines], ["ram-node0", "ram-node1"])
        for line, address in zip(lines, (0, 64 * MIB)):
            said = virsh("qemu-monitor-command", self.name, "--hmp", f"gpa2hva {address}")
            self.assertIn(f"({line[0]}) is {int(line[1]):#x}", said)


if __name__ == "__main__":
    unittest.main()
