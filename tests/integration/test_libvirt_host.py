"""The harness of the libvirt tests keeps what it promises: a libvirtd apart from the machine's, and nothing left behind."""

import glob
import os
import signal
import subprocess
import unittest

from harness import wait_for
from libvirt_host import LibvirtHost, LibvirtTest, kvm_opens, processes

KIND = "kvm" if kvm_opens() else "qemu"


class TestLibvirtHost(LibvirtTest):
    def script(self, host, name, text):
        host.write(name, f"#!/bin/sh\n{text}\n")
        os.chmod(host.path(name), 0o755)
        return host.path(name)

    def test_guests_outlive_libvirtd_and_nothing_outlives_the_host(self):
        host = LibvirtHost()
        try:
            host.start()
            name = host.create("a", kind=KIND)
            pid = host.qemu_pid(name)
            host.restart()
            self.assertEqual(host.virsh("list", "--name").stdout.split(), [name])
            host.kill()
            self.assertEqual(host.qemu_pid(name), pid)
            host.start()
            self.assertEqual(host.virsh("domstate", name).stdout.strip(), "running")
            host.kill()
        finally:
            host.close()
        self.assertFalse(os.path.exists(host.folder))
        left = [argv for _, argv in processes() if any(host.prefix in word or host.folder in word for word in argv)]
        self.assertEqual(left, [])
        self.assertEqual(glob.glob(f"/sys/fs/cgroup/**/qemu-*{host.prefix}*", recursive=True), [])

    def test_two_hosts_know_nothing_of_each_other(self):
        one, two = self.libvirt(), self.libvirt()
        name = one.create("a", kind=KIND)
        self.assertEqual(two.virsh("list", "--all", "--name").stdout.split(), [])
        self.assertEqual(two.qemu_pids(), {})
        self.assertIn(name, one.qemu_pids())

    def test_hook_and_numad(self):
        host = self.libvirt(start=False)
        host.install_hook(self.script(host, "note", f'echo "$1 $2 $3" >> {host.path("hook.log")}; cat > /dev/null'))
        host.start()
        if not os.path.exists("/usr/bin/numad"):
            self.skipTest("numad is not installed")
        host.install_numad(self.script(host, "numad", f'echo "$@" > {host.path("numad.log")}; echo 0'))
        name = host.create("a", kind=KIND, vcpus=2, mib=64, vcpu_attributes="placement='auto'")
        with open(host.path("numad.log"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "-w 2:64\n")
        with open(host.path("hook.log"), encoding="utf-8") as file:
            self.assertEqual(
                file.read().splitlines(),
                [f"{name} {operation}" for operation in ("prepare begin", "start begin", "started begin")],
            )
        with open("/usr/bin/numad", "rb") as file:
            self.assertEqual(file.read(4), b"\x7fELF", "the machine's own numad is covered, too")
        inside = host.run(["/usr/bin/numad", "-w", "1:1"])
        self.assertEqual(inside.stdout, "0\n")

    def test_frozen_and_thawed(self):
        host = self.libvirt()
        host.freeze()
        with self.assertRaises(subprocess.TimeoutExpired):
            host.virsh("version", limit=0.5)
        host.thaw()
        wait_for("it answers again", host.answers)

    def test_a_libvirtd_that_crashes_is_started_again(self):
        host = self.libvirt()
        name = host.create("a", kind=KIND)
        host.signal(signal.SIGSEGV)
        wait_for("the next one knows the guest", lambda: name in host.virsh("list", "--name", check=False).stdout.split())
        self.assertTrue(host.running())
        host.restart()
        self.assertEqual(host.virsh("list", "--name").stdout.split(), [name])


if __name__ == "__main__":
    unittest.main()
