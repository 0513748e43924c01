"""What guests do, and what befalls them."""

import os
import signal

from harness import FalseMonitor
from population import HOTPLUGS, Real

MOST_MONITORS = 3
WORDS = (b"", b"220 mail.example.org ESMTP\r\n", b'{"QMP": {"version": {}}}\r\n', b"{" * 100000)


class Life:
    """Every deed returns False when there was nobody to do it to."""

    def __init__(self, host, chance, later):
        self.host, self.chance, self.later = host, chance, later
        self.nodes, self.monitors = [0], []

    def table(self):
        return {"start": (14, self.start), "quit": (2, self.quit), "kill": (4, self.kill), "freeze": (2, self.freeze),
                "pause": (4, self.pause), "plug-cpu": (3, self.plug_cpu), "plug-memory": (3, self.plug_memory),
                "stray": (12, self.stray), "false-monitor": (1, self.false_monitor)}

    def slot(self, kind=None, alive=True):
        found = [slot for slot in self.host.slots
                 if slot.is_alive() == alive and not slot.frozen and (kind is None or isinstance(slot, kind))]
        return self.chance.choice(found) if found else None

    def start(self):
        slot = self.slot(alive=False)
        return slot.start(self.chance) if slot else False

    def quit(self):
        slot = self.slot()
        return slot.end(signal.SIGTERM) if slot else False

    def kill(self):
        slot = self.slot()
        return slot.end(signal.SIGKILL, leave_socket=self.chance.random() < 0.5) if slot else False

    def freeze(self):
        slot = self.slot()
        if not slot:
            return False
        slot.freeze()
        self.later(self.chance.uniform(1, 15), slot.thaw)
        return True

    def pause(self):
        slot = self.slot(Real)
        return slot.ask(self.chance.choice(("stop", "cont"))) if slot else False

    def plug(self, kind, what):
        slot = self.slot(Real)
        return what(slot) if slot and slot.layout == "grows" and slot.plugged[kind] < HOTPLUGS else False

    def plug_memory(self):
        return self.plug("memory", Real.plug_memory)

    def plug_cpu(self):
        return self.plug("cpu", Real.plug_cpu)

    def stray(self):
        slot = self.slot()
        return slot.stray(self.chance, self.nodes) if slot else False

    def false_monitor(self):
        """A socket with no QEMU behind it, for a while."""
        path, words = self.host.socket_path(f"false-{self.chance.randrange(MOST_MONITORS)}"), self.chance.choice(WORDS)
        if os.path.exists(path):
            return False

        def behave(connection):
            connection.sendall(words)
            connection.recv(4096)

        monitor = FalseMonitor(path, behave)
        self.monitors.append(monitor)

        def end():
            self.monitors.remove(monitor)
            monitor.close()

        self.later(self.chance.uniform(2, 20), end)
        return True

    def close(self):
        for monitor in self.monitors:
            monitor.close()
