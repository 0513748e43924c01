"""The guests of a soak: slots with a name each, in which one process follows another. Real QEMUs, and processes that look
and answer like one (bench/mock-guest.c), of which a machine bears more."""

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import uuid

from harness import BUILD, QEMU, wait_for

MIB = 1 << 20
CELL_MIB = 8  # of a replayed guest; all of them share that memory
HOTPLUGS = 4  # of each kind that a guest gets in its life
LAYOUTS = {
    "cells": ("-smp", "2", "-m", "32M", "-object", "memory-backend-ram,id=ram-node0,size=16M,prealloc=on",
              "-object", "memory-backend-ram,id=ram-node1,size=16M", "-numa", "node,nodeid=0,memdev=ram-node0,cpus=0",
              "-numa", "node,nodeid=1,memdev=ram-node1,cpus=1"),
    "grows": ("-smp", f"1,maxcpus={1 + HOTPLUGS}", "-m", f"16M,slots={HOTPLUGS},maxmem=2G"),
    "plain": ("-smp", "1", "-m", "16M"),
}
MIGRATE_PAGES = {"x86_64": 256, "aarch64": 238}


def with_parent(*command):
    """The command, which ends when this process does, however that ends."""
    return ["setpriv", "--pdeathsig", "KILL", *map(str, command)]


class Slot:
    """A name, and the process that has it at present."""

    real = False

    def __init__(self, host, name):
        self.host, self.name, self.process, self.frozen = host, name, None, False
        self.path = host.socket_path(name)

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid if self.is_alive() else 0

    def has_socket(self):
        return os.path.exists(self.path)

    def start(self, chance):
        with contextlib.suppress(OSError):
            os.unlink(self.path)
        self.frozen = False
        self.launch(chance)
        wait_for(f"guest {self.name} listens", lambda: not self.is_alive() or self.has_socket(), 60)

    def end(self, number=signal.SIGKILL, leave_socket=False):
        if self.process is None:
            return
        if self.frozen:
            self.thaw()
        if self.is_alive():
            self.process.send_signal(number)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if not leave_socket:
            with contextlib.suppress(OSError):
                os.unlink(self.path)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)
        self.frozen = True

    def thaw(self):
        if self.frozen and self.is_alive():
            self.process.send_signal(signal.SIGCONT)
        self.frozen = False

    def stray(self, chance, nodes):
        """Its threads may run elsewhere than they belong, and its memory goes to some node."""
        cpus = sorted(os.sched_getaffinity(0))
        for task in os.listdir(f"/proc/{self.pid}/task"):
            with contextlib.suppress(OSError):
                os.sched_setaffinity(int(task), cpus if chance.random() < 0.7 else {chance.choice(cpus)})
        number = MIGRATE_PAGES.get(os.uname().machine)
        if number:
            bits = 8 * ctypes.sizeof(ctypes.c_ulong)
            old, new = ctypes.c_ulong(sum(1 << node for node in nodes)), ctypes.c_ulong(1 << chance.choice(nodes))
            ctypes.CDLL(None).syscall(number, self.pid, ctypes.c_ulong(bits), ctypes.byref(old), ctypes.byref(new))


class Replayed(Slot):
    def launch(self, chance):
        words = ["qemu-system-x86_64", self.path, self.host.memory, 2, CELL_MIB, 2, "-name", f"guest={self.name}",
                 "-uuid", uuid.uuid5(uuid.NAMESPACE_DNS, self.name)]
        # ends with its parent by itself
        self.process = subprocess.Popen(list(map(str, words)), executable=f"{BUILD}/bench/bench-mock-guest",
                                        pass_fds=[self.host.memory], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Real(Slot):
    real = True
    layout, plugged = "", None

    def launch(self, chance):
        self.layout, self.plugged = chance.choice(sorted(LAYOUTS)), {"cpu": 0, "memory": 0}
        self.process = subprocess.Popen(
            with_parent(QEMU, "-name", f"guest={self.name},debug-threads=on", "-accel", "tcg,thread=multi", "-S", "-display", "none",
                        "-nodefaults", "-net", "none", "-qmp", f"unix:{self.path},server=on,wait=off",
                        "-qmp", f"unix:{self.control},server=on,wait=off", *LAYOUTS[self.layout]),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(f"guest {self.name} has a monitor", lambda: not self.is_alive() or os.path.exists(self.control), 60)

    @property
    def control(self):
        return os.path.join(self.host.folder, f"{self.name}.ctl")

    def end(self, number=signal.SIGKILL, leave_socket=False):
        super().end(number, leave_socket)
        with contextlib.suppress(OSError):
            os.unlink(self.control)

    def ask(self, command, **arguments):
        """What the soak's own monitor answers; None when the guest has no time for it."""
        with contextlib.suppress(OSError, ValueError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as monitor:
            monitor.settimeout(20)
            monitor.connect(self.control)
            with monitor.makefile("rw") as stream:
                stream.readline()
                for request in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                    stream.write(json.dumps(request) + "\n")
                    stream.flush()
                    answer = {}
                    while "return" not in answer and "error" not in answer:
                        answer = json.loads(stream.readline())
                return answer
        return None

    def plug_memory(self):
        self.plugged["memory"] += 1
        name = f"dimm{self.plugged['memory']}"
        self.ask("object-add", **{"qom-type": "memory-backend-ram", "id": name, "size": 128 * MIB})
        return self.ask("device_add", driver="pc-dimm", id=f"of-{name}", memdev=name)

    def plug_cpu(self):
        free = [cpu for cpu in (self.ask("query-hotpluggable-cpus") or {}).get("return", []) if "qom-path" not in cpu]
        if not free:
            return None
        self.plugged["cpu"] += 1
        return self.ask("device_add", driver=free[0]["type"], id=f"cpu{self.plugged['cpu']}", **free[0]["props"])
