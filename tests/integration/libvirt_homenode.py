"""A homenoded beside a libvirtd of the test's own, with homenode's hook and numad in it."""

import os

from harness import BUILD, Host, wait_for
from libvirt_host import LibvirtHost, LibvirtTest, kvm_opens

KIND = "kvm" if kvm_opens() else "qemu"
AUTO = "placement='auto'"
HOOK, NUMAD = f"{BUILD}/hooks/homenode-hook", f"{BUILD}/hooks/numad"


class HomenodeLibvirtTest(LibvirtTest):
    """self.virt is the libvirtd, self.host the homenoded, which the test starts."""

    mode, libvirt_section, tick = "observe", "", "200ms"

    def setUp(self):
        self.virt, self.host = self.pair()

    def pair(self, **options):
        virt = LibvirtHost(**options)
        self.addCleanup(virt.close)
        host = Host(mode=self.mode, tick=self.tick, libvirt=f"uri = {virt.uri}\n{self.libvirt_section}")
        self.addCleanup(host.close)
        # where hook and numad look for the daemon: its folder lies over /run/homenode in there
        os.makedirs(os.path.dirname(host.api), exist_ok=True)
        virt.run(["mkdir", "-p", "/run/homenode"])
        virt.run(["mount", "--bind", os.path.dirname(host.api), "/run/homenode"])
        virt.install_hook(HOOK, "50-homenode")
        virt.install_numad(NUMAD)
        return virt.start(), host

    def reservations(self, host=None):
        answer = (host or self.host).call("GET", "/v1/reservations")[1]
        return {r["guest"]["name"]: r for r in answer["reservations"]}

    def wait_running(self, name, limit=20, host=None):
        return (host or self.host).wait_guest(
            name, lambda r: r["guest"]["state"] == "running" and r["sample"], "seen running and looked at", limit)

    def wait_gone(self, name, limit=20):
        wait_for(f"'{name}' is no guest any more", lambda: name not in self.host.guests(), limit)

    def stop_cleanly(self, host=None):
        host = host or self.host
        self.assertEqual(host.stop(), 0, host.log()[-2000:])
