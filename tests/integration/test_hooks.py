"""homenode-hook and the numad drop-in, whatever becomes of the daemon they ask: here it is a false one.

Times: what is under test is that each call ends by its own deadline. Every attempt must take as long as it is to wait, and
one of ATTEMPTS no longer than that and SLACK: on a busy machine any one may be late, and a call without a limit always is.
How many answers came within the 50 ms that an idle machine is promised is printed.
"""

import contextlib
import functools
import os
import select
import shutil
import signal
import socket
import socketserver
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

from harness import BUILD, SLOWER

HOOK = f"{BUILD}/hooks/homenode-hook"
NUMAD = f"{BUILD}/hooks/numad"
DIVERSION = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../data/numad-diversion")
XML = b"<domain type='kvm'>\n  <name>web</name>\n</domain>\n"
PREPARE = ("web", "prepare", "begin", "-")
MIGRATE = ("web", "migrate", "begin", "-")
SLACK = 0.1 * SLOWER  # seconds
ATTEMPTS = 6
GIB_KIB = 1 << 20


def answer(status, body=b"", content_type=None, length=None):
    """An HTTP answer as bytes."""
    head = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body) if length is None else length}"]
    if content_type:
        head.append(f"Content-Type: {content_type}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


NODES = answer(200, b"2\n", "text/plain")


class FalseDaemon:
    """Reads whole requests, remembers them, and lets behave(connection) do the rest."""

    def __init__(self, path, behave):
        self.requests = []
        self.behave = behave

        class Handler(socketserver.BaseRequestHandler):
            def handle(handler):  # pylint: disable=no-self-argument
                with contextlib.suppress(OSError):
                    handler.request.settimeout(20)
                    self.requests.append(read_request(handler.request))
                    self.behave(handler.request)

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 128

            def handle_error(self, *_):
                pass

        self.server = Server(path, Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def read_request(connection):
    """(request line, headers, body)"""
    data = b""
    while b"\r\n\r\n" not in data:
        data += receive(connection)
    head, body = data.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    while len(body) < int(headers.get("Content-Length", 0)):
        body += receive(connection)
    return lines[0], headers, body


def receive(connection):
    data = connection.recv(1 << 20)
    if not data:
        raise ConnectionError("hung up in the middle of a request")
    return data


def say(data):
    return lambda connection: connection.sendall(data)


def silent(connection):
    connection.recv(1)


def byte_by_byte(data, pause):
    def behave(connection):
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(pause)

    return behave


def make_root(folder, nodes, free_kib=64 * GIB_KIB, memory_only=()):
    """A tree with sys/ of so many nodes of 64 GiB and 8 CPUs, and an empty run/."""
    base = os.path.join(folder, "sys/devices/system/node")
    os.makedirs(os.path.join(folder, "run"))
    everyone = [*range(nodes), *memory_only]
    for node in everyone:
        os.makedirs(os.path.join(base, f"node{node}"))
        texts = {
            "cpulist": f"{8 * node}-{8 * node + 7}" if node < nodes else "",
            "distance": " ".join("10" if other == node else "20" for other in everyone),
            "meminfo": f"Node {node} MemTotal: {64 * GIB_KIB} kB\nNode {node} MemFree: {free_kib} kB",
        }
        for name, text in texts.items():
            write(os.path.join(base, f"node{node}", name), text + "\n")
    write(os.path.join(base, "online"), ",".join(map(str, everyone)) + "\n")
    return folder


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class HooksTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="homenode-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.socket = os.path.join(self.folder, "homenode.sock")
        self.root = make_root(os.path.join(self.folder, "root"), 4)

    def daemon(self, behave):
        daemon = FalseDaemon(self.socket, behave)
        self.addCleanup(daemon.close)
        return daemon

    def environment(self):
        return os.environ | {"HOMENODE_SOCKET": self.socket}

    def hook(self, *arguments, xml=XML, **options):
        """(what it printed, seconds); it says nothing on stderr and succeeds, always."""
        start = time.monotonic()
        done = subprocess.run(
            [HOOK, *arguments], input=xml, capture_output=True, env=self.environment(), timeout=30, check=False, **options
        )
        seconds = time.monotonic() - start
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout, seconds

    def numad(self, *arguments, root=None, remember=False):
        """(the line, seconds), without what was answered before unless it is to remember that"""
        if not remember:
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(root or self.root, "run/homenode-numad"))
        start = time.monotonic()
        done = subprocess.run(
            [NUMAD, "--root", root or self.root, *arguments],
            capture_output=True,
            env=self.environment(),
            timeout=30,
            check=False,
        )
        seconds = time.monotonic() - start
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertRegex(done.stdout, rb"\A[0-9]+([-,][0-9]+)*\n\Z")
        return done.stdout.decode().strip(), seconds

    def waits(self, limit, call):
        """What the call printed, and the seconds of the best attempt."""
        best = None
        for _ in range(ATTEMPTS):
            printed, seconds = call()
            self.assertGreaterEqual(seconds, limit)
            best = min(seconds, best or seconds)
            if best <= limit + SLACK:
                break
        self.assertLessEqual(best, limit + SLACK)
        return printed, best

    def at_once(self, call):
        return self.waits(0, call)

    def prints(self, expected, call):
        """In one of the attempts: the false daemon, too, has a deadline to keep."""
        for _ in range(ATTEMPTS):
            printed = call()[0]
            if printed == expected:
                break
        self.assertEqual(printed, expected)

    def hears(self, daemon, call):
        """The request that the daemon gets of a call."""
        daemon.requests.clear()
        for _ in range(ATTEMPTS):
            call()
            end = time.monotonic() + 2
            while time.monotonic() < end:
                if daemon.requests:
                    return daemon.requests[0]
                time.sleep(0.01)
        raise AssertionError("the daemon was not told")

    def stopped_daemon(self):
        """A process that listens, and is stopped."""
        script = (
            "import socket, sys, time\n"
            "s = socket.socket(socket.AF_UNIX)\n"
            "s.bind(sys.argv[1])\n"
            "s.listen(128)\n"
            "print(flush=True)\n"
            "time.sleep(60)\n"
        )
        process = subprocess.Popen([sys.executable, "-c", script, self.socket], stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.stdout.readline()
        process.send_signal(signal.SIGSTOP)
        return process


class Hook(HooksTest):
    def test_the_daemon_gets_everything(self):
        daemon = self.daemon(say(answer(204)))
        line, headers, body = self.hears(daemon, lambda: self.hook("höme & away/1", "prepare", "begin", "-"))
        method, target, version = line.split()
        split = urllib.parse.urlsplit(target)
        self.assertEqual((method, split.path, version), ("POST", "/v1/libvirt/prepare", "HTTP/1.1"))
        self.assertEqual(
            urllib.parse.parse_qs(split.query), {"guest": ["höme & away/1"], "sub": ["begin"], "extra": ["-"]}
        )
        self.assertEqual((headers["Content-Type"], body), ("application/xml", XML))

    def test_prepare_waits_until_the_guest_has_its_place(self):
        def slow(connection):
            time.sleep(0.08)
            connection.sendall(answer(204))

        self.daemon(slow)
        self.assertEqual(self.waits(0.08, lambda: self.hook(*PREPARE))[0], b"")

    def test_all_others_are_told_and_nobody_waits(self):
        daemon = self.daemon(silent)
        for operation in ("start", "started", "stopped", "release", "reconnect", "attach"):
            call = functools.partial(self.hook, "web", operation, "begin", "-")
            self.assertEqual(self.at_once(call)[0], b"")
            line, _, body = self.hears(daemon, call)
            self.assertTrue(line.startswith(f"POST /v1/libvirt/{operation}?"), line)
            self.assertEqual(body, XML)

    def test_rewritten_xml_is_printed_for_migrate_and_restore_only(self):
        rewritten = b"<domain>" + b"r" * 300000 + b"</domain>"
        self.daemon(say(answer(200, rewritten, "application/xml; charset=utf-8")))
        self.prints(rewritten, lambda: self.hook(*MIGRATE))
        self.prints(rewritten, lambda: self.hook("web", "restore", "begin", "-"))
        self.assertEqual(self.hook(*PREPARE)[0], b"")
        self.assertEqual(self.hook("web", "migrate", "end", "-")[0], b"")

    def test_what_is_not_xml_is_not_printed(self):
        for said in (
            answer(204),
            answer(200),
            answer(200, b"<domain/>", "text/html"),
            answer(200, b"<domain/>"),
            answer(200, b"unchanged", "application/xml"),
            answer(404, b"<domain/>", "application/xml"),
            answer(500, b"<domain/>", "application/xml"),
            b"220 mail.example.org ESMTP ready\r\n\r\n",
            os.urandom(4096),
        ):
            with self.subTest(said=said[:60]):
                daemon = FalseDaemon(self.socket, say(said))
                self.assertEqual(self.hook(*MIGRATE)[0], b"")
                daemon.close()
                os.unlink(self.socket)

    def test_half_an_answer_prints_nothing(self):
        whole = answer(200, b"<domain>" + b"x" * 100000 + b"</domain>", "application/xml")

        def killed(connection):
            connection.sendall(whole[:-1])

        def stuck(connection):
            connection.sendall(whole[:-1])
            connection.recv(1)

        daemon = self.daemon(killed)
        self.assertEqual(self.at_once(lambda: self.hook(*MIGRATE))[0], b"")
        daemon.behave = stuck
        self.assertEqual(self.waits(0.18, lambda: self.hook(*MIGRATE))[0], b"")

    def test_ten_megabytes_print_nothing(self):
        self.daemon(say(answer(200, b"<" + b"x" * (10 << 20), "application/xml")))
        self.assertEqual(self.at_once(lambda: self.hook(*MIGRATE))[0], b"")

    def test_byte_by_byte(self):
        said = answer(200, b"<domain/>", "application/xml")
        daemon = self.daemon(byte_by_byte(said, 0))
        self.prints(b"<domain/>", lambda: self.hook(*MIGRATE))
        daemon.behave = byte_by_byte(said, 0.02)
        self.assertEqual(self.waits(0.18, lambda: self.hook(*MIGRATE))[0], b"")

    def test_nobody_is_there(self):
        for operation in (PREPARE, MIGRATE, ("web", "started", "begin", "-")):
            self.assertEqual(self.at_once(functools.partial(self.hook, *operation))[0], b"")

    def test_a_whole_start_with_a_daemon_that_hangs(self):
        self.stopped_daemon()
        self.check_start()

    def test_a_whole_start_with_a_daemon_that_never_answers(self):
        self.daemon(silent)
        self.check_start()

    def check_start(self):
        total = self.waits(0.15, lambda: self.hook(*PREPARE))[1] + self.waits(0.04, lambda: self.numad("-w", "2:512"))[1]
        for operation in ("start", "started"):
            total += self.at_once(functools.partial(self.hook, "web", operation, "begin", "-"))[1]
        print(f"a start with the daemon hung: {total * 1000:.0f} ms of the 250 promised", file=sys.stderr)
        self.assertLessEqual(total, 0.25 + SLACK)

    def test_a_full_backlog(self):
        with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as stack:
            listener.bind(self.socket)
            listener.listen(0)
            for _ in range(8):
                waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
                waiting.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    waiting.connect(self.socket)
            self.waits(0.15, lambda: self.hook(*PREPARE))
            self.at_once(lambda: self.hook("web", "started", "begin", "-"))
            self.waits(0.04, lambda: self.numad("-w", "2:512"))

    def test_a_large_domain(self):
        daemon = self.daemon(say(answer(204)))
        largest = XML.ljust(4 << 20)
        self.assertEqual(self.hears(daemon, lambda: self.hook(*PREPARE, xml=largest))[2], largest)
        told = self.hears(daemon, lambda: self.hook("web", "started", "begin", "-", xml=XML.ljust(200000)))
        self.assertEqual(len(told[2]), 200000)

    def test_a_domain_too_large_is_not_sent(self):
        daemon = self.daemon(say(answer(204)))
        with contextlib.suppress(BrokenPipeError):
            self.hook(*PREPARE, xml=b"x" * ((4 << 20) + 1))
        self.assertEqual(daemon.requests, [])

    def test_a_large_domain_and_nobody_reads(self):
        self.stopped_daemon()
        self.at_once(lambda: self.hook("web", "started", "begin", "-", xml=b"x" * (4 << 20)))
        self.waits(0.15, lambda: self.hook(*PREPARE, xml=b"x" * (4 << 20)))

    def test_stdin_without_end(self):
        self.daemon(say(answer(204)))

        def call():
            start = time.monotonic()
            with subprocess.Popen([HOOK, *PREPARE], stdin=subprocess.PIPE, env=self.environment()) as process:
                process.stdin.write(XML)
                process.stdin.flush()
                self.assertEqual(process.wait(timeout=30), 0)
                return None, time.monotonic() - start

        self.waits(0.185, call)

    def test_closed_streams(self):
        self.daemon(say(answer(200, b"<domain/>", "application/xml")))
        for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
            done = subprocess.run(
                ["bash", "-c", f'"$@" {closed}', "-", HOOK, *MIGRATE],
                input=XML,
                env=self.environment(),
                timeout=30,
                stdout=subprocess.DEVNULL,
                check=False,
            )
            self.assertEqual(done.returncode, 0, closed)

    def test_nobody_reads_what_it_prints(self):
        self.daemon(say(answer(200, b"<domain>" + b"x" * 500000, "application/xml")))
        reading, writing = os.pipe()
        os.close(reading)
        with subprocess.Popen([HOOK, *MIGRATE], stdin=subprocess.PIPE, stdout=writing, env=self.environment()) as process:
            os.close(writing)
            process.communicate(XML, timeout=30)
            self.assertEqual(process.returncode, 0)

    def test_arguments_that_make_no_sense(self):
        daemon = self.daemon(say(answer(204)))
        for arguments in ((), ("web",), ("x" * 100000, "prepare", "begin", "-")):
            self.assertEqual(self.hook(*arguments)[0], b"")
        self.assertEqual(daemon.requests, [])
        self.assertIn("sub=&extra= ", self.hears(daemon, lambda: self.hook("web", "prepare"))[0])
        line = self.hears(daemon, lambda: self.hook("web", "../guests?x=", "begin", "-"))[0]
        self.assertTrue(line.startswith("POST /v1/libvirt/..%2Fguests%3Fx%3D?guest="), line)

    def test_it_tells_when_asked_to(self):
        done = subprocess.run(
            [HOOK, *PREPARE],
            input=XML,
            capture_output=True,
            env=self.environment() | {"HOMENODE_HOOK_DEBUG": "1"},
            timeout=30,
            check=False,
        )
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr, rb"\Ahomenode-hook: guest 'web', prepare begin: homenoded did not answer: .+\n\Z")


class Numad(HooksTest):
    def test_the_daemon_is_asked(self):
        daemon = self.daemon(say(NODES))
        for spelling in (("-w", "4:512"), ("-w4:512",), ("-S", "0", "-w", "4:512")):
            call = functools.partial(self.numad, *spelling)
            self.prints("2", call)
            self.assertEqual(self.hears(daemon, call)[0], "POST /v1/numad?vcpus=4&memory_mib=512 HTTP/1.1")
        daemon.behave = say(answer(200, b"0-1,3\n", "text/plain; charset=utf-8"))
        self.prints("0-1,3", lambda: self.numad("-w", "4"))

    def test_without_the_daemon_it_answers_by_itself(self):
        self.assertEqual(self.at_once(lambda: self.numad("-w", "4:512"))[0], "0")
        # two nodes, and node 0 has a guest by now
        self.assertEqual(self.numad("-w", "12:512", remember=True)[0], "1-2")
        self.assertEqual(self.numad("-w", "4:999999", remember=True)[0], "0-3")

    def test_what_the_daemon_says_is_checked(self):
        daemon = self.daemon(silent)
        roots = iter(range(100))
        for said in (
            answer(200, b"4\n", "text/plain"),
            answer(200, b"0-4\n", "text/plain"),
            answer(200, b"\n", "text/plain"),
            answer(200, b"", "text/plain"),
            answer(200, b"1;reboot\n", "text/plain"),
            answer(200, b"1\n1\n", "text/plain"),
            answer(200, b"1 \n", "text/plain"),
            answer(200, b"99999999999999999999\n", "text/plain"),
            answer(200, b"1\n", "application/json"),
            answer(204),
            answer(404, b"1\n", "text/plain"),
            answer(503, b"1\n", "text/plain"),
            answer(200, b"1\n", "text/plain", length=3),
            answer(200, b"1," * (5 << 20), "text/plain"),
            b"1\n",
            os.urandom(4096),
        ):
            with self.subTest(said=said[:60]):
                daemon.behave = say(said)
                root = make_root(os.path.join(self.folder, f"root{next(roots)}"), 4)
                self.assertEqual(self.at_once(functools.partial(self.numad, "-w", "4:512", root=root))[0], "0")

    def test_nodes_without_memory_or_cpus(self):
        root = make_root(os.path.join(self.folder, "gpus"), 2, memory_only=(4, 5))
        daemon = self.daemon(say(answer(200, b"4-5\n", "text/plain")))
        self.assertEqual(self.numad("-w", "4:512", root=root)[0], "0")
        self.assertEqual(self.numad("-w", "4:999999", root=root)[0], "0-1")
        daemon.behave = say(answer(200, b"1,4\n", "text/plain"))
        self.prints("1,4", lambda: self.numad("-w", "4:512", root=root))

    def test_a_daemon_that_hangs(self):
        self.stopped_daemon()
        self.assertEqual(self.waits(0.04, lambda: self.numad("-w", "4:512"))[0], "0")

    def test_a_daemon_that_never_answers_or_too_slowly(self):
        daemon = self.daemon(silent)
        self.assertEqual(self.waits(0.04, lambda: self.numad("-w", "4:512"))[0], "0")
        daemon.behave = byte_by_byte(NODES, 0.01)
        self.assertEqual(self.waits(0.04, lambda: self.numad("-w", "4:512"))[0], "0")

    def test_a_daemon_killed_in_the_middle(self):
        self.daemon(say(NODES[:-1]))
        self.assertEqual(self.at_once(lambda: self.numad("-w", "4:512"))[0], "0")

    def test_garbage_in_sys(self):
        root = os.path.join(self.folder, "garbage")
        base = os.path.join(root, "sys/devices/system/node")
        os.makedirs(os.path.join(base, "node0/meminfo"))
        for name in ("online", "node0/cpulist"):
            with open(os.path.join(base, name), "wb") as file:
                file.write(os.urandom(100000))
        os.mkfifo(os.path.join(base, "node0/distance"))
        self.assertEqual(self.numad("-w", "4:512", root=root)[0], "0")
        self.assertEqual(self.numad("-w", "4:512", root=os.path.join(self.folder, "nowhere"))[0], "0")

    def test_a_malformed_question_gets_all_nodes_and_a_sentence(self):
        self.daemon(say(NODES))
        for size in ("x", "4:", "4:1:2", "", "-4"):
            done = subprocess.run(
                [NUMAD, "--root", self.root, f"-w{size}"] if size else [NUMAD, "--root", self.root, "-w"],
                capture_output=True,
                env=self.environment(),
                timeout=30,
                text=True,
                check=False,
            )
            self.assertEqual((done.returncode, done.stdout), (0, "0-3\n"))
            self.assertIn(f"'{size}' is not VCPUS or VCPUS:MIB", done.stderr)

    def test_other_options(self):
        for arguments, status, stdout, stderr in (
            ((), 1, r"\A\Z", "systemctl start homenoded"),
            (("-i", "15"), 1, r"\A\Z", "homenoded"),
            (("-p", "1"), 1, r"\A\Z", "homenode rebalance"),
            (("-Q",), 1, r"\A\Z", "no such option"),
            (("-V",), 0, r"\Anumad \(homenode\) \d", r"\A\Z"),
            (("-h",), 0, "numad -w VCPUS", r"\A\Z"),
        ):
            done = subprocess.run([NUMAD, *arguments], capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(done.returncode, status, arguments)
            self.assertRegex(done.stdout, stdout)
            self.assertRegex(done.stderr, stderr)

    def test_nobody_reads_the_answer(self):
        reading, writing = os.pipe()
        os.close(reading)
        command = [NUMAD, "--root", self.root, "-w", "4:512"]
        with subprocess.Popen(command, stdout=writing, env=self.environment()) as process:
            os.close(writing)
            self.assertEqual(process.wait(timeout=30), 0)
        for closed in ("<&-", ">&-", "<&- >&- 2>&-"):
            done = subprocess.run(["bash", "-c", f'"$@" {closed}', "-", *command], stdout=subprocess.DEVNULL, timeout=30, check=False)
            self.assertEqual(done.returncode, 0, closed)

    def ask_at_once(self, count, *arguments):
        """[(line, seconds)] of so many concurrent calls."""
        waiting, answers = {}, []
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(self.root, "run/homenode-numad"))
        for _ in range(count):
            start = time.monotonic()
            process = subprocess.Popen(
                [NUMAD, "--root", self.root, *arguments], stdout=subprocess.PIPE, env=self.environment()
            )
            waiting[process.stdout] = process, start
        while waiting:
            ready, _, _ = select.select(list(waiting), [], [], 30)
            self.assertTrue(ready, f"{len(waiting)} of {count} have not answered in 30 s")
            for stream in ready:
                process, start = waiting.pop(stream)
                answers.append((stream.read().decode(), time.monotonic() - start))
                stream.close()
                self.assertEqual(process.wait(timeout=30), 0)
        return answers

    def check_concurrent(self, what):
        """The lines of 32 at once. Their time is compared with 32 programs that are asked nothing but their version."""
        for _ in range(ATTEMPTS):
            usual = max(seconds for _, seconds in self.ask_at_once(32, "-V"))
            answers = self.ask_at_once(32, "-w", "2:1024")
            for line, _ in answers:
                self.assertRegex(line, r"\A[0-9]+\n\Z")
            seconds = [second for _, second in answers]
            limit = 0.05 + 2 * usual + SLACK
            if max(seconds) <= limit:
                break
        print(
            f"32 at once, {what}: median {statistics.median(seconds) * 1000:.0f} ms, most {max(seconds) * 1000:.0f} ms, "
            f"{sum(second <= 0.05 for second in seconds)} within 50 ms; {usual * 1000:.0f} ms to say their version",
            file=sys.stderr,
        )
        self.assertLessEqual(max(seconds), limit)
        return [line.strip() for line, _ in answers]

    def test_32_at_once_without_the_daemon(self):
        lines = self.check_concurrent("no daemon")
        counts = [lines.count(str(node)) for node in range(4)]
        self.assertEqual(sum(counts), 32)
        # eight each, but for those that did not get the file's lock in time
        self.assertGreaterEqual(min(counts), 3)

    def test_32_at_once_with_a_daemon_that_hangs(self):
        self.stopped_daemon()
        lines = self.check_concurrent("daemon hung")
        self.assertEqual(len(set(lines)), 4)

    def test_32_at_once_with_the_daemon(self):
        turn = iter(range(1000))
        lock = threading.Lock()

        def in_turn(connection):
            with lock:
                node = next(turn) % 4
            connection.sendall(answer(200, f"{node}\n".encode(), "text/plain"))

        self.daemon(in_turn)
        lines = self.check_concurrent("daemon well")
        self.assertEqual(len(lines), 32)


class Diversion(unittest.TestCase):
    """data/numad-diversion in a root of its own; the real numad's part is played by a text."""

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="homenode-test-")
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        self.path = os.path.join(self.root, "usr/bin/numad")
        self.kept = self.path + ".distrib"
        os.makedirs(os.path.dirname(self.path))

    def with_dpkg(self):
        if not shutil.which("dpkg-divert"):
            self.skipTest("dpkg-divert is not installed")
        for folder in ("updates", "info"):
            os.makedirs(os.path.join(self.root, "var/lib/dpkg", folder))
        write(os.path.join(self.root, "var/lib/dpkg/status"), "")

    def diversions(self):
        with contextlib.suppress(FileNotFoundError):
            with open(os.path.join(self.root, "var/lib/dpkg/diversions"), encoding="utf-8") as file:
                return file.read().split()
        return []

    def run_script(self, command, status=0):
        done = subprocess.run(
            [DIVERSION, command, "--root", self.root, "--from", NUMAD],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def content(self, path):
        with open(path, "rb") as file:
            return file.read()

    def check_round_trip(self):
        write(self.path, "the real one")
        ours = self.content(NUMAD)
        self.run_script("status", 1)
        for _ in range(2):
            self.assertIn("is homenode's", self.run_script("install"))
            self.assertEqual(self.content(self.path), ours)
            self.assertTrue(os.access(self.path, os.X_OK))
            self.assertEqual(self.content(self.kept), b"the real one")
            self.run_script("status")
        for said in ("is again what it was", "nothing to bring back"):
            self.assertIn(said, self.run_script("remove"))
            self.assertEqual(self.content(self.path), b"the real one")
            self.assertEqual(os.listdir(os.path.dirname(self.path)), ["numad"])
            self.assertEqual(self.diversions(), [])
            self.run_script("status", 1)

    def test_there_and_back_without_dpkg(self):
        self.check_round_trip()

    def test_there_and_back_with_dpkg(self):
        self.with_dpkg()
        self.check_round_trip()

    def test_dpkg_knows(self):
        self.with_dpkg()
        write(self.path, "the real one")
        self.run_script("install")
        self.assertEqual(self.diversions(), ["/usr/bin/numad", "/usr/bin/numad.distrib", ":"])

    def test_where_there_was_none(self):
        self.with_dpkg()
        self.run_script("install")
        self.assertFalse(os.path.exists(self.kept))
        write(self.kept, "installed later")  # as dpkg would, by the diversion
        self.run_script("install")
        self.run_script("remove")
        self.assertEqual(self.content(self.path), b"installed later")
        os.unlink(self.path)
        self.run_script("install")
        self.run_script("remove")
        self.assertEqual(os.listdir(os.path.dirname(self.path)), [])

    def test_what_others_did_is_left_alone(self):
        self.with_dpkg()
        write(self.path, "the real one")
        write(self.kept, "somebody's")
        self.assertIn("remove one of them", self.run_script("install", 1))
        os.unlink(self.kept)
        write(os.path.join(self.root, "var/lib/dpkg/diversions"), "/usr/bin/numad\n/usr/bin/numad.other\n:\n")
        self.assertIn("/usr/bin/numad.other already", self.run_script("install", 1))
        write(os.path.join(self.root, "var/lib/dpkg/diversions"), "/usr/bin/numad\n/usr/bin/numad.distrib\nothers\n")
        self.assertIn("the package others", self.run_script("install", 1))
        self.assertEqual(self.content(self.path), b"the real one")

    def test_only_ours_is_put_there(self):
        done = subprocess.run(
            [DIVERSION, "install", "--root", self.root, "--from", "/bin/true"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("--from", done.stderr)
        self.assertEqual(os.listdir(os.path.dirname(self.path)), [])


if __name__ == "__main__":
    unittest.main()
