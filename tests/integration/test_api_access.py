"""Who may use the API, and who may not: users on the socket, certificates over TLS, and what is smuggled in requests."""

import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import unittest

from certificates import Authority, client
from contract import CONTRACT
from harness import Host, wait_for

WISH = {"name": "web", "vcpus": 1, "memory_bytes": 32 << 20}
OPERATORS, READERS = "users", "games"  # groups that every Debian has
CALL = """
import http.client, json, socket, sys
class C(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX); self.sock.settimeout(20); self.sock.connect(sys.argv[1])
c = C("homenoded")
try:
    c.request(sys.argv[2], sys.argv[3], body=sys.argv[4] or None)
    r = c.getresponse(); print(json.dumps([r.status, r.read().decode()]))
except (PermissionError, ConnectionError, http.client.HTTPException) as e:
    print(json.dumps([0, str(e)]))
"""


def group_id(name):
    with open("/etc/group", encoding="ascii", errors="replace") as file:
        return next(line.split(":")[2] for line in file if line.startswith(name + ":"))


@unittest.skipUnless(os.geteuid() == 0, "becoming another user needs root")
class Users(unittest.TestCase):
    def make(self, extra):
        self.host = Host(extra=extra)
        self.addCleanup(self.host.close)
        os.chmod(self.host.folder, 0o755)
        self.host.start()

    def call_as(self, user, groups, method, path, body=""):
        keep = [f"--groups={','.join(groups)}"] if groups else ["--clear-groups"]
        done = subprocess.run(["setpriv", f"--reuid={user}", "--regid=65534", *keep, sys.executable, "-c", CALL,
                               self.host.api, method, path, body], capture_output=True, text=True, timeout=60, check=True)
        return json.loads(done.stdout)

    def test_without_groups_the_socket_is_roots(self):
        self.make("")
        status, text = self.call_as(65534, [], "GET", "/v1/host")
        self.assertEqual(status, 0)
        self.assertIn("Permission denied", text)
        self.assertEqual(os.stat(self.host.api).st_mode & 0o777, 0o660)
        self.assertEqual(self.host.stop(), 0)

    def test_groups_read_and_act(self):
        self.make(f"[api]\noperators = {OPERATORS}\nreaders = {READERS}\n")
        operators, readers = group_id(OPERATORS), group_id(READERS)
        wish = json.dumps(WISH)
        for user, groups, method, path, body, status in (
                (65534, [], "GET", "/v1/host", "", 403), (65534, [], "POST", "/v1/reservations", wish, 403),
                (65534, [], "GET", "/v1/nothing", "", 403),
                (65534, [readers], "GET", "/v1/host", "", 200), (65534, [readers], "GET", "/metrics", "", 200),
                (65534, [readers], "POST", "/v1/placements", wish, 200),
                (65534, [readers], "POST", "/v1/reservations", wish, 403),
                (65534, [readers], "POST", "/v1/plans", "{}", 403), (65534, [readers], "DELETE", "/v1/reservations/x", "", 403),
                (65534, [readers], "POST", "/v1/libvirt/release?guest=x&sub=end", "", 403),
                (65534, [operators], "POST", "/v1/reservations", wish, 201),
                (65534, [readers, operators], "POST", "/v1/plans", '{"guest": "x"}', 404),
                (65534, [operators], "GET", "/v1/reservations", "", 200)):
            with self.subTest(groups=groups, method=method, path=path):
                got, text = self.call_as(user, groups, method, path, body)
                self.assertEqual(got, status, text)
                if got == 403:
                    CONTRACT.valid({"$ref": "#/components/schemas/Problem"}, json.loads(text))
        self.assertEqual(self.host.call("POST", "/v1/plans", {})[0], 400, "root acts whatever the groups")
        self.assertEqual(self.host.stop(), 0)
        for pattern in ("user 65534 on the socket is refused: neither reader nor operator",
                        "user 65534 on the socket is refused: a reader that wanted to act"):
            self.assertEqual(self.host.log().count(pattern), 1, "said once, however often")

    def test_a_stranger_holds_few_connections(self):
        self.make(f"[api]\nreaders = {READERS}\n")
        script = ("import socket, sys\nfound = []\nfor _ in range(40):\n s = socket.socket(socket.AF_UNIX); s.settimeout(20)\n"
                  " s.connect(sys.argv[1]); found.append(s)\nclosed = 0\n"
                  "for s in found:\n s.settimeout(2)\n try:\n  closed += s.recv(1) == b''\n except (TimeoutError, OSError) as e:\n"
                  "  closed += isinstance(e, ConnectionError)\nprint(closed)")
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", script,
                               self.host.api], capture_output=True, text=True, timeout=120, check=True)
        self.assertEqual(int(done.stdout), 32, "8 of 40 are kept")
        self.assertEqual(self.host.call("GET", "/v1/host")[0], 200)
        self.assertEqual(self.host.stop(), 0)
        self.assertEqual(self.host.log().count("user 65534 is refused: too many connections"), 1)

    def test_a_group_that_is_not_there(self):
        host = Host(extra="[api]\noperators = no-such-group\n")
        self.addCleanup(host.close)
        done = subprocess.run([f"{os.environ['HOMENODE_BUILD']}/daemon/homenoded", "--config", host.config],
                              capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("[api] operators: this host has no group 'no-such-group'", done.stderr)


class Certificates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host()
        cls.addClassCleanup(cls.host.close)
        folder = os.path.join(cls.host.folder, "pki")
        cls.ours, cls.others = Authority(folder), Authority(os.path.join(folder, "other"), "another")
        cls.server = cls.ours.issue("server", "/CN=localhost", "serverAuth")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            cls.port = probe.getsockname()[1]
        with open(cls.host.config, "a", encoding="ascii") as file:
            file.write(f"[api]\nlisten = 127.0.0.1:{cls.port}\ncert = {cls.server[0]}\nkey = {cls.server[1]}\n"
                       f"ca = {cls.ours.file}\n")
        cls.operator = cls.ours.issue("operator", "/CN=fleet/OU=homenode-operator")
        cls.reader = cls.ours.issue("reader", "/CN=dashboard/OU=homenode-reader")

    def setUp(self):
        self.host.start()
        self.addCleanup(lambda: self.assertEqual(self.host.stop(), 0, self.host.log()[-3000:]))

    def call(self, identity, method="GET", path="/v1/host", body=None, **options):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=client(self.ours, identity, **options),
                                                 timeout=20)
        return self.host.exchange(method, path, body, connection=connection)[:2]

    def test_roles(self):
        self.assertEqual(self.call(self.reader)[0], 200)
        self.assertIn("<title>homenode</title>", self.call(self.reader, path="/")[1])
        self.assertEqual(self.call(self.reader, "POST", "/v1/reservations", WISH)[0], 403)
        self.assertEqual(self.call(self.operator, "POST", "/v1/placements", WISH)[0], 200)
        status, made = self.call(self.operator, "POST", "/v1/reservations", WISH)
        self.assertEqual(status, 201)
        self.assertEqual(self.call(self.reader, "GET", f"/v1/reservations/{made['id']}")[0], 200)
        self.assertEqual(self.call(self.reader, "DELETE", f"/v1/reservations/{made['id']}")[0], 403)
        self.assertEqual(self.call(self.operator, "DELETE", f"/v1/reservations/{made['id']}")[0], 204)
        for path in ("/v1/libvirt/prepare?guest=x&sub=begin", "/v1/numad?vcpus=1&memory_mib=1"):
            self.assertEqual(self.call(self.operator, "POST", path)[0], 403, "for this host's libvirt alone")
        self.host.wait_log("'dashboard' from 127.0.0.1 is refused: a reader that wanted to act")

    def test_one_connection_after_the_other(self):
        """Each has the descriptor's number of the one before, and none reads what the other is sent."""
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = client(self.ours, self.reader, version)
            for _ in range(20):
                with socket.create_connection(("127.0.0.1", self.port), timeout=20) as plain, \
                        context.wrap_socket(plain, server_hostname="127.0.0.1") as stream:
                    stream.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    self.assertTrue(stream.recv(100).startswith(b"HTTP/1.1 "), version)

    def test_who_is_neither(self):
        for name, subject in (("plain", "/CN=x"), ("near", "/CN=x/OU=homenode-operators"), ("case", "/CN=x/OU=Homenode-Operator"),
                              ("cn", "/CN=homenode-operator"), ("org", "/CN=x/O=homenode-operator")):
            with self.subTest(subject=subject):
                status, problem = self.call(self.ours.issue(name, subject))
                self.assertEqual(status, 403)
                self.assertIn("OU=homenode-reader", problem["detail"])

    def write_authority(self, text):
        with open(self.ours.file, "w", encoding="ascii") as file:
            file.write(text)

    def refused(self, identity, pattern, **options):
        with self.assertRaises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
            self.call(identity, **options)
        self.host.wait_log(f"127.0.0.1 is refused: TLS: {pattern}")

    def test_without_a_certificate(self):
        self.refused(None, "certificate required|handshake failure|bad certificate|unknown")

    def test_of_another_authority(self):
        self.refused(self.others.issue("op", "/CN=x/OU=homenode-operator"), "unable to get local issuer certificate|self.signed")

    def test_expired(self):
        self.refused(self.ours.issue_expired("old", "/CN=x/OU=homenode-operator"), "certificate has expired")

    def test_a_servers_certificate_is_no_clients(self):
        self.refused(self.ours.issue("srv", "/CN=x/OU=homenode-operator", "serverAuth"), "unsuitable certificate purpose|unsupported")

    def test_old_protocols(self):
        self.refused(self.operator, "protocol version|handshake", newest=ssl.TLSVersion.TLSv1_1)

    def test_plain_http_on_the_port(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as plain:
            plain.sendall(b"GET /v1/host HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            try:
                while chunk := plain.recv(4096):
                    answer += chunk
            except ConnectionError:
                pass
        self.assertNotIn(b"HTTP/1.1 200", answer)
        self.assertNotIn(b"nodes", answer)
        self.assertEqual(self.call(self.reader)[0], 200)

    def test_said_once(self):
        self.host.log_path = os.path.join(self.host.folder, "log-once")
        self.host.stop()
        self.host.start()
        for _ in range(20):
            with self.assertRaises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
                self.call(None)
        wait_for("it is logged", lambda: "is refused: TLS" in self.host.log())
        self.assertLessEqual(len(re.findall("is refused: TLS", self.host.log())), 2)

    def test_new_certificates_without_a_restart(self):
        stream = http.client.HTTPSConnection("127.0.0.1", self.port, context=client(self.ours, self.reader), timeout=20)
        stream.request("GET", "/v1/events")
        answer = stream.getresponse()
        self.assertEqual(answer.status, 200)
        with open(self.ours.file, encoding="ascii") as file:
            before = file.read()
        with open(self.others.file, encoding="ascii") as new:
            self.write_authority(new.read())
        self.addCleanup(self.write_authority, before)
        pid = self.host.daemon.pid
        self.host.daemon.send_signal(signal.SIGHUP)
        self.host.wait_log("certificates are read again")
        with self.assertRaises((http.client.IncompleteRead, ConnectionError)):
            while answer.read(1):  # who came in by the old ones is hung up on
                pass
        answer.close()
        stream.close()
        trusting = ssl.create_default_context(cadata=before)
        trusting.load_cert_chain(*self.others.issue("new", "/CN=x/OU=homenode-reader"))
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=trusting, timeout=20)
        self.assertEqual(self.host.exchange("GET", "/v1/host", connection=connection)[0], 200)
        trusting = ssl.create_default_context(cadata=before)
        trusting.load_cert_chain(*self.reader)
        with self.assertRaises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
            self.host.exchange("GET", "/v1/host",
                               connection=http.client.HTTPSConnection("127.0.0.1", self.port, context=trusting, timeout=20))
        self.write_authority("nothing of the kind\n")
        self.host.daemon.send_signal(signal.SIGHUP)
        self.host.wait_log(r"the certificates are as they were: \[api\] ca: ")
        self.assertEqual(self.host.daemon.pid, pid)
        self.assertIsNone(self.host.daemon.poll())

    def test_an_address_that_is_not_there_yet(self):
        """As at boot, before the network is up: 203.0.113.0/24 is nobody's."""
        host = Host(extra=f"[api]\nlisten = 203.0.113.7:{self.port}\ncert = {self.server[0]}\nkey = {self.server[1]}\n"
                          f"ca = {self.ours.file}\n")
        self.addCleanup(host.close)
        host.start()
        self.assertIn(f"api: 203.0.113.7:{self.port} is no address of this machine's yet", host.log())
        self.assertEqual(host.call("GET", "/v1/host")[0], 200)
        self.assertEqual(host.stop(), 0)

    def test_files_that_are_no_good(self):
        for key, value, pattern in (("cert", self.ours.path("none", "pem"), r"\[api\] cert: .*none\.pem"),
                                    ("key", self.reader[1], r"\[api\] key: .*mismatch"),
                                    ("ca", self.server[1], r"\[api\] ca: ")):
            with self.subTest(key=key):
                host = Host(extra=f"[api]\nlisten = 127.0.0.1:{self.port + 1}\ncert = {self.server[0]}\n"
                                  f"key = {self.server[1]}\nca = {self.ours.file}\n{key} = {value}\n")
                self.addCleanup(host.close)
                done = subprocess.run([f"{os.environ['HOMENODE_BUILD']}/daemon/homenoded", "--config", host.config],
                                      capture_output=True, text=True, timeout=30, check=False)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, pattern)


class Smuggling(unittest.TestCase):
    def setUp(self):
        self.host = Host()
        self.addCleanup(self.host.close)
        self.host.start()

    def raw(self, data):
        with self.host.connect() as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while chunk := connection.recv(65536):
                    answer += chunk
            except (ConnectionError, TimeoutError):
                pass
            return answer

    def test_paths_that_climb(self):
        for path in ("/v1/guests/../../../etc/passwd", "/v1/guests/..%2f..%2f..%2fetc%2fpasswd", "/v1/guests/%2e%2e/host",
                     "//etc/passwd", "/v1//host", "/v1/guests/..", "/../v1/host", "/v1/plans/..%2fx", "/v1/reservations/%2e%2e",
                     "/v1/guests/%00", "/v1/guests/a%0d%0aSet-Cookie:x"):
            with self.subTest(path=path):
                status, problem, heads = self.host.exchange("GET", path)
                self.assertEqual(status, 404)
                self.assertNotIn("Set-Cookie", heads)
                self.assertNotIn("root:", problem["detail"])

    def test_headers_from_values(self):
        """What a client says never becomes a header or a line of the log of its own."""
        wish = {**WISH, "name": "a\r\nX-Evil: 1"}
        status, _, heads = self.host.exchange("POST", "/v1/reservations", wish, {})
        self.assertEqual(status, 400)
        self.assertNotIn("X-Evil", heads)
        for query in ("since=1%0d%0aX-Evil:1", "limit=1%0d%0aX-Evil:1"):
            _, _, heads = self.host.exchange("GET", f"/v1/guests?cursor=aa&{query}")
            self.assertNotIn("X-Evil", heads)
        answer = self.raw(b"GET /v1/guests/a%0aforged HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 404"))
        self.assertNotIn("\nforged", self.host.log())

    def test_two_lengths(self):
        for extra in (b"Content-Length: 2\r\nContent-Length: 40\r\n", b"Content-Length: 40\r\nTransfer-Encoding: chunked\r\n"):
            with self.subTest(extra=extra):
                answer = self.raw(b"POST /v1/plans HTTP/1.1\r\nHost: x\r\n" + extra +
                                  b"\r\n{}GET /v1/snapshot HTTP/1.1\r\nHost: x\r\n\r\n0\r\n\r\n")
                self.assertNotIn(b"HTTP/1.1 200", answer)
                self.assertLessEqual(answer.count(b"HTTP/1.1"), 1, answer)

    def test_what_is_not_http(self):
        for data in (b"\0" * 4096, b"GET\r\n\r\n", b"GET /v1/host HTTP/9.9\r\n\r\n", b"GET /v1/host\r\n\r\n", b"\r\n" * 9000,
                     b"BREW /v1/host HTTP/1.1\r\n\r\n", b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
                     b"GET /v1/host HTTP/1.1\r\n" + b"x: y\r\n" * 5000 + b"\r\n",
                     b"POST /v1/plans HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                     b"POST /v1/plans HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
                     b"POST /v1/plans HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
            with self.subTest(data=data[:40]):
                answer = self.raw(data)
                self.assertNotIn(b"HTTP/1.1 200", answer)
                self.assertNotIn(b"HTTP/1.0 200", answer)
                self.assertEqual(self.host.call("GET", "/v1/host")[0], 200, "and it goes on")
        self.assertEqual(self.host.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
