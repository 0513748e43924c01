#!/usr/bin/env python3
"""What homenode-fleetd answers, and how it reserves: through to the hosts, who decide."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
import unittest
import urllib.request

from cluster import ETCD, SLOWER, Etcd, FalseHost, Fleetd, ask, folder_of, made_hosts, wait_for, with_holes

SHAPE = {"vcpus": 4, "memory_bytes": 8 << 30}
WANTED = {"name": "web-1", "vcpus": 4, "memory_bytes": 8 << 30}


class AskTest(unittest.TestCase):
    def setUp(self):
        if not ETCD:
            self.skipTest("etcd is not installed")
        self.folder = folder_of(self)
        self.etcd = Etcd(self.folder)
        self.addCleanup(self.etcd.close)
        self.etcd.start()

    def fleetd(self, *arguments):
        fleetd = Fleetd(self.folder, self.etcd, *arguments)
        self.addCleanup(fleetd.close)
        fleetd.start()
        return fleetd

    def load(self, count, edit=lambda record: None, changed=lambda lines: lines):
        """Hosts, each edited; their records by name."""
        records = {}
        for key, value in changed(made_hosts(count)):
            if key.startswith("hosts/"):
                record = json.loads(value)
                edit(record)
                records[record["host"]] = record
                value = json.dumps(record)
            self.etcd.put(key, value)
        return records


class Answers(AskTest):
    def test_ranked_by_what_the_solver_says(self):
        fleetd = self.fleetd()
        records = self.load(30)
        fleetd.wait_hosts(records)
        status, answer = fleetd.ask("POST", "/v1/rank", {"shape": SHAPE, "limit": 8})
        self.assertEqual(status, 200)
        self.assertEqual(answer["scanned"], 30)
        self.assertEqual(len(answer["hosts"]), 8)
        costs = [list(host["cost"].values()) for host in answer["hosts"]]
        self.assertEqual(costs, sorted(costs))
        for host in answer["hosts"]:
            node = records[host["host"]]["nodes"][int(host["cells"][0]["nodes"])]
            self.assertGreaterEqual(node["room_bytes"], SHAPE["memory_bytes"])
            self.assertTrue(host["reasons"])

    def test_nowhere_to_go(self):
        fleetd = self.fleetd()
        fleetd.wait_hosts(self.load(5))
        for shape, why in (
            ({"vcpus": 1, "memory_bytes": 1 << 50}, "memory"),
            ({"vcpus": 1000, "memory_bytes": 1 << 30, "class": "dedicated"}, "cpus"),
            ({"vcpus": 1, "memory_bytes": 1 << 30, "page_bytes": 1 << 30}, "pages"),
        ):
            status, answer = fleetd.ask("POST", "/v1/rank", {"shape": shape})
            self.assertEqual((status, answer["hosts"]), (200, []))
            self.assertEqual(answer["refused"][why], 5, shape)

    def test_counted(self):
        fleetd = self.fleetd()
        records = self.load(20)
        fleetd.wait_hosts(records)
        _, answer = fleetd.ask("POST", "/v1/count", {"shape": SHAPE, "limit": 3})
        want = {name: sum(node["room_bytes"] // SHAPE["memory_bytes"] for node in record["nodes"] if node["seats"][0] >= 4)
                for name, record in records.items()}
        self.assertEqual(answer["count"], sum(want.values()))
        self.assertGreaterEqual(answer["at_most"], answer["count"])
        self.assertEqual([host["count"] for host in answer["hosts"]], sorted(want.values(), reverse=True)[:3])
        _, bounded = fleetd.ask("POST", "/v1/count", {"shape": SHAPE, "vcpus_per_cpu": 1})
        want = sum(min(node["room_bytes"] // SHAPE["memory_bytes"], max(0, node["seats"][0] - node["others_vcpus"]) // 4)
                   for record in records.values() for node in record["nodes"])
        self.assertEqual(bounded["count"], want)

    def test_hosts_are_listed_and_filtered(self):
        def edit(record):
            number = int(record["host"][-2:])
            record["locality"] = number / 100
            record["warning"] = ["transparent-huge-pages"] if number % 5 == 0 else []
            record["failed"] = ["numa-support"] if number == 7 else []

        fleetd = self.fleetd()
        fleetd.wait_hosts(self.load(25, edit))
        names, after = [], ""
        while after is not None:
            _, page = fleetd.ask("GET", f"/v1/hosts?limit=7&after={after}")
            names += [host["host"] for host in page["hosts"]]
            after = page["next"]
        self.assertEqual(names, [f"host-{i:05}" for i in range(25)])
        listed = lambda query: [int(host["host"][-2:]) for host in fleetd.ask("GET", "/v1/hosts?" + query)[1]["hosts"]]
        self.assertEqual(listed("locality_below=0.04"), [0, 1, 2, 3])
        self.assertEqual(listed("failing=any"), [0, 5, 7, 10, 15, 20])
        self.assertEqual(listed("failing=numa-support"), [7])
        self.assertEqual(fleetd.ask("GET", "/v1/hosts/host-00007")[1]["health"], "fail")
        self.assertEqual(fleetd.ask("GET", "/v1/hosts/nobody")[0], 404)
        for path in ("/v1/hosts/host-00007%00", "/v1/hosts/host-00007%00x", "/v1/hosts/%00", "/v1/hosts?after=host-00007%00x"):
            status, problem = fleetd.ask("GET", path)[:2]
            self.assertEqual(status, 400, path)
            self.assertIn("NUL", problem["detail"])

    def test_nodes_are_told_by_their_ids(self):
        fleetd = self.fleetd()
        records = self.load(3, changed=with_holes)
        fleetd.wait_hosts(records)
        told = [*fleetd.ask("GET", "/v1/hosts")[1]["hosts"], fleetd.ask("GET", "/v1/hosts/host-00002")[1]]
        self.assertEqual(len(told), 4)
        for host in told:
            nodes = records[host["host"]]["nodes"]
            self.assertEqual(host["nodes"], [{**node, "id": 2 * i} for i, node in enumerate(nodes)])

    def test_bad_questions(self):
        fleetd = self.fleetd()
        wait_for("it is ready", fleetd.is_ready)
        for method, path, body, status in (
            ("POST", "/v1/rank", {}, 400),
            ("POST", "/v1/rank", {"shape": SHAPE, "guest": {}}, 400),
            ("POST", "/v1/rank", {"shape": {**SHAPE, "vcpus": 0}}, 400),
            ("POST", "/v1/rank", {"shape": {**SHAPE, "colour": 1}}, 400),
            ("POST", "/v1/rank", {"shape": SHAPE, "limit": 101}, 400),
            ("POST", "/v1/rank", {"shape": {**SHAPE, "cells": 5}}, 400),
            ("POST", "/v1/rank", {"guest": {"name": "x"}}, 400),
            ("POST", "/v1/rank", [], 400),
            ("GET", "/v1/rank", None, 405),
            ("GET", "/v1/nothing", None, 404),
            ("GET", "/v1/hosts?limit=0", None, 400),
            ("GET", "/v1/hosts?failing=me", None, 400),
            ("GET", "/v1/hosts?colour=red", None, 400),
            ("POST", "/v1/reservations", WANTED, 403),
        ):
            got, answer = fleetd.ask(method, path, body)
            self.assertEqual(got, status, (method, path, body, answer))
            self.assertTrue(answer["detail"])
        self.assertEqual(fleetd.stop(), 0)


class Connections(AskTest):
    def connect(self, fleetd, first=b""):
        made = socket.create_connection(("127.0.0.1", fleetd.port), timeout=20)
        self.addCleanup(made.close)
        made.sendall(first)
        return made

    def is_closed(self, connection, limit=0.0):
        connection.settimeout(limit)
        try:
            return connection.recv(1) == b""
        except ConnectionError:
            return True
        except (BlockingIOError, TimeoutError):
            return False

    def test_no_more_of_one_address_than_leave_room_for_others(self):
        fleetd = self.fleetd()
        made = [self.connect(fleetd) for _ in range(420)]
        wait_for("those too many are hung up on", lambda: sum(map(self.is_closed, made)) == 420 - 384)
        self.assertEqual(fleetd.log().count("127.0.0.1 is refused: too many connections"), 1)
        for one in made:
            one.close()
        wait_for("there is room again", fleetd.answers)
        self.assertEqual(fleetd.stop(), 0)

    def test_who_takes_too_long_is_hung_up_on(self):
        fleetd = self.fleetd()
        request = iter(b"GET /healthz HTTP/1.1\r\n" + b"X-Slow: " + 200 * b"x")
        slow, began = self.connect(fleetd), time.monotonic()
        while not self.is_closed(slow, 1) and time.monotonic() < began + 60 * SLOWER:
            with contextlib.suppress(OSError):
                slow.sendall(bytes([next(request)]))
            self.assertTrue(fleetd.answers(), "nobody waits for it")
        self.assertGreater(time.monotonic() - began, 25)
        self.assertLess(time.monotonic() - began, 60 * SLOWER)
        self.assertEqual(fleetd.stop(), 0)


class Reservations(AskTest):
    def reserve(self, fleetd, body=None, key="k-1"):
        return fleetd.ask("POST", "/v1/reservations", body or WANTED, {"Idempotency-Key": key} if key else {})

    def hosts_that(self, behave, count=6):
        """As many hosts, all of one false API, which is told who is asked by the order alone."""
        host = FalseHost(behave)
        self.addCleanup(host.close)
        return host, self.load(count, lambda record: record.update(api=host.url))

    def test_the_first_that_has_room(self):
        answers = [(409, {"detail": "no room any more"}), (500, {"detail": "ill"}), (201, {"id": "r1"})]
        host, records = self.hosts_that(lambda _: answers.pop(0))
        fleetd = self.fleetd("--trust-loopback")
        fleetd.wait_hosts(records)
        ranked = [item["host"] for item in fleetd.ask("POST", "/v1/rank", {"shape": SHAPE})[1]["hosts"]]
        status, answer = self.reserve(fleetd)
        self.assertEqual(status, 201, answer)
        self.assertEqual(answer["reservation"], {"id": "r1"})
        self.assertEqual(answer["host"], ranked[2])
        self.assertEqual([(item["host"], item["status"]) for item in answer["tried"]], [(ranked[0], 409), (ranked[1], 500)])
        # the body and the key go through as they are
        self.assertEqual({item[1] for item in host.asked}, {"k-1"})
        self.assertEqual({item[2] for item in host.asked}, {json.dumps(WANTED).encode()})
        self.assertEqual(fleetd.metric("homenode_fleet_reservations_passed_on_total"), 2)

    def test_no_host_has_room(self):
        host, records = self.hosts_that(lambda _: (409, {"detail": "full"}), 3)
        fleetd = self.fleetd("--trust-loopback")
        fleetd.wait_hosts(records)
        status, answer = self.reserve(fleetd)
        self.assertEqual(status, 409)
        self.assertEqual([item["detail"] for item in answer["tried"]], ["full"] * 3)
        self.assertEqual(len(host.asked), 3)
        self.assertEqual(self.reserve(fleetd, {**WANTED, "memory_bytes": 1 << 50})[0], 409)
        self.assertEqual(len(host.asked), 3)

    def test_hosts_that_do_not_answer(self):
        fleetd = self.fleetd("--trust-loopback")
        fleetd.wait_hosts(self.load(2, lambda record: record.update(api="http://127.0.0.1:1")))
        self.assertEqual(self.reserve(fleetd)[0], 502)

    def test_hosts_that_are_not_asked(self):
        for api in ("", "http://192.0.2.1:80", "http://127.0.0.1.example:80"):
            records = self.load(2, lambda record, api=api: record.update(api=api, generation=hash(api) & 0xffff))
            fleetd = self.fleetd("--trust-loopback")
            fleetd.wait_hosts(records)
            status, answer = self.reserve(fleetd)
            self.assertEqual(status, 502)
            self.assertEqual([item["status"] for item in answer["tried"]], [0, 0])

    def test_a_retry_goes_to_the_host_that_has_reserved(self):
        made, answers = {}, {}

        def behave_as(name):
            def behave(wanted):
                answers.setdefault(name, []).append(wanted["name"])
                status = 200 if name in made else 201
                made[name] = {"id": name}
                return status, made[name]
            return behave

        hosts = {f"host-{i:05}": FalseHost(behave_as(f"host-{i:05}")) for i in range(3)}
        for host in hosts.values():
            self.addCleanup(host.close)
        records = self.load(3, lambda record: record.update(api=hosts[record["host"]].url))
        fleetd = self.fleetd("--trust-loopback")
        fleetd.wait_hosts(records)
        status, first = self.reserve(fleetd)
        self.assertEqual(status, 201)
        # it is full now, and suits nobody any more
        full = records[first["host"]]
        for node in full["nodes"]:
            node["room_bytes"] = 0
        full["generation"] += 1
        self.etcd.put(f"hosts/{first['host']}", json.dumps(full))
        ranked = lambda: [item["host"] for item in fleetd.ask("POST", "/v1/rank", {"shape": SHAPE})[1]["hosts"]]
        wait_for("the host is seen to be full", lambda: first["host"] not in ranked())
        status, again = self.reserve(fleetd)
        self.assertEqual((status, again["host"], again["reservation"]), (200, first["host"], first["reservation"]))
        self.assertEqual(list(made), [first["host"]])
        # another key is another reservation
        status, other = self.reserve(fleetd, key="k-2")
        self.assertEqual((status, other["host"]), (201, ranked()[0]))

    def test_only_a_hosts_409_is_want_of_room(self):
        for code in (401, 403, 404):
            answers = [(409, {"detail": "full"}), (code, {"detail": f"not you: {code}"}), (409, {"detail": "full"})]
            host, records = self.hosts_that(lambda _, answers=answers: answers.pop(0), 3)
            fleetd = self.fleetd("--trust-loopback")
            fleetd.wait_hosts(records)
            wait_for("the hosts have that API", lambda: {item["api"] for item in fleetd.hosts().values()} == {host.url})
            status, answer = self.reserve(fleetd)
            self.assertEqual(status, 502, answer)
            self.assertIn(f"not you: {code}", answer["detail"])
            self.assertEqual([item["status"] for item in answer["tried"]], [409, code, 409])
            self.assertEqual(answer["tried"][1]["detail"], f"not you: {code}")

    def test_a_request_at_fault_goes_no_further(self):
        host, records = self.hosts_that(lambda _: (400, {"detail": "what is that"}))
        fleetd = self.fleetd("--trust-loopback")
        fleetd.wait_hosts(records)
        status, answer = self.reserve(fleetd)
        self.assertEqual((status, answer["detail"], len(host.asked)), (400, "what is that", 1))
        self.assertEqual(self.reserve(fleetd, key=None)[0], 400)
        self.assertEqual(self.reserve(fleetd, key="with blank")[0], 400)
        self.assertEqual(self.reserve(fleetd, {"name": "x", "domain": "<domain/>"})[0], 400)
        self.assertEqual(len(host.asked), 1)


class Tls(AskTest):
    def run_openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True, timeout=60)

    def make(self, name, ca="ca"):
        self.run_openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
                         "-out", f"{name}.csr", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1")
        self.run_openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial",
                         "-copy_extensions", "copy", "-out", f"{name}.pem", "-days", "1")

    def make_ca(self, name):
        self.run_openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                         f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}", "-days", "1")

    def path(self, name):
        return os.path.join(self.folder, name)

    def rename(self, name, to):
        os.replace(self.path(name), self.path(to))

    def context(self, who, ca="ca"):
        context = ssl.create_default_context(cafile=self.path(f"{ca}.pem"))
        if who:
            context.load_cert_chain(self.path(f"{who}.pem"), self.path(f"{who}.key"))
        return context

    def call(self, port, who, path="/healthz", body=None, ca="ca"):
        context = self.context(who, ca)
        request = urllib.request.Request(f"https://127.0.0.1:{port}{path}", data=body, headers={"Idempotency-Key": "a"})
        try:
            with urllib.request.urlopen(request, timeout=20, context=context) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None

    def start(self):
        """One with TLS, and who may ask it: reader and boss, an operator; stranger has another authority's certificate."""
        self.make_ca("ca")
        self.make_ca("others")
        for name, ca in (("server", "ca"), ("reader", "ca"), ("boss", "ca"), ("stranger", "others")):
            self.make(name, ca)
        fleetd = Fleetd(self.folder, self.etcd, "--cert", self.path("server.pem"), "--key", self.path("server.key"),
                        "--client-ca", self.path("ca.pem"), "--operator", "boss", "--trust-loopback")
        fleetd.answers = lambda: self.call(fleetd.port, "reader") == 200
        self.addCleanup(fleetd.close)
        fleetd.start()
        wait_for("it is ready", lambda: self.call(fleetd.port, "reader", "/readyz") == 200)
        return fleetd

    def get(self, port, context, session=None):
        """(status of /healthz, the session that may be resumed): by hand, as http.client takes no session."""
        with socket.create_connection(("127.0.0.1", port), timeout=20) as plain, \
                context.wrap_socket(plain, server_hostname="127.0.0.1", session=session) as stream:
            stream.sendall(b"GET /healthz HTTP/1.1\r\nHost: fleet\r\nConnection: close\r\n\r\n")
            answer = b""
            while piece := stream.recv(4096):
                answer += piece
            return int(answer.split()[1]), stream.session

    def test_a_client_that_resumes_is_answered(self):
        fleetd = self.start()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl.create_default_context(cafile=self.path("ca.pem"))
            context.load_cert_chain(self.path("reader.pem"), self.path("reader.key"))
            context.minimum_version = context.maximum_version = version
            status, session = self.get(fleetd.port, context)
            self.assertEqual(status, 200, version)
            # each has the number of the descriptor before: none gets what belongs to another
            for _ in range(20):
                self.assertEqual(self.get(fleetd.port, context, session)[0], 200, version)

    def test_who_may(self):
        fleetd = self.start()
        wanted = json.dumps(WANTED).encode()
        self.assertEqual(self.call(fleetd.port, "boss"), 200)
        self.assertIsNone(self.call(fleetd.port, None))
        self.assertIsNone(self.call(fleetd.port, "stranger"))
        with self.assertRaises(OSError):
            ask(fleetd.port, "GET", "/healthz", limit=3)
        # a reader may not reserve; an operator may, and learns that no host has room
        self.assertEqual(self.call(fleetd.port, "reader", "/v1/reservations", wanted), 403)
        self.assertEqual(self.call(fleetd.port, "boss", "/v1/reservations", wanted), 409)
        self.assertEqual(fleetd.stop(), 0)

    def test_new_certificates_without_a_restart(self):
        fleetd = self.start()
        pid = fleetd.process.pid
        stream = http.client.HTTPSConnection("127.0.0.1", fleetd.port, timeout=20, context=self.context("reader"))
        self.addCleanup(stream.close)
        stream.request("GET", "/healthz")
        self.assertEqual(stream.getresponse().read(), b"ok\n")
        # from now on others' certificates count; its own is still the old authority's
        self.rename("ca.pem", "old.pem")
        shutil.copy(self.path("others.pem"), self.path("ca.pem"))
        self.assertEqual(self.call(fleetd.port, "reader", ca="old"), 200, "nobody has said so yet")
        fleetd.process.send_signal(signal.SIGHUP)
        wait_for("it has read them", lambda: "certificates are read again" in fleetd.log())
        with self.assertRaises((OSError, http.client.HTTPException)):
            stream.request("GET", "/healthz")  # who came in by the old ones is hung up on
            stream.getresponse()
        self.assertEqual(self.call(fleetd.port, "stranger", ca="old"), 200)
        self.assertIsNone(self.call(fleetd.port, "reader", ca="old"))
        # and one that others have given
        self.make("server", "others")
        fleetd.process.send_signal(signal.SIGHUP)
        wait_for("it has read them", lambda: fleetd.log().count("certificates are read again") == 2)
        self.assertEqual(self.call(fleetd.port, "stranger", ca="others"), 200)
        # what is no good changes nothing
        for name, bad, why in (("server.key", "reader.key", "the key .*server.key: .*mismatch"),
                               ("server.pem", "reader.csr", "the certificate .*server.pem"),
                               ("ca.pem", "server.key", "the clients' CA .*ca.pem")):
            self.rename(name, "good")
            shutil.copy(self.path(bad), self.path(name))
            fleetd.process.send_signal(signal.SIGHUP)
            wait_for("it says so", lambda why=why: re.search("certificates are as they were: cannot use " + why, fleetd.log()))
            self.assertEqual(self.call(fleetd.port, "stranger", ca="others"), 200)
            self.rename("good", name)
        self.assertEqual(fleetd.process.pid, pid)
        self.assertEqual(fleetd.stop(), 0)

    def test_an_address_that_is_not_there_yet(self):
        """As one that is passed from machine to machine: 203.0.113.0/24 is nobody's."""
        self.make_ca("ca")
        self.make("server")
        fleetd = Fleetd(self.folder, self.etcd, "--cert", self.path("server.pem"), "--key", self.path("server.key"),
                        "--client-ca", self.path("ca.pem"), "-L", "203.0.113.7:9179")
        self.addCleanup(fleetd.close)
        fleetd.answers = lambda: fleetd.process.poll() is not None or "API on 203.0.113.7:9179" in fleetd.log()
        fleetd.start()
        self.assertIn("203.0.113.7:9179 is no address of this machine's yet", fleetd.log())
        self.assertEqual(fleetd.stop(), 0)

    def test_in_the_clear_on_loopback_only(self):
        for arguments, why in ((["-L", "0.0.0.0:9179"], "not loopback"), (["--cert", "/x"], "all of"),
                               (["-L", "nonsense"], "not ADDRESS:PORT")):
            ended = subprocess.run([f"{os.environ['HOMENODE_BUILD']}/fleet/homenode-fleetd", *arguments],
                                   capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(ended.returncode, 1)
            self.assertIn(why, ended.stderr)

    def test_a_prefix_that_no_hosts_key_has(self):
        for prefix in ("/homenode", "homenode/", ""):
            ended = subprocess.run([f"{os.environ['HOMENODE_BUILD']}/fleet/homenode-fleetd", "-p", prefix],
                                   capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(ended.returncode, 2, prefix)
            self.assertIn("does not begin and end with /", ended.stderr)


class Defragment(AskTest):
    def test_hosts_in_pieces_are_asked(self):
        # room for the guest in all, on no node alone
        def edit(record):
            for node in record["nodes"]:
                node["room_bytes"], node["seats"] = 4 << 30, [32, 16, 16]
            record["api"] = host.url

        host = FalseHost(lambda _: (500, {"detail": "ill"}))
        self.addCleanup(host.close)
        fleetd = self.fleetd()
        fleetd.wait_hosts(self.load(3, edit))
        shape = {"vcpus": 4, "memory_bytes": 6 << 30}
        status, answer = fleetd.ask("POST", "/v1/defragment", {"shape": shape})
        self.assertEqual((status, answer["hosts"]), (200, []))
        self.assertEqual(answer["asked"] + answer["fits_without_moves_on"], 3)
        status, answer = fleetd.ask("POST", "/v1/defragment", {"shape": {**shape, "memory_bytes": 1 << 30}})
        self.assertEqual(answer["fits_without_moves_on"], 3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
