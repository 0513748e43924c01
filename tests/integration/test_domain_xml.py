"""homenode xml over the recorded domains and every one in libvirt's own test suite, on a modelled host.

What libvirt's schema took before, it takes afterwards, and so does virsh define; nothing but the placement changes; a
second run changes nothing. libvirt's source is fetched from where apt would fetch it, once, into build/cache.
"""

import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import shutil
import socketserver
import subprocess
import sys
import tarfile
import tempfile
import threading
import unittest
import urllib.error
import urllib.request
import xml.etree.ElementTree as ElementTree

from harness import BUILD, QEMU, SLOWER, in_chroot

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("HOMENODE_DATA", SOURCE.parent / "shared" / "data")) / "domains"
CACHE = SOURCE / "build" / "cache"
SCHEMA = pathlib.Path("/usr/share/libvirt/schemas/domain.rng")
ARCHIVE_MAX = 64 << 20
GIB = 1 << 30

# Valid for libvirt, refused by us with a sentence: what it says of each.
REFUSED_ALTHOUGH_VALID = {
    "cputune-cpuset-big-id.xml": "above the largest number handled, 2047",  # a pin to CPU 16383
    "hugepages-numa-nodeset-part.xml": "is no multiple of page_bytes",  # a cell of 768 MiB in pages of 1 GiB
    "hvf-aarch64-virt-headless.xml": "neither kvm nor qemu",
    "hvf-x86_64-q35-headless.xml": "neither kvm nor qemu",
    "memory-align-fail.xml": "has no place on",  # 8 EiB
}


def make_host(first_cpu=0, first_node=0, nodes=4, cpus=8, gib=64):
    """A host as GET /v1/host gives it."""
    ids = range(first_cpu, first_cpu + nodes * cpus)
    pools = [{"page_bytes": 2 << 20, "total_pages": 16384, "free_pages": 16384},
             {"page_bytes": GIB, "total_pages": 16, "free_pages": 16}]
    return {
        "name": "made", "distances_known": True, "kernel_balancing": False, "fifo_hazard": False,
        "nodes": [{"id": first_node + n, "cpus": f"{ids[n * cpus]}-{ids[n * cpus + cpus - 1]}",
                   "memory_bytes": gib * GIB, "free_bytes": gib * GIB, "pools": pools} for n in range(nodes)],
        "distances": [[10 if a == b else 20 for b in range(nodes)] for a in range(nodes)],
        "cpus": [{"id": c, "node": first_node + i // cpus, "core": i, "llc": i // cpus, "package": i // cpus,
                  "isolated": False} for i, c in enumerate(ids)],
    }


def fetch_libvirt():
    """The folder with domains of libvirt's test suite; SkipTest with the reason when there is none to be had."""
    if not shutil.which("apt-get"):
        raise unittest.SkipTest("apt-get is not there to say where libvirt's source is")
    listed = subprocess.run(["apt-get", "download", "--print-uris", "libvirt0"], capture_output=True, text=True,
                            timeout=60, check=False).stdout
    found = re.search(r"'(http[^']*/)libvirt0_([0-9.]+)-[^']*'", listed)
    if not found:
        raise unittest.SkipTest("apt does not know libvirt0: apt-get update")
    version = found.group(2)
    target = CACHE / f"libvirt-{version}"
    if not target.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        url = f"{found.group(1)}libvirt_{version}.orig.tar.xz"
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                archive = answer.read(ARCHIVE_MAX)
        except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
            raise unittest.SkipTest(f"{url}: {error}") from error
        unpack(archive, target)
    return target


def unpack(archive, target):
    """The XML files of the test suite's guests, flat, and the program that says which of them are wrong."""
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        path = pathlib.Path(folder) / "archive"
        path.write_bytes(archive)
        (pathlib.Path(folder) / "domains").mkdir()
        with tarfile.open(path) as tar:
            for member in tar:
                parts = pathlib.PurePath(member.name).parts
                if (member.isfile() and len(parts) == 4 and parts[1] == "tests" and parts[3].endswith(".xml")
                        and parts[2] in ("qemuxml2argvdata", "qemuxmlconfdata")):
                    (pathlib.Path(folder) / "domains" / parts[3]).write_bytes(tar.extractfile(member).read())
                elif member.isfile() and parts[1:] in (("tests", "qemuxml2argvtest.c"), ("tests", "qemuxmlconftest.c")):
                    (pathlib.Path(folder) / "domains" / "program.c").write_bytes(tar.extractfile(member).read())
        (pathlib.Path(folder) / "domains").rename(target)


def valid_ones(folder):
    """Names of the files in it that libvirt's schema takes, all in one go."""
    files = sorted(path.name for path in folder.glob("*.xml"))
    done = subprocess.run(["xmllint", "--noout", "--relaxng", SCHEMA, *files], cwd=folder, capture_output=True, text=True,
                          timeout=120, check=False)
    return set(re.findall(r"^(\S+) validates$", done.stderr, re.MULTILINE))


CONF = """\
user = "root"
group = "root"
security_driver = "none"
stdio_handler = "file"
"""  # QEMU has this process's rights, and no virtlogd is needed


def virsh(root, commands, timeout):
    """Its output and errors, of a libvirt of its own without a daemon, that keeps its things in the folder root."""
    conf = pathlib.Path(root) / "etc" / "qemu.conf"
    conf.parent.mkdir(parents=True, exist_ok=True)
    conf.write_text(CONF + ("namespaces = []\n" if in_chroot() else ""), encoding="utf-8")
    done = subprocess.run([sys.executable, pathlib.Path(__file__).with_name("reaping.py"), "virsh", "-c",
                           f"qemu:///embed?root={root}"], input=commands, capture_output=True, text=True, timeout=timeout,
                          check=False)
    if "failed to connect" in done.stderr:
        raise unittest.SkipTest("virsh cannot open qemu:///embed: " + done.stderr.strip()[:200])
    return done.stdout, done.stderr


def definable_ones(folder, root):
    """Names of the files that virsh define takes."""
    names = sorted(path.name for path in folder.glob("*.xml"))
    commands = ""
    for name in names:
        guest = re.search(rb"<name>([^<]*)</name>", (folder / name).read_bytes())
        if guest:
            commands += f"define {folder / name}\nundefine {guest.group(1).decode()}\n"
    output, _ = virsh(root, commands, 400)
    return set(re.findall(r"defined from \S*/(\S+\.xml)", output))


PLACEMENT = [(re.compile(pattern, re.DOTALL), "") for pattern in (
    r"\s*<(?:vcpupin|emulatorpin|iothreadpin|memnode)\b[^>]*/>",
    r"\s*<memory\b(?=[^>]*\b(?:nodeset|placement|mode)=)[^>]*/>",
    r"(?<=<nodemask>)[^<]*",
    r"(?<=<vcpu)(?=[^>]*>)\s+placement=(?:'[^']*'|\"[^\"]*\")",
    r"(?<=<vcpu)(?=[^>]*>)\s+cpuset=(?:'[^']*'|\"[^\"]*\")",
    r"\s*<vcpu>1</vcpu>",  # also where there was none: libvirt's default
    r"\s*<(cputune|numatune)>\s*</\1>", r"\s*<(?:cputune|numatune)\s*/>")]


def without_placement(path):
    """Every byte of it that tells of something else."""
    text = path.read_bytes().decode()
    for pattern, replacement in PLACEMENT:
        text = pattern.sub(replacement, text)
    return text


def canonical_without_placement(path):
    """The same of the tree, in canonical form."""
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    root = ElementTree.parse(path, parser).getroot()
    for vcpu in root.findall("vcpu"):
        for attribute in ("cpuset", "placement"):
            vcpu.attrib.pop(attribute, None)
        if not vcpu.attrib and vcpu.text == "1":
            root.remove(vcpu)
    for name, gone in (("cputune", ("vcpupin", "emulatorpin", "iothreadpin")), ("numatune", ("memory", "memnode"))):
        for tune in root.findall(name):
            for child in [child for child in tune if child.tag in gone]:
                tune.remove(child)
            if len(tune) == 0:
                root.remove(tune)
    for mask in root.findall("devices/memory/source/nodemask"):
        mask.text = ""
    return ElementTree.canonicalize(ElementTree.tostring(root), strip_text=True, with_comments=True)


class Run:
    """homenode xml over all files of a folder; what came out of it, by name."""

    def __init__(self, source, target, host, *options):
        self.source, self.target, self.host, self.options = source, target, host, options
        self.codes, self.said = {}, {}
        target.mkdir()
        names = sorted(path.name for path in source.glob("*.xml"))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(self.one, names))

    def one(self, name):
        done = subprocess.run([f"{BUILD}/cli/homenode", "xml", "--host", self.host, *self.options, self.source / name],
                              capture_output=True, timeout=20 * SLOWER, check=False)
        self.codes[name], self.said[name] = done.returncode, done.stderr.decode()
        if done.stdout:
            (self.target / name).write_bytes(done.stdout)

    def unchanged(self):
        return {name for name, code in self.codes.items()
                if code == 0 and (self.source / name).read_bytes() == (self.target / name).read_bytes()}

    def placed(self):
        return {name for name, code in self.codes.items() if code == 0}


class Domains:
    """What has to hold of any folder of domains; a mixin."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="homenode-xml-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.host = self.folder / "host.json"
        self.host.write_text(json.dumps(make_host()), encoding="utf-8")
        self.source = self.domains()

    def check_codes(self, run):
        """Placed, or refused with one sentence and nothing printed."""
        for name, code in run.codes.items():
            with self.subTest(name=name):
                self.assertIn(code, (0, 1, 6), run.said[name])
                if code != 0:
                    self.assertRegex(run.said[name], r"\Ahomenode: .{20,}\n\Z")
                    self.assertFalse((run.target / name).exists(), "half an output")
                self.assertNotIn("\n", run.said[name].rstrip("\n"))

    def check_the_rest(self, run):
        """Nothing but the placement differs."""
        for name in sorted(run.placed()):
            with self.subTest(name=name):
                self.assertEqual(without_placement(run.source / name), without_placement(run.target / name))
                self.assertEqual(canonical_without_placement(run.source / name),
                                 canonical_without_placement(run.target / name))

    def check_again(self, run, *options):
        again = Run(run.target, self.folder / "again", run.host, *options)
        self.assertEqual(again.placed() - again.unchanged(), set(), "a second run changes them")
        self.assertEqual(again.placed(), run.placed())

    def check_valid(self, run):
        if not SCHEMA.exists() or not shutil.which("xmllint"):
            self.skipTest("libvirt's schema or xmllint is not there: tools/install-packages test")
        valid = valid_ones(run.source)
        self.assertGreater(len(valid), len(run.codes) / 2, "most of them are valid, or this test tests nothing")
        self.assertEqual(valid & run.placed() - valid_ones(run.target), set(), "valid before, and not afterwards")
        return valid

    def run_all(self):
        return Run(self.source, self.folder / "all", self.host, "--anywhere")

    def report(self, what, run):
        print(f"\n{what}: {len(run.codes)} domains, {len(run.placed())} placed, "
              f"{len(run.codes) - len(run.placed())} refused with a sentence, {len(run.unchanged())} unchanged", end=" ")

    def test_all_of_it(self):
        run = self.run_all()
        self.report("whole placement", run)
        self.check_codes(run)
        self.check_the_rest(run)
        self.check_again(run, "--anywhere")
        self.check_valid(run)

    def test_only_what_exists(self):
        # nodes and CPUs of this host are none of the other's
        self.host.write_text(json.dumps(make_host(first_cpu=1000, first_node=10)), encoding="utf-8")
        run = Run(self.source, self.folder / "existing", self.host, "--existing")
        self.report("existing placement", run)
        self.check_codes(run)
        self.check_the_rest(run)
        self.check_again(run, "--existing")
        self.check_valid(run)
        named = re.compile(r"<(?:vcpupin|emulatorpin|iothreadpin|memnode)\b|<memory\b[^>]*nodeset=|<nodemask>"
                           r"|<vcpu\b[^>]*cpuset=")
        for name in run.placed():
            with self.subTest(name=name):
                before, after = (path.read_text() for path in (run.source / name, run.target / name))
                self.assertEqual(len(named.findall(before)), len(named.findall(after)), "something was added")
                if not named.search(before):
                    self.assertEqual(before, after)
                pins = re.findall(r"<vcpupin vcpu='(\d+)' cpuset='(\d+)", after)
                vcpus = int(re.search(r"<vcpu\b[^>]*>\s*(\d+)|$", after).group(1) or 1)
                self.assertFalse([pin for pin in pins if int(pin[0]) < vcpus and int(pin[1]) < 1000])


class Recorded(Domains, unittest.TestCase):
    def domains(self):
        if not DATA.is_dir():
            self.skipTest(f"{DATA} is not there; HOMENODE_DATA is the folder of domains/")
        return DATA


class Libvirts(Domains, unittest.TestCase):
    shared = None  # what three tests look at

    def domains(self):
        return fetch_libvirt()

    def run_all(self):
        if not Libvirts.shared:
            folder = tempfile.TemporaryDirectory(prefix="homenode-xml-")
            self.addClassCleanup(folder.cleanup)
            host = pathlib.Path(folder.name) / "host.json"
            host.write_text(self.host.read_text(), encoding="utf-8")
            Libvirts.shared = Run(self.source, pathlib.Path(folder.name) / "all", host, "--anywhere")
        return Libvirts.shared

    def test_refused_for_a_reason(self):
        """What is valid has a placement, but for a few."""
        run = self.run_all()
        refused = self.check_valid(run) - run.placed()
        program = (self.source / "program.c").read_text()
        wrong = {f"{name}.xml" for name in re.findall(r'DO_TEST\w*(?:FAILURE|PARSE_ERROR)\w*\(\s*"([^"]+)"', program)}
        self.assertGreater(len(wrong), 100)
        self.assertEqual(refused - wrong - set(REFUSED_ALTHOUGH_VALID), set())
        for name in refused & set(REFUSED_ALTHOUGH_VALID):
            self.assertIn(REFUSED_ALTHOUGH_VALID[name], run.said[name])

    def test_defined(self):
        if not shutil.which("virsh"):
            self.skipTest("virsh is not there: tools/install-packages test")
        run = self.run_all()
        before = definable_ones(run.source, self.folder / "before")
        if not before:
            self.skipTest("this libvirt defines none of them, with or without a placement")
        after = definable_ones(run.target, self.folder / "after")
        print(f"\nvirsh define: {len(before)} taken before, {len(after)} after", end=" ")
        self.assertEqual((before & run.placed()) - after, set(), "virsh defined them before, and not afterwards")


@unittest.skipUnless(shutil.which("virsh") and os.geteuid() == 0 and QEMU, "needs root, virsh and QEMU")
class Started(unittest.TestCase):
    """Domains as they were written for this host, started by a libvirt without a daemon."""

    def start(self, kind):
        with tempfile.TemporaryDirectory(prefix="homenode-xml-") as folder:
            pathlib.Path(folder).chmod(0o755)
            path = pathlib.Path(folder) / "guest.xml"
            name = f"homenode-test-{os.getpid()}"
            path.write_text(
                f"<domain type='{kind}'><name>{name}</name><memory unit='MiB'>64</memory>"
                "<vcpu placement='auto' current='2'>4</vcpu><iothreads>1</iothreads><os><type>hvm</type></os><cpu><numa>"
                "<cell id='0' cpus='0,2' memory='32' unit='MiB'/><cell id='1' cpus='1,3' memory='32' unit='MiB'/></numa></cpu>"
                f"<devices><emulator>{QEMU}</emulator></devices></domain>", encoding="utf-8")
            done = subprocess.run([f"{BUILD}/cli/homenode", "--json", "xml", "--host", "/", path], capture_output=True,
                                  text=True, timeout=60, check=False)
            if done.returncode == 6:
                self.skipTest("no node of this host has room: " + done.stderr)
            answer = json.loads(done.stdout)
            path.write_text(answer["xml"], encoding="utf-8")
            output, errors = virsh(f"{folder}/libvirt",
                                   f"create {path}\nvcpupin {name}\nnumatune {name}\ndestroy {name}\n", 120)
            self.assertIn(f"created from {path}", output, errors)
            for home in answer["placement"]["vcpus"]:
                self.assertRegex(output, rf"(?m)^ {home['vcpu']} +{re.escape(home['cpus'])}$")
            nodes = sorted({cell["nodes"] for cell in answer["placement"]["cells"]})
            if len(nodes) == 1:
                self.assertIn(f"numa_nodeset   : {nodes[0]}\n", output)
            self.assertIn("destroyed", output)

    def test_in_emulation(self):
        self.start("qemu")

    @unittest.skipUnless(os.access("/dev/kvm", os.R_OK | os.W_OK), "/dev/kvm does not open")
    def test_with_kvm(self):
        self.start("kvm")


class Stub(socketserver.ThreadingUnixStreamServer):
    """A homenoded that gives fixed answers."""

    daemon_threads = True

    def __init__(self, path, answers):
        self.answers, self.asked = answers, []
        super().__init__(str(path), StubRequest)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class StubRequest(socketserver.StreamRequestHandler):
    def handle(self):
        method, path, _ = self.rfile.readline().decode().split()
        length = 0
        while (line := self.rfile.readline().strip()):
            name, value = line.decode().split(":", 1)
            length = int(value) if name.lower() == "content-length" else length
        self.server.asked.append((method, path, self.rfile.read(length).decode()))
        status, kind, body = self.server.answers.get((method, path), (404, "application/problem+json",
                                                                      b'{"detail": "nothing is here"}'))
        self.wfile.write(f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
                         "Connection: close\r\n\r\n".encode() + body)


GUEST = "<domain type='kvm'>\n  <name>vm</name>\n  <memory unit='GiB'>1</memory>\n  <vcpu>2</vcpu>\n</domain>\n"


class Daemon(unittest.TestCase):
    """The subcommands that ask homenoded, against one that is made of answers."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="homenode-stub-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.answers = {}
        self.stub = Stub(self.folder / "sock", self.answers)
        self.addCleanup(self.stub.server_close)
        self.addCleanup(self.stub.shutdown)

    def run_cli(self, *arguments, stdin=""):
        return subprocess.run([f"{BUILD}/cli/homenode", "--socket", self.folder / "sock", *arguments], input=stdin,
                              capture_output=True, text=True, timeout=30, check=False)

    def serve_snapshot(self):
        snapshot = {"version": 1, "now_ns": 1, "host": make_host(), "guests": [],
                    "calibration": {"bytes_per_second": 0, "stall_share": 0, "migrations": 0}}
        self.answers[("GET", "/v1/snapshot")] = (200, "application/json", json.dumps(snapshot).encode())

    def test_a_domain_by_name(self):
        self.serve_snapshot()
        self.answers[("GET", "/v1/guests/a%20b/xml")] = (200, "application/xml", GUEST.encode())
        done = self.run_cli("xml", "--domain", "a b")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("<memory mode='strict' nodeset='0'/>", done.stdout)
        done = self.run_cli("xml", "--domain", "c")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (4, "", "homenode: nothing is here\n"))

    def test_from_standard_input_as_json(self):
        self.serve_snapshot()
        done = self.run_cli("xml", "-", "--json", stdin=GUEST)
        self.assertEqual(done.returncode, 0, done)
        answer = json.loads(done.stdout)
        self.assertTrue(answer["changed"])
        self.assertEqual(answer["placement"]["cells"][0]["nodes"], "0")
        again = json.loads(self.run_cli("xml", "-", "--json", stdin=answer["xml"]).stdout)
        self.assertEqual((again["changed"], again["xml"]), (False, answer["xml"]))

    def test_what_is_wrong_prints_nothing(self):
        self.serve_snapshot()
        big = GUEST.replace("GiB", "TiB").replace(">1<", ">9<")
        for stdin, code, says in ((GUEST[:-5], 1, "line 5: this is not XML"), ("", 1, "Document is empty"),
                                  (big, 6, "'vm' has no place on made: "), ("x" * (5 << 20), 1, "longer than 4 MiB")):
            done = self.run_cli("xml", "-", stdin=stdin)
            self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
            self.assertIn(says, done.stderr)
        for arguments in ((), ("a", "b"), ("a", "--domain", "b"), ("--rubbish", "a")):
            self.assertEqual(self.run_cli("xml", *arguments).returncode, 2)
        self.assertEqual(self.run_cli("xml", "/nonexistent/x.xml").returncode, 1)
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([f"{BUILD}/cli/homenode", "--socket", self.folder / "sock", "xml", "-"], input=GUEST,
                                  stdout=full, stderr=subprocess.PIPE, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write the output", done.stderr)

    def test_settings_are_shown_with_their_sources(self):
        settings = {"settings": {"mode": "enforce", "nodes": "0-1"},
                    "sources": {"mode": "metadata", "nodes": "configuration", "class": "default"}}
        self.answers[("GET", "/v1/guests/vm/settings")] = (200, "application/json", json.dumps(settings).encode())
        done = self.run_cli("set", "vm")
        self.assertEqual(done.returncode, 0, done)
        rows = [line.split() for line in done.stdout.splitlines()]
        self.assertEqual(rows[0], ["SETTING", "VALUE", "FROM"])
        self.assertIn(["mode", "enforce", "metadata"], rows)
        self.assertIn(["class", "-", "default"], rows)
        self.assertEqual(len(rows), 11)
        self.assertEqual(json.loads(self.run_cli("set", "vm", "--json").stdout), settings)

    def test_settings_are_sent(self):
        self.answers[("POST", "/v1/guests/vm/settings")] = (200, "application/json", b'{"settings": {}, "sources": {}}')
        done = self.run_cli("set", "vm", "mode=enforce", "near=", "apart=a=b")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual([(method, json.loads(body)) for method, _, body in self.stub.asked],
                         [("POST", {"mode": "enforce", "near": None, "apart": "a=b"})])

    def test_wrong_settings_are_not_sent(self):
        for pair, says in (("mode", "'mode' is not key=value"), ("mode=x", "mode: unknown mode 'x'"),
                           ("mood=x", "unknown setting 'mood'"), ("policy=best", "best"),
                           ("window=always", "such as 02:00-04:30")):
            done = self.run_cli("set", "vm", "class=shared", pair)
            self.assertEqual((done.returncode, done.stdout), (2, ""), done)
            self.assertIn(says, done.stderr)
        self.assertEqual(self.run_cli("set").returncode, 2)
        self.assertEqual(self.stub.asked, [])

    def test_refusals_of_the_daemon_are_passed_on(self):
        self.answers[("POST", "/v1/guests/vm/settings")] = (409, "application/problem+json",
                                                            b'{"detail": "vm is not libvirt\'s"}')
        done = self.run_cli("set", "vm", "mode=off")
        self.assertEqual((done.returncode, done.stderr), (1, "homenode: vm is not libvirt's\n"))
        self.answers[("POST", "/v1/guests/vm/settings")] = (200, "application/json", b"[]")
        done = self.run_cli("set", "vm", "mode=off")
        self.assertEqual(done.returncode, 1)
        self.assertIn("another version", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
