"""Where a soak takes place: a homenoded with its hands, slots for guests, a small disk for the history, certificates."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import time

import jsonschema

from certificates import Authority, client
from harness import BUILD, SLOWER, Host, UnixConnection, wait_for
from population import CELL_MIB, MIB, Real, Replayed, with_parent

LIMIT = 20 * SLOWER  # seconds in which anything asked of the API is answered
PATIENCE = 90 * SLOWER  # and that it may see a thing wrong: a look that hangs, hands that are replaced
DISK_MIB = 12
# One realtime guest, and it runs: of few CPUs, one that is placed would leave none to the others.
SETTINGS = """[homenoded]
reserved_cpus = {reserved}
[api]
listen = {listen}
cert = {cert}
key = {key}
ca = {ca}
[store]
size = 4M
[moves]
looks = 1
settle = 1s
at_once = 2
rate_limit = 200M
[guest *-1]
mode = observe
[guest *-2]
mode = advise
[guest replayed-3]
class = realtime
[guest *-4]
mode = off
[guest *-5]
policy = adaptive
pins = override
[guest *]
pins = override
"""


class Broken(Exception):
    """Something that has to hold does not."""


def children_of(pid):
    """Oldest first."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]
    return []


def state_of(pid):
    """R, S, T, Z and so on; "" when there is no such process."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[0]
    return ""


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Scene(Host):
    def __init__(self, real, replayed, has_disk):
        cpus = sorted(os.sched_getaffinity(0))
        super().__init__("enforce", "1s")
        self.authority = Authority(os.path.join(self.folder, "certificates"))
        self.server = self.authority.issue("server", "/CN=localhost", "serverAuth")
        self.identity = self.authority.issue("operator", "/CN=soak/OU=homenode-operator")
        self.port = free_port()
        with open(self.config, "a", encoding="utf-8") as file:
            # threads that may run on the reserved CPU are not at home: work for homenoded on a machine of one node, too
            file.write(SETTINGS.format(reserved=cpus[0] if len(cpus) > 1 else "none", listen=f"127.0.0.1:{self.port}",
                                       cert=self.server[0], key=self.server[1], ca=self.authority.file))
        self.memory = os.memfd_create("memory-backend-memfd", 0)
        os.write(self.memory, b"\1" * (CELL_MIB * MIB))
        self.slots = [Real(self, f"real-{i}") for i in range(real)] + [Replayed(self, f"replayed-{i}") for i in range(replayed)]
        self.disk = os.path.dirname(self.history) if has_disk else None
        if self.disk:
            os.makedirs(self.disk)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "none", self.disk], check=True)
        self.starts, self.stopped = 0, []

    def start(self, *arguments):
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.daemon = subprocess.Popen(with_parent(f"{BUILD}/daemon/homenoded", "--config", self.config, "--log-level", "info",
                                                       *arguments), stderr=log)
        self.starts += 1
        wait_for("homenoded listens", lambda: self.daemon.poll() is not None or self.answers(), 60)
        self.look_alive()

    def look_alive(self):
        if self.daemon.poll() is not None:
            raise Broken(f"homenoded has ended by itself, with status {self.daemon.returncode}")

    def ask(self, method, path, body=None, headers=None):
        """(status, value, headers), checked against openapi.yaml; an answer that is late, or an accident of homenoded's, breaks
        the soak."""
        try:
            answer = self.exchange(method, path, body, headers, UnixConnection(self.api, LIMIT))
        except TimeoutError:
            raise Broken(f"{method} {path} was not answered within {LIMIT:.0f} s") from None
        except jsonschema.ValidationError as error:
            raise Broken(f"{method} {path} is answered as openapi.yaml does not tell: {error.message[:500]}") from None
        except (OSError, http.client.HTTPException) as error:
            time.sleep(1)  # one that crashes takes a moment to end
            self.look_alive()
            raise Broken(f"{method} {path}: {error!r}") from None
        if answer[0] == 500:
            raise Broken(f"{method} {path} is answered 500: {answer[1]}")
        return answer

    def ask_over_tls(self, path):
        """The status; None for a connection that was not let in."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), LIMIT) as plain:
            with client(self.authority, self.identity).wrap_socket(plain, server_hostname="localhost") as stream:
                stream.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
                return int(stream.recv(4096).split()[1])
        return None

    def wake_hands(self):
        """Those that were stopped cannot see that homenoded has ended."""
        for pid in self.stopped:
            if state_of(pid) == "T":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        self.stopped.clear()

    def kill(self):
        """homenoded ends as if its machine had been switched off; its hands have to follow by themselves."""
        hands = children_of(self.daemon.pid)
        self.daemon.kill()
        self.daemon.wait()
        for pid in hands:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)  # one that was stopped cannot see it
        end = time.monotonic() + LIMIT
        while any(state_of(pid) not in ("", "Z") for pid in hands):
            if time.monotonic() > end:
                raise Broken(f"homenode-host runs on {LIMIT:.0f} s after homenoded was killed")
            time.sleep(0.05)

    def restart(self):
        try:
            code = self.stop()
        except subprocess.TimeoutExpired:
            raise Broken("homenoded has not ended on SIGTERM") from None
        if code != 0:
            raise Broken(f"homenoded ended with status {code} on SIGTERM")
        self.start()

    def fill_disk(self):
        with contextlib.suppress(OSError), open(os.path.join(self.disk, "filler"), "wb", buffering=0) as file:
            while file.write(b"\1" * 4096) == 4096:
                pass

    def empty_disk(self):
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(self.disk, "filler"))

    def alive(self):
        return [slot for slot in self.slots if slot.is_alive()]

    def close(self):
        self.wake_hands()
        for slot in self.slots:
            slot.end()
        if self.daemon is not None:
            for pid in children_of(self.daemon.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            self.daemon.kill()
            self.daemon.wait()
            self.daemon = None
        if self.disk:
            subprocess.run(["umount", "--lazy", self.disk], check=False)
        os.close(self.memory)
        shutil.rmtree(self.folder, ignore_errors=True)
