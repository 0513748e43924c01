"""The API's resources: reservations in two steps, placements, plans, operations, pages, entity tags, and the contract."""

import json
import os
import re
import signal
import subprocess
import sys
import unittest

import jsonschema

from contract import CONTRACT
from harness import Host, HostTest, needs_qemu, wait_for

MIB = 1 << 20
SMALL = {"vcpus": 1, "memory_bytes": 32 * MIB}


class Resources(HostTest):
    def setUp(self):
        super().setUp()
        self.host.start()

    def reserve(self, name, key=None, status=201, **more):
        headers = {"Idempotency-Key": key} if key else {}
        got, body, heads = self.host.exchange("POST", "/v1/reservations", {"name": name, **SMALL, **more}, headers)
        self.assertEqual(got, status, body)
        if status == 201:
            self.assertEqual(heads["Location"], f"/v1/reservations/{body['id']}")
        return body

    def names(self):
        return sorted(item["guest"]["name"] for item in self.host.call("GET", "/v1/reservations")[1]["reservations"])


class Reservations(Resources):
    def test_made_confirmed_and_given_back(self):
        made = self.reserve("web")
        path = f"/v1/reservations/{made['id']}"
        self.assertEqual((made["state"], made["confirmed"], made["guest"]["name"]), ("made", False, "web"))
        self.assertEqual(sum(made["home"]["cells"][0]["bytes"]), SMALL["memory_bytes"])
        self.assertLessEqual(made["expires_in_ns"], 60 * 10**9)
        status, confirmed = self.host.call("POST", path + "/confirm", {"ttl_seconds": 7200})
        self.assertEqual((status, confirmed["confirmed"]), (200, True))
        self.assertGreater(confirmed["expires_in_ns"], 7000 * 10**9)
        again = self.host.call("POST", path + "/confirm", {"ttl_seconds": 60})[1]
        self.assertGreater(again["expires_in_ns"], 7000 * 10**9, "confirmed once")
        self.assertEqual(self.host.call("GET", path)[1]["id"], made["id"])
        self.assertEqual(self.host.call("DELETE", path), (204, None))
        self.assertEqual(self.host.call("DELETE", path)[0], 404)
        self.assertEqual(self.host.call("POST", path + "/confirm", {})[0], 404)
        self.assertEqual(self.names(), [])
        self.stop_cleanly()

    def test_a_key_stands_for_one_request(self):
        first = self.reserve("web", "key-1")
        self.assertEqual(self.reserve("web", "key-1", 200)["id"], first["id"])
        self.assertIn("new key", self.reserve("web", "key-1", 422, vcpus=2)["detail"])
        self.assertIn(first["id"], self.reserve("web", "key-2", 409)["detail"])
        self.assertIn(first["id"], self.reserve("web", None, 409)["detail"])
        self.assertEqual(self.names(), ["web"])
        for key in ("", "a b", "x" * 129, "caf\u00e9"):
            with self.subTest(key=key):
                got = self.host.exchange("POST", "/v1/reservations", {"name": "y", **SMALL}, {"Idempotency-Key": key})
                self.assertEqual(got[0], 400)
        self.stop_cleanly()

    def test_it_expires(self):
        made = self.reserve("web", ttl_seconds=1)
        wait_for("it is gone", lambda: self.host.call("GET", f"/v1/reservations/{made['id']}")[0] == 404)
        self.reserve("web")
        self.stop_cleanly()

    def test_it_survives_the_daemon(self):
        kept = self.reserve("web", "key-1", ttl_seconds=3600)
        self.host.call("POST", f"/v1/reservations/{kept['id']}/confirm", {})
        self.host.daemon.send_signal(signal.SIGKILL)
        self.host.daemon.wait()
        self.host.start()
        status, found = self.host.call("GET", f"/v1/reservations/{kept['id']}")
        self.assertEqual((status, found["confirmed"], found["key"]), (200, True, "key-1"))
        self.assertEqual(found["home"], kept["home"])
        self.assertEqual(self.reserve("web", "key-1", 200, ttl_seconds=3600)["id"], kept["id"])
        self.stop_cleanly()

    def test_a_start_takes_it_over(self):
        """What a control plane has reserved is what libvirt's hook finds."""
        made = self.reserve("web", uuid="6c3ab0a2-55ae-4d11-a9d7-1f9b0a0c0001")
        xml = ("<domain type='kvm'><name>web</name><uuid>6c3ab0a2-55ae-4d11-a9d7-1f9b0a0c0001</uuid>"
               "<memory unit='MiB'>32</memory><vcpu placement='auto'>1</vcpu>"
               "<os><type arch='x86_64'>hvm</type></os></domain>")
        for operation, state in (("prepare", "made"), ("started", "started")):
            self.assertEqual(self.host.call("POST", f"/v1/libvirt/{operation}?guest=web&sub=begin", xml)[0], 204)
            found = self.host.call("GET", f"/v1/reservations/{made['id']}")[1]
            self.assertEqual((found["state"], found["id"]), (state, made["id"]))
        self.assertEqual(self.host.call("DELETE", f"/v1/reservations/{made['id']}")[0], 409, "it runs")
        self.stop_cleanly()

    def test_what_cannot_be(self):
        for body, status, pattern in (
                ({"name": "x"}, 400, "'vcpus' is missing"), ({"name": "", **SMALL}, 400, "'name'"),
                ({"name": "a\nb", **SMALL}, 400, "control"), ({"name": "x", **SMALL, "size": 1}, 400, "unknown member 'size'"),
                ({"name": "x", **SMALL, "uuid": "1-2"}, 400, "'uuid'"), ({"name": "x", **SMALL, "class": "best"}, 400, "class"),
                ({"name": "x", **SMALL, "ttl_seconds": 0}, 400, "ttl_seconds"), ({"name": "x", **SMALL, "cells": 9}, 400, "cells"),
                ({"name": "x", "domain": "<x/>"}, 400, "both"), ({"domain": "<x/>"}, 400, "domain"),
                ({"name": "x", "vcpus": 1, "memory_bytes": 1 << 50}, 409, "node|memory|GiB|TiB")):
            with self.subTest(body=body):
                got, problem = self.host.call("POST", "/v1/reservations", body)
                self.assertEqual(got, status, problem)
                self.assertRegex(problem["detail"], pattern)
        self.assertEqual(self.names(), [])
        self.stop_cleanly()

    def test_what_cannot_be_put_on_file_is_not_reserved(self):
        os.mkdir(os.path.join(os.path.dirname(self.host.api), "reservations.json.new"))
        self.assertIn("nothing is reserved", self.reserve("web", None, 503)["detail"])
        self.assertEqual(self.names(), [])
        os.rmdir(os.path.join(os.path.dirname(self.host.api), "reservations.json.new"))
        self.reserve("web")
        self.stop_cleanly()


class Placements(Resources):
    def test_where_it_would_go_and_what_keeps_it_out(self):
        status, answer = self.host.call("POST", "/v1/placements", {"name": "web", **SMALL, "more": 3})
        self.assertEqual((status, answer["fits"], answer["more"]), (200, True, 3))
        self.assertEqual(sum(answer["home"]["cells"][0]["bytes"]), SMALL["memory_bytes"])
        status, answer = self.host.call("POST", "/v1/placements", {"name": "web", "vcpus": 1, "memory_bytes": 1 << 50})
        self.assertEqual((status, answer["fits"], answer["home"]), (200, False, None))
        self.assertTrue(answer["nearest"]["sentence"])
        self.assertEqual(self.names(), [], "nothing is kept")
        self.assertEqual(self.host.call("POST", "/v1/placements", {"name": "web", **SMALL, "more": 65})[0], 400)
        many = {"name": "web", "vcpus": 1024, "memory_bytes": 1 << 40, "cells": 65}
        status, problem = self.host.call("POST", "/v1/placements", many)
        self.assertEqual((status, problem["detail"]), (400, "cells: 65 is not within 1 and 64"))
        self.stop_cleanly()

    def test_by_the_domain(self):
        xml = ("<domain type='kvm'><name>web</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>"
               "<os><type arch='x86_64'>hvm</type></os></domain>")
        answer = self.host.call("POST", "/v1/placements", {"domain": xml})[1]
        self.assertEqual((answer["explanation"]["guest"], sum(answer["home"]["cells"][0]["bytes"])), ("web", 64 * MIB))
        self.stop_cleanly()


class Plans(Resources):
    @needs_qemu
    def test_a_plan_is_applied_once_and_only_while_it_holds(self):
        self.host.qemu("web")
        self.host.wait_guest("web", lambda r: r["home"], "decided on")
        status, plan, heads = self.host.exchange("POST", "/v1/plans", {"guest": "web"})
        self.assertEqual((status, plan["guest"], plan["operation"]), (201, "web", 0), plan)
        path = heads["Location"]
        self.assertEqual(self.host.call("GET", path)[1]["digest"], plan["digest"])
        self.reserve("db")  # somebody else comes
        status, problem = self.host.call("POST", path + "/apply")
        self.assertEqual(status, 412, problem)
        self.assertRegex(problem["detail"], "reserved|beside")
        status, plan, heads = self.host.exchange("POST", "/v1/plans", {"guest": "web"})
        path = heads["Location"]
        status, done = self.host.call("POST", path + "/apply")
        self.assertEqual(status, 202 if plan["plan"]["verdict"] == "act" else 200, done)
        if status == 202:
            self.assertTrue(done["operation"])
            operation = f"/v1/operations/{done['operation']}"
            wait_for("it ends", lambda: self.host.call("GET", operation)[1]["state"] != "running")
            listed = self.host.call("GET", "/v1/operations")[1]["operations"]
            self.assertEqual([(item["id"], item["guest"]) for item in listed], [(done["operation"], "web")])
            self.assertIn("already", self.host.call("POST", path + "/apply")[1]["detail"])
        self.stop_cleanly()

    @needs_qemu
    def test_a_plan_of_a_guest_that_is_gone(self):
        process = self.host.qemu("web")
        self.host.wait_guest("web", lambda r: r["home"], "decided on")
        path = self.host.exchange("POST", "/v1/plans", {"guest": "web"})[2]["Location"]
        process.kill()
        process.wait()
        wait_for("it is noticed", lambda: not (self.host.guest("web") or {}).get("sample"))
        self.assertIn(self.host.call("POST", path + "/apply")[0], (412, 503))
        self.stop_cleanly()

    def test_what_is_not_there(self):
        for method, path, body, status in (
                ("POST", "/v1/plans", {"guest": "nobody"}, 404), ("POST", "/v1/plans", {}, 400),
                ("POST", "/v1/plans", {"guest": "x", "now": True}, 400), ("GET", "/v1/plans/p1", None, 404),
                ("POST", "/v1/plans/p1/apply", None, 404), ("GET", "/v1/operations/1", None, 404),
                ("GET", "/v1/operations/x", None, 404), ("GET", "/v1/reservations/r1", None, 404)):
            with self.subTest(path=path, body=body):
                self.assertEqual(self.host.call(method, path, body)[0], status)
        self.stop_cleanly()


class Listings(Resources):
    def pages(self, limit):
        seen, cursor = [], ""
        while True:
            answer = self.host.call("GET", f"/v1/reservations?limit={limit}{cursor}")[1]
            seen.append([item["id"] for item in answer["reservations"]])
            if answer["next"] is None:
                return seen
            cursor = f"&cursor={answer['next']}"

    def test_pages(self):
        made = sorted(self.reserve(f"web-{i}")["id"] for i in range(7))
        pages = self.pages(3)
        self.assertEqual([len(page) for page in pages], [3, 3, 1])
        self.assertEqual(sum(pages, []), made)
        whole = self.host.call("GET", "/v1/reservations")[1]
        self.assertEqual([item["guest"]["name"] for item in whole["reservations"]], [f"web-{i}" for i in range(7)])
        self.assertIsNone(whole["next"])
        self.assertEqual(self.host.call("GET", "/v1/guests?limit=5")[1], {"guests": [], "next": None})
        # what is gone between pages makes nobody else appear twice or not at all
        first = self.host.call("GET", "/v1/reservations?limit=3")[1]
        self.host.call("DELETE", f"/v1/reservations/{made[2]}")
        rest = self.host.call("GET", f"/v1/reservations?cursor={first['next']}")[1]
        self.assertEqual([item["id"] for item in rest["reservations"]], made[3:])
        for query in ("limit=0", "limit=1001", "limit=x", "cursor=zz", "cursor=", "cursor=abc"):
            with self.subTest(query=query):
                self.assertEqual(self.host.call("GET", f"/v1/reservations?{query}")[0], 400)
        self.stop_cleanly()

    def test_entity_tags(self):
        self.reserve("web")
        status, _, heads = self.host.exchange("GET", "/v1/reservations")
        tag = heads["ETag"]
        self.assertRegex(tag, r'^W/"[0-9a-f]{16}"$')
        for value, expected in ((tag, 304), (f'"x", {tag}', 304), ("*", 304), (tag[2:], 304), ('"x"', 200)):
            with self.subTest(value=value):
                status, body, again = self.host.exchange("GET", "/v1/reservations", None, {"If-None-Match": value})
                self.assertEqual((status, body is None), (expected, expected == 304))
                self.assertEqual(again["ETag"], tag, "time that passes changes nothing")
        self.reserve("db")
        self.assertEqual(self.host.exchange("GET", "/v1/reservations", None, {"If-None-Match": tag})[0], 200)
        self.stop_cleanly()

    @needs_qemu
    def test_every_answer_is_in_the_contract(self):
        """Every operation is answered well once, in this test or in those before it."""
        self.host.qemu("web")
        self.host.wait_guest("web", lambda r: r["home"], "decided on")
        name = self.host.call("GET", "/v1/guests")[1]["guests"][0]["guest"]["name"]
        for path in ("/v1/host", "/v1/snapshot", "/metrics", "/v1/checks", "/v1/guests/web", "/v1/guests/web/settings",
                     "/v1/guests/web/history", "/v1/operations", "/v1/reservations", "/v1/guests/web/xml"):
            with self.subTest(path=path):
                self.assertIn(self.host.call("GET", path)[0], (200, 404) if path.endswith("xml") else (200,))
        self.host.call("POST", "/v1/guests/web/settings", {"mode": "advise"})
        self.host.call("POST", "/v1/guests/web/rebalance", {"dry_run": True})
        self.host.call("POST", "/v1/guests/web/rebalance", {})
        self.host.call("POST", "/v1/numad?vcpus=1&memory_mib=16")
        self.assertEqual(name, "web")
        wait_for("a record is on file", lambda: self.host.call("GET", "/v1/guests/web/history")[1]["records"])
        self.stop_cleanly()

    def test_the_contract_and_the_daemon_have_the_same_paths(self):
        told = {(re.sub(r"\{[^}]*\}", "{}", path), method) for path, method in CONTRACT.operations()}
        self.assertEqual(told, CONTRACT.routes())
        for name, schema in CONTRACT.document["components"]["schemas"].items():
            with self.subTest(schema=name):
                jsonschema.Draft202012Validator.check_schema(schema)


class Scheduler(Resources):
    def run_scheduler(self, guests, *hosts):
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/scheduler.py")
        return subprocess.run([sys.executable, program, *hosts], input="".join(json.dumps(guest) + "\n" for guest in guests),
                              capture_output=True, text=True, timeout=120, check=False)

    def test_the_example_keeps_rooms_on_two_hosts(self):
        other = Host()
        self.addCleanup(other.close)
        other.start()
        done = self.run_scheduler([{"name": "a", **SMALL}, {"name": "b", **SMALL}, {"name": "c", "vcpus": 1, "memory_bytes": 1 << 50}],
                                  self.host.api, other.api, "/nowhere/homenode.sock")
        self.assertEqual(done.returncode, 6, done.stderr)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        for answer in answers[:2]:
            host = self.host if answer["host"] == self.host.api else other
            status, kept = host.call("GET", f"/v1/reservations/{answer['reservation']}")
            self.assertEqual((status, kept["guest"]["name"], kept["confirmed"]), (200, answer["guest"], True))
        self.assertIn("no host", answers[2]["refused"])
        self.assertEqual(other.stop(), 0)
        self.stop_cleanly()

    def test_a_stale_answer_takes_the_next_host(self):
        """The first host has promised the name to somebody else since it was asked."""
        self.reserve("a")
        other = Host()
        self.addCleanup(other.close)
        other.start()
        done = self.run_scheduler([{"name": "a", **SMALL}], self.host.api, other.api)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["host"], other.api)
        self.assertEqual(other.stop(), 0)
        self.stop_cleanly()


if __name__ == "__main__":
    unittest.main(verbosity=2)
