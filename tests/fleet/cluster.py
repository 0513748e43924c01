"""What the tests of the fleet share: etcds that are really stopped, wiped and killed, homenode-fleetds, and false hosts.

The programs under test come from HOMENODE_BUILD. Every wait has a limit and says what it waited for.
"""

import base64
import contextlib
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))

from certificates import client  # noqa: E402
from harness import BUILD, SLOWER, wait_for  # noqa: E402

ETCD = shutil.which("etcd")
PREFIX = "/homenode/"


def free_ports(count):
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def ask(port, method, path, body=None, headers=None, limit=20, tls=None):
    made = http.client.HTTPSConnection("127.0.0.1", port, timeout=limit * SLOWER, context=tls) if tls \
        else http.client.HTTPConnection("127.0.0.1", port, timeout=limit * SLOWER)
    with contextlib.closing(made) as connection:
        connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers or {})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if answer.headers.get_content_type().endswith("json") else text.decode()


def coded(text):
    return base64.b64encode(text.encode()).decode()


class Etcd:
    """One member, or several, on loopback, in a folder of their own; clients need a certificate where there is an authority."""

    def __init__(self, folder, members=1, authority=None):
        self.folder, self.authority = folder, authority
        self.scheme = "https" if authority else "http"
        ports = free_ports(2 * members)
        self.clients, self.peers = ports[:members], ports[members:]
        self.processes = [None] * members
        self.tls = client(authority, authority.issue("test", "/CN=test")) if authority else None

    @property
    def endpoints(self):
        return ",".join(f"{self.scheme}://127.0.0.1:{port}" for port in self.clients)

    def secured(self):
        """What a member is told of certificates: its own, and that its clients must have one of the same authority."""
        if not self.authority:
            return []
        cert, key = self.authority.issue("etcd", "/CN=etcd", "serverAuth,clientAuth")
        return ["--cert-file", cert, "--key-file", key, "--trusted-ca-file", self.authority.file, "--client-cert-auth"]

    def data(self, member):
        return os.path.join(self.folder, f"etcd-{member}")

    def start(self, member=None):
        cluster = ",".join(f"m{i}=http://127.0.0.1:{port}" for i, port in enumerate(self.peers))
        for i in range(len(self.clients)) if member is None else [member]:
            client, peer = f"{self.scheme}://127.0.0.1:{self.clients[i]}", f"http://127.0.0.1:{self.peers[i]}"
            with open(os.path.join(self.folder, f"etcd-{i}.log"), "a", encoding="utf-8") as log:
                self.processes[i] = subprocess.Popen(
                    ["etcd", "--name", f"m{i}", "--data-dir", self.data(i), "--listen-client-urls", client,
                     "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                     "--initial-cluster", cluster, "--unsafe-no-fsync", *self.secured()],
                    stdout=log, stderr=log,
                )
        wait_for("etcd has a leader", lambda: self.leader() is not None, 60)

    def stop(self, member=None, how=signal.SIGKILL):
        for i in range(len(self.clients)) if member is None else [member]:
            if self.processes[i]:
                self.processes[i].send_signal(how)
                self.processes[i].wait(timeout=30 * SLOWER)
                self.processes[i] = None

    def wipe(self):
        for i in range(len(self.clients)):
            shutil.rmtree(self.data(i), ignore_errors=True)

    def ask(self, path, body, member=None):
        """The JSON of the first member that answers, or of that one; None when none does."""
        for i in range(len(self.clients)) if member is None else [member]:
            with contextlib.suppress(OSError, http.client.HTTPException):
                status, answer = ask(self.clients[i], "POST", path, body, limit=5, tls=self.tls)
                if status == 200:
                    return answer
        return None

    def leader(self):
        """The member that leads, once a majority is there."""
        for i, process in enumerate(self.processes):
            status = self.ask("/v3/maintenance/status", {}, i) if process else None
            if status and status.get("leader", "0") != "0" and status["leader"] == status["header"]["member_id"]:
                return i
        return None

    def put(self, key, value):
        return wait_for(f"{key} is put", lambda: self.ask("/v3/kv/put", {"key": coded(PREFIX + key), "value": coded(value)}))

    def delete(self, key):
        return self.ask("/v3/kv/deleterange", {"key": coded(PREFIX + key)})

    def keys(self):
        answer = self.ask("/v3/kv/range", {"key": coded(PREFIX), "range_end": coded("/homenode0"), "keys_only": True})
        return sorted(base64.b64decode(kv["key"]).decode() for kv in (answer or {}).get("kvs", []))

    def compact(self):
        revision = self.ask("/v3/kv/range", {"key": coded("x")})["header"]["revision"]
        return self.ask("/v3/kv/compaction", {"revision": revision, "physical": True})

    def close(self):
        self.stop()


class Fleetd:
    def __init__(self, folder, etcd, *arguments):
        (self.port,) = free_ports(1)
        self.etcd, self.arguments = etcd, arguments
        self.log_path = os.path.join(folder, f"fleetd-{self.port}.log")
        self.process = None

    def start(self):
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [f"{BUILD}/fleet/homenode-fleetd", "-e", self.etcd.endpoints, "-p", PREFIX, "-L", f"127.0.0.1:{self.port}",
                 "-l", "debug", *self.arguments],
                stderr=log,
            )
        wait_for("homenode-fleetd listens", self.answers)

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"homenode-fleetd ended: {self.log()}")
        with contextlib.suppress(OSError):
            return self.ask("GET", "/healthz")[0] == 200
        return False

    def ask(self, method, path, body=None, headers=None):
        return ask(self.port, method, path, body, headers)

    def is_ready(self):
        return self.ask("GET", "/readyz")[0] == 200

    def hosts(self):
        status, answer = self.ask("GET", "/v1/hosts?limit=1000")
        return {host["host"]: host for host in answer["hosts"]} if status == 200 else {}

    def wait_hosts(self, names, limit=60):
        names = set(names)
        wait_for(f"the fleet is {sorted(names)}; the log:\n{self.log()[-2000:]}", lambda: set(self.hosts()) == names, limit)

    def metric(self, name):
        for line in self.ask("GET", "/metrics")[1].splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        return None

    def log(self):
        return pathlib.Path(self.log_path).read_text(encoding="utf-8")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=20 * SLOWER)
        self.process = None
        return code

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()


class FalseHost:
    """The API of a host: answers reservations with what its function says, and counts them."""

    def __init__(self, behave):
        host = self
        self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                host.asked.append((self.path, self.headers["Idempotency-Key"], body))
                status, answer = behave(json.loads(body))
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                status, answer = behave(None)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class FalseEtcd:
    """etcd's gateway: its function gets path, body and token, and says (status, JSON), or a list of messages for a watch, which
    stays open behind them."""

    def __init__(self, behave):
        etcd = self
        self.asked = []
        self.over = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                etcd.asked.append(self.path)
                answer = behave(self.path, body, self.headers["Authorization"])
                self.send_response(200 if isinstance(answer, list) else answer[0])
                self.end_headers()
                for message in answer if isinstance(answer, list) else [answer[1]]:
                    self.wfile.write(json.dumps(message).encode() + b"\n")
                    self.wfile.flush()
                if isinstance(answer, list):
                    etcd.over.wait(60)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.endpoints = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


def made_hosts(count, seed=1):
    """[(key, value)] as bench-fleet-hosts makes them: topologies, then hosts."""
    made = subprocess.run([f"{BUILD}/bench/bench-fleet-hosts", str(count), str(seed)], check=True, capture_output=True, text=True)
    return [tuple(line.split("\t", 1)) for line in made.stdout.splitlines()]


def with_holes(lines):
    """The same with every other number no node's: topologies, which are named by what is in them, and who names them."""
    renamed, made = {}, []
    for key, value in lines:
        folder, name = key.split("/")
        document = json.loads(value)
        if folder == "topologies":
            for node in document["nodes"]:
                node["id"] *= 2
            for cpu in document["cpus"]:
                cpu["node"] *= 2
            value = json.dumps(document, separators=(",", ":"))
            renamed[name] = name = hashlib.sha256(value.encode()).hexdigest()[:32]
        else:
            value = json.dumps({**document, "topology": renamed[document["topology"]]})
        made.append((f"{folder}/{name}", value))
    return made


def folder_of(test):
    folder = tempfile.mkdtemp(prefix="homenode-fleet-")
    test.addCleanup(shutil.rmtree, folder, ignore_errors=True)
    return folder
