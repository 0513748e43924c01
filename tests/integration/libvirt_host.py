"""A real libvirtd of the test's own, as root and without systemd, that leaves the machine's libvirt alone.

    class Some(LibvirtTest):              # skips with a reason where there is no root, libvirtd or unshare
        def test_it(self):
            host = self.libvirt()         # started; ended and cleaned up with the test
            name = host.create("a", vcpus=2, mib=64)     # a guest that runs; its name is unique to this run
            host.virsh("suspend", name)
            host.restart()                # the guests run on, and the new libvirtd finds them
            subprocess.run([tool, host.uri])             # anything can connect, from outside as well

The libvirtd lives in a mount namespace: folders of a temporary folder lie over /etc/libvirt, /run/libvirt, /var/lib/libvirt,
/var/log/libvirt and /var/cache/libvirt, an empty one over /run/dbus (so that cgroups are made by libvirt itself and not by
a systemd-machined). The same folders are reached from outside, by their names on LibvirtHost:

    host.uri                      for virConnectOpen() and virsh -c, in and outside the namespace
    host.etc, .run_folder, .lib, .log_folder
    host.run(argv), host.popen(argv)      a program inside the namespace; argv with absolute paths, the folder is /
    host.install_hook(path)       as /etc/libvirt/hooks/qemu.d/NAME; the first is not seen before libvirtd's next start:
                                  host = self.libvirt(start=False); host.install_hook(...); host.start()
    host.install_numad(path)      over /usr/bin/numad, for everything in the namespace, at once
    host.qemu_pid(name), host.threads(name)      of a guest, from /proc
    host.log()                    what libvirtd said

Processes, pids and cgroups are the machine's own; guests are told apart by their names. Several hosts may run at once.
Logs of QEMU go to files (stdio_handler = "file"), so no virtlogd is needed.
"""

import contextlib
import ctypes
import glob
import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from harness import SLOWER, in_chroot, wait_for

EMULATOR = "/usr/bin/qemu-system-x86_64"
UNUSED_EMULATORS = ("/usr/bin/qemu-system-i386",)
FOLDERS = {  # in the temporary folder: where it lies in the namespace
    "etc": "/etc/libvirt",
    "run": "/run/libvirt",
    "lib": "/var/lib/libvirt",
    "log": "/var/log/libvirt",
    "cache": "/var/cache/libvirt",
}
QEMU_CONF = """\
security_driver = "none"
user = "root"
group = "root"
remember_owner = 0
stdio_handler = "file"
"""
LIBVIRTD_CONF = """\
auth_unix_rw = "none"
auth_unix_ro = "none"
unix_sock_rw_perms = "0700"
"""


PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h

# libvirtd's own faults, not a test's doing: that of libvirt 9.0 can end so when clients hung up while it was frozen
CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT)


def keep():
    """The keeper's life, inside the namespace: starts what it is told to and takes in libvirt's orphans.

    libvirt waits for a QEMU that it ended until somebody has reaped it, and where pid 1 is slow at that each guest's end
    takes seconds. What was started and crashes is started again, as systemd would; its pid is said each time.
    When standard input is closed, by close() or by the test's death, everything goes.
    """
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    print("ready", flush=True)
    started = {}

    def start(order):
        with open(order["log"], "ab") as log:
            child = subprocess.Popen(order["argv"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        child.returncode = 0  # reaped below
        started[child.pid] = order
        print(child.pid, flush=True)

    def reap():
        pid = 1
        while pid:
            pid, status = os.waitpid(-1, os.WNOHANG)
            order = started.pop(pid, None)
            if order and os.WIFSIGNALED(status) and os.WTERMSIG(status) in CRASHES:
                name = signal.Signals(os.WTERMSIG(status)).name
                print(f"{order['argv'][0]} crashed ({name}), it is started again", file=sys.stderr, flush=True)
                start(order)

    while True:
        with contextlib.suppress(ChildProcessError):
            reap()
        if select.select([0], [], [], 0.02)[0]:
            line = sys.stdin.readline()
            if not line:
                break
            start(json.loads(line))
    while True:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            children = file.read().split()
        if not children:
            break
        for pid in children:
            os.kill(int(pid), signal.SIGKILL)
            os.waitpid(int(pid), 0)


def missing():
    """Why there can be no libvirtd here, or None."""
    if os.geteuid() != 0:
        return "a libvirtd of its own needs root"
    for program in ("libvirtd", "virsh", "unshare", "nsenter", "mount"):
        if not shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin"):
            return f"{program} is not installed"
    if not os.path.exists(EMULATOR):
        return f"{EMULATOR} is not installed"
    trial = subprocess.run(["unshare", "--mount", "--propagation", "private", "true"], capture_output=True, check=False)
    if trial.returncode != 0:
        return f"no mount namespace can be made: {trial.stderr.decode().strip()}"
    return None


def kvm_opens():
    """Whether guests of kind 'kvm' can run."""
    with contextlib.suppress(OSError):
        os.close(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
        return True
    return False


def processes():
    """(pid, argv) of every process, kernel threads aside."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/cmdline", "rb") as file:
                argv = file.read().decode(errors="replace").split("\0")
                if argv[0]:
                    yield int(entry), argv


class LibvirtHost:
    """A namespace with a libvirtd in it, and its guests."""

    numbers = itertools.count(1)

    def __init__(self, qemu_conf="", libvirtd_conf=""):
        """Each text is put behind the configuration of the host's own."""
        self.folder = tempfile.mkdtemp(prefix="homenode-libvirt-")
        os.chmod(self.folder, 0o755)
        for name in (*FOLDERS, "etc/hooks", "etc/hooks/qemu.d", "empty"):
            os.mkdir(self.path(name))
        self.etc, self.run_folder = self.path("etc"), self.path("run")
        self.lib, self.log_folder = self.path("lib"), self.path("log")
        self.write("etc/qemu.conf", QEMU_CONF + ("namespaces = []\n" if in_chroot() else "") + qemu_conf)
        self.write("etc/libvirtd.conf", LIBVIRTD_CONF + libvirtd_conf)
        self.socket = self.path("run/libvirt-sock")
        self.uri = f"qemu:///system?socket={self.socket}"
        self.log_path = self.path("libvirtd.out")
        self.prefix = f"hn{os.getpid()}x{next(self.numbers)}"
        self.daemon = None
        self.keeper = None
        self.enter_namespace()

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    # ---- the namespace

    def enter_namespace(self):
        binds = {self.path(name): target for name, target in FOLDERS.items()}
        if os.path.isdir("/run/dbus"):
            binds[self.path("empty")] = "/run/dbus"
        mounts = [f"mkdir -p {there}; mount --bind {here} {there}" for here, there in binds.items()]
        for other in UNUSED_EMULATORS:
            if os.path.exists(other):  # each costs libvirtd seconds at its start
                mounts.append(f"mount --bind /dev/null {other}")
        script = "\n".join(["set -e", *mounts, f"exec {sys.executable} {os.path.abspath(__file__)} keep"])
        self.keeper = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        if self.keeper.stdout.readline() != b"ready\n":
            raise AssertionError("the mount namespace could not be made")

    def inside(self, argv):
        return ["nsenter", "--mount", "--root", "--target", str(self.keeper.pid), *map(str, argv)]

    def run(self, argv, limit=60, check=True, **options):
        """Runs a program in the namespace to its end."""
        options = {"capture_output": True, "text": True, **options}
        return subprocess.run(self.inside(argv), timeout=limit * SLOWER, check=check, **options)

    def popen(self, argv, **options):
        """Starts a program in the namespace; nsenter becomes it, so its pid is the process's."""
        return subprocess.Popen(self.inside(argv), **options)

    def install_hook(self, path, name=None):
        """libvirt runs the hooks of qemu.d in the order of their names, if there was one at its start."""
        target = self.path(f"etc/hooks/qemu.d/{name or os.path.basename(path)}")
        shutil.copy(path, target)
        os.chmod(target, 0o755)
        return target

    def install_numad(self, path):
        """A second one lies over the first."""
        if not os.path.exists("/usr/bin/numad"):
            raise unittest.SkipTest("/usr/bin/numad is not there to be covered; numad is not installed")
        self.run(["mount", "--bind", path, "/usr/bin/numad"])

    # ---- libvirtd

    def start(self, limit=30):
        argv = ["/usr/sbin/libvirtd", "--pid-file", "/run/libvirt/libvirtd.pid"]
        order = json.dumps({"argv": argv, "log": self.log_path}) + "\n"
        self.keeper.stdin.write(order.encode())
        self.daemon = os.pidfd_open(int(self.keeper.stdout.readline()))
        wait_for(f"libvirtd answers; its words are in {self.log_path}", self.answers, limit)
        return self

    def follow(self):
        """A libvirtd that crashed has a successor."""
        while self.daemon is not None and select.select([self.keeper.stdout], [], [], 0)[0]:
            os.close(self.daemon)
            self.daemon = os.pidfd_open(int(self.keeper.stdout.readline()))

    def running(self):
        """libvirtd is there, frozen or not."""
        self.follow()
        return self.daemon is not None and not select.select([self.daemon], [], [], 0)[0]

    def answers(self):
        if not self.running():
            raise AssertionError(f"libvirtd has ended:\n{self.log()}")
        if not os.path.exists(self.socket):
            return False
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.virsh("version", check=False, limit=20).returncode == 0
        return False

    def signal(self, number):
        self.follow()
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.daemon, number)

    def end(self, number, limit):
        """Whether the signal ended it in time."""
        if self.daemon is None:
            return True
        self.signal(number)
        if not select.select([self.daemon], [], [], limit * SLOWER)[0]:
            return False
        os.close(self.daemon)
        self.daemon = None
        return True

    def stop(self):
        """Politely; guests run on."""
        if self.daemon is not None:
            self.thaw()
        if not self.end(signal.SIGTERM, 15):
            self.kill()

    def kill(self):
        """As a crash; guests run on."""
        if not self.end(signal.SIGKILL, 5):
            raise AssertionError("libvirtd cannot be killed")

    def restart(self):
        self.stop()
        return self.start()

    def freeze(self):
        """SIGSTOP: connections stay open and nothing answers, until thaw()."""
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def log(self):
        with contextlib.suppress(OSError), open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()
        return ""

    def qemu_log(self, name):
        """The guest's QEMU's command line and last words."""
        with contextlib.suppress(OSError), open(self.path(f"log/qemu/{name}.log"), encoding="utf-8", errors="replace") as file:
            return file.read()
        return ""

    def virsh(self, *arguments, check=True, limit=60):
        """A CompletedProcess with text; check fails with what virsh said."""
        done = subprocess.run(
            ["virsh", "--quiet", "-c", self.uri, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit * SLOWER,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"virsh {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        return done

    # ---- guests

    def name(self, suffix):
        """A name that no other run uses, for a guest that is made by hand. Cleanup knows guests by it."""
        return f"{self.prefix}-{suffix}"

    def domain_xml(
        self,
        name,
        kind="kvm",
        vcpus=1,
        mib=64,
        cells=0,
        max_vcpus=None,
        extra="",
        devices="",
        vcpu_attributes="",
        single_thread=False,
    ):
        """An empty machine that boots nothing. name goes in as it is; cells: NUMA nodes that share vCPUs and memory evenly.

        extra goes into <domain>, devices into <devices>, vcpu_attributes into <vcpu>: "placement='auto'".
        single_thread: of kind 'qemu', with all vCPUs in one thread of QEMU.
        """
        most = max_vcpus or vcpus
        schema = ""
        if single_thread:
            schema = " xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'"
            extra += "<q:commandline><q:arg value='-icount'/><q:arg value='auto'/></q:commandline>"
        numa = ""
        if cells:
            share, rest = divmod(most, cells)
            if rest or mib % cells:
                raise ValueError(f"{most} vCPUs and {mib} MiB do not share evenly among {cells} cells")
            rows = (
                f"<cell id='{i}' cpus='{i * share}-{(i + 1) * share - 1}' memory='{mib // cells}' unit='MiB'/>"
                for i in range(cells)
            )
            numa = f"<cpu><numa>{''.join(rows)}</numa></cpu>"
        return (
            f"<domain type='{kind}'{schema}><name>{name}</name><memory unit='MiB'>{mib}</memory>"
            f"<vcpu {vcpu_attributes} current='{vcpus}'>{most}</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os>"
            f"<features><acpi/></features>{numa}{extra}"
            f"<devices><emulator>{EMULATOR}</emulator><controller type='usb' model='none'/><memballoon model='none'/>"
            f"{devices}</devices></domain>"
        )

    def write_domain(self, suffix, **options):
        """(name, path of a file with its XML)"""
        name = self.name(suffix)
        self.write(f"{name}.xml", self.domain_xml(name, **options))
        return name, self.path(f"{name}.xml")

    def create(self, suffix, **options):
        """Starts a guest that is nowhere defined; the options are domain_xml()'s. Its name."""
        name, path = self.write_domain(suffix, **options)
        self.virsh("create", path)
        return name

    def define(self, suffix, start=True, **options):
        name, path = self.write_domain(suffix, **options)
        self.virsh("define", path)
        if start:
            self.virsh("start", name)
        return name

    def uuid(self, name):
        return self.virsh("domuuid", name).stdout.strip()

    def qemu_pids(self):
        """{name: pid} of this host's guests that run, whatever libvirtd says."""
        found = {}
        for pid, argv in processes():
            for flag, value in zip(argv, argv[1:]):
                if flag == "-name" and value.startswith(f"guest={self.prefix}-"):
                    found[value.split(",")[0].removeprefix("guest=")] = pid
        return found

    def qemu_pid(self, name):
        return self.qemu_pids()[name]

    def threads(self, name):
        """{thread id: its name, such as "CPU 0/KVM"}"""
        task = f"/proc/{self.qemu_pid(name)}/task"
        found = {}
        for tid in os.listdir(task):
            with contextlib.suppress(OSError), open(f"{task}/{tid}/comm", encoding="utf-8", errors="replace") as file:
                found[int(tid)] = file.read().strip()
        return found

    def destroy_all(self):
        """Every guest's end, with or without libvirtd, and of the cgroups that a killed one leaves behind."""
        if self.running():
            self.thaw()
            with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
                for name in self.virsh("list", "--name").stdout.split():
                    self.virsh("destroy", name, check=False)
        for pid in self.qemu_pids().values():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(AssertionError):
            wait_for("QEMUs end", lambda: not self.qemu_pids(), 5)
        # a task that ends leaves its cgroup a moment after it has left /proc
        with contextlib.suppress(AssertionError):
            wait_for("cgroups are gone", self.remove_cgroups, 5)

    def remove_cgroups(self):
        """Whether none is left."""
        places = [f"/sys/fs/cgroup/{deep}machine*/qemu-*-{self.prefix}*" for deep in ("", "*/")]
        for place in itertools.chain.from_iterable(map(glob.glob, places)):
            for folder, _, _ in os.walk(place, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
        return not any(map(glob.glob, places))

    def close(self):
        """Leaves nothing behind: no guest, no process, no folder."""
        try:
            self.destroy_all()
            self.stop()
        finally:
            self.keeper.stdin.close()
            self.keeper.stdout.close()
            self.keeper.wait()
            for _ in range(20):  # the mounts go with the namespace's last process
                shutil.rmtree(self.folder, ignore_errors=True)
                if not os.path.exists(self.folder):
                    break
                time.sleep(0.1)


class LibvirtTest(unittest.TestCase):
    """Skips where there can be no libvirtd."""

    @classmethod
    def setUpClass(cls):
        reason = missing()
        if reason:
            raise unittest.SkipTest(reason)

    def libvirt(self, start=True, **options):
        """A LibvirtHost that ends with the test."""
        host = LibvirtHost(**options)
        self.addCleanup(host.close)
        return host.start() if start else host

    def needs_kvm(self):
        if not kvm_opens():
            self.skipTest("/dev/kvm does not open here")


if __name__ == "__main__" and sys.argv[1:] == ["keep"]:
    keep()
