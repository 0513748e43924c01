#!/usr/bin/env python3
"""homenode-fleetd through what can become of etcd: its view is right again by itself, and what it knew stays meanwhile."""

import json
import os
import threading
import time
import unittest

from cluster import ETCD, Etcd, FalseEtcd, Fleetd, folder_of, made_hosts, wait_for

HOSTS = 12


class EtcdTest(unittest.TestCase):
    members = 1

    def setUp(self):
        if not ETCD:
            self.skipTest("etcd is not installed")
        folder = folder_of(self)
        self.etcd = Etcd(folder, self.members)
        self.addCleanup(self.etcd.close)
        self.etcd.start()
        self.fleetd = Fleetd(folder, self.etcd)
        self.addCleanup(self.fleetd.close)
        self.lines = made_hosts(HOSTS)
        self.names = [key.removeprefix("hosts/") for key, _ in self.lines if key.startswith("hosts/")]

    def load(self, lines=None):
        for key, value in lines or self.lines:
            self.etcd.put(key, value)

    def change(self, name, generation):
        record = json.loads(dict(self.lines)[f"hosts/{name}"])
        record["generation"] = generation
        self.etcd.put(f"hosts/{name}", json.dumps(record))

    def wait_generation(self, name, generation, limit=60):
        wait_for(f"generation {generation} of {name}; the log:\n{self.fleetd.log()[-2000:]}",
                 lambda: self.fleetd.hosts().get(name, {}).get("generation") == generation, limit)


class One(EtcdTest):
    def test_hosts_come_change_and_go(self):
        self.fleetd.start()
        wait_for("it is ready, with nothing there", self.fleetd.is_ready)
        self.assertEqual(self.fleetd.hosts(), {})
        # a host whose topology is not there yet waits for it
        topologies = [line for line in self.lines if line[0].startswith("topologies/")]
        self.load([line for line in self.lines if line not in topologies])
        wait_for("all wait", lambda: self.fleetd.metric("homenode_fleet_hosts_waiting") == HOSTS)
        self.assertEqual(self.fleetd.hosts(), {})
        self.load(topologies)
        self.fleetd.wait_hosts(self.names)
        self.change(self.names[3], 77)
        self.wait_generation(self.names[3], 77)
        self.etcd.delete(f"hosts/{self.names[5]}")
        self.fleetd.wait_hosts(set(self.names) - {self.names[5]})
        self.assertEqual(self.fleetd.metric("homenode_fleet_readings_total"), 1)
        self.assertEqual(self.fleetd.metric("homenode_fleet_hosts_silent"), 0)
        self.assertEqual(self.fleetd.stop(), 0)

    def test_hosts_that_change_all_the_time_are_read_once(self):
        """A probe's answer that the watch has overtaken is no reason to read all again."""
        self.load()
        self.fleetd.start()
        self.fleetd.wait_hosts(self.names)
        stop, written = threading.Event(), [0]

        def churn(name):
            while not stop.is_set():
                written[0] += 1
                self.change(name, written[0])

        threads = [threading.Thread(target=churn, args=(name,)) for name in self.names[:8]]
        for thread in threads:
            thread.start()
        time.sleep(9)  # four probes
        stop.set()
        for thread in threads:
            thread.join()
        self.assertGreater(written[0], 100)
        self.assertEqual(self.fleetd.metric("homenode_fleet_readings_total"), 1, self.fleetd.log()[-2000:])
        self.change(self.names[0], 1 << 40)
        self.wait_generation(self.names[0], 1 << 40)
        self.assertEqual(self.fleetd.stop(), 0)

    def test_nonsense_is_left_alone(self):
        self.load()
        self.fleetd.start()
        self.fleetd.wait_hosts(self.names)
        record = json.loads(dict(self.lines)["hosts/" + self.names[0]])
        bad = {
            "hosts/a": "{",
            "hosts/b": "[]",
            "hosts/c": json.dumps({**record, "host": self.names[1]}),  # speaks for another
            "hosts/d": json.dumps({**record, "host": "d", "record": 2}),
            "hosts/e": json.dumps({**record, "host": "e", "nodes": record["nodes"][:3]}),
            "hosts/f": json.dumps({**record, "host": "f", "nodes": [{**record["nodes"][0], "seats": [9, 999, 0]}] * 8}),
            "hosts/g": "x" * 20000,
            "topologies/0123": "{}",
            "topologies/00000000000000000000000000000000": dict(self.lines)["topologies/" + record["topology"]],
            "elsewhere": "whatever",
        }
        for key, value in bad.items():
            self.etcd.put(key, value)
        self.change(self.names[2], 5)
        self.wait_generation(self.names[2], 5)
        self.fleetd.wait_hosts(self.names)
        self.assertEqual(self.fleetd.metric("homenode_fleet_bad_records_total"), len(bad) - 1)
        # a good host whose record turns bad keeps the last good one, over a reading of everything too
        self.etcd.put("hosts/" + self.names[4], "{}")
        self.change(self.names[2], 6)
        self.wait_generation(self.names[2], 6)
        self.assertIn(self.names[4], self.fleetd.hosts())
        self.etcd.stop()
        self.etcd.start()
        wait_for("all is read again", lambda: self.fleetd.metric("homenode_fleet_readings_total") > 1, 60)
        self.fleetd.wait_hosts(self.names)
        self.assertEqual(self.fleetd.stop(), 0)

    def test_stopped_and_started_again(self):
        self.load()
        self.fleetd.start()
        self.fleetd.wait_hosts(self.names)
        self.etcd.stop()
        wait_for("it says so", lambda: "may be old" in self.fleetd.log())
        # it still answers from what it knew
        self.assertEqual(set(self.fleetd.hosts()), set(self.names))
        self.assertEqual(self.fleetd.ask("POST", "/v1/rank", {"shape": {"vcpus": 1, "memory_bytes": 1 << 30}})[0], 200)
        self.etcd.start()
        self.change(self.names[0], 9)
        self.etcd.delete(f"hosts/{self.names[1]}")
        self.wait_generation(self.names[0], 9)
        self.fleetd.wait_hosts(set(self.names) - {self.names[1]})
        self.assertIn("followed again", self.fleetd.log())
        self.assertEqual(self.fleetd.log().count("may be old"), 1, self.fleetd.log())

    def test_started_before_etcd(self):
        self.load()
        self.etcd.stop()
        self.fleetd.start()
        self.assertEqual(self.fleetd.ask("GET", "/readyz")[0], 503)
        for method, path in (("POST", "rank"), ("POST", "count"), ("POST", "defragment"), ("GET", "hosts"),
                             ("GET", f"hosts/{self.names[0]}"), ("GET", "hosts/nobody")):
            body = {"shape": {"vcpus": 1, "memory_bytes": 1 << 30}} if method == "POST" else None
            with self.subTest(path):  # an empty fleet is no answer
                self.assertEqual(self.fleetd.ask(method, f"/v1/{path}", body)[0], 503)
        self.etcd.start()
        wait_for("it is ready", self.fleetd.is_ready, 60)
        self.fleetd.wait_hosts(self.names)

    def test_data_wiped(self):
        self.load()
        self.fleetd.start()
        self.fleetd.wait_hosts(self.names)
        self.etcd.stop()
        self.etcd.wipe()
        self.etcd.start()
        self.fleetd.wait_hosts([])
        self.load(self.lines[:-2])
        self.fleetd.wait_hosts(self.names[:-2])

    def test_compacted_while_away(self):
        self.load()
        self.fleetd.start()
        self.fleetd.wait_hosts(self.names)
        self.fleetd.process.send_signal(19)  # SIGSTOP: it hears nothing
        for generation in range(10, 60):
            self.change(self.names[0], generation)
        self.etcd.delete(f"hosts/{self.names[7]}")
        self.assertIsNotNone(self.etcd.compact())
        # its watch is broken as well, so that it has to ask for what is no more
        self.etcd.stop()
        self.etcd.start()
        self.fleetd.process.send_signal(18)
        self.wait_generation(self.names[0], 59)
        self.fleetd.wait_hosts(set(self.names) - {self.names[7]})


class Three(EtcdTest):
    members = 3

    def test_the_leader_is_killed(self):
        self.load()
        other = Fleetd(self.fleetd.log_path.rsplit("/", 1)[0], self.etcd)
        self.addCleanup(other.close)
        for fleetd in (self.fleetd, other):
            fleetd.start()
            fleetd.wait_hosts(self.names)
        for generation in (21, 22, 23):
            leader = self.etcd.leader()
            self.etcd.stop(leader)
            wait_for("another leads", lambda: self.etcd.leader() is not None, 60)
            self.change(self.names[0], generation)
            self.wait_generation(self.names[0], generation)
            self.etcd.start(leader)
        # both say the same, to the letter
        question = {"shape": {"vcpus": 4, "memory_bytes": 8 << 30}, "limit": 5}
        for path in ("/v1/rank", "/v1/count"):
            wait_for(f"both answer {path} alike",
                     lambda: self.fleetd.ask("POST", path, question)[1] == other.ask("POST", path, question)[1])


EMPTY = {"header": {"cluster_id": "1", "member_id": "1", "revision": "5"}}


class Refusals(unittest.TestCase):
    """What an etcd says when it is well and does not want to: it is passed on, and answered as it should be."""

    def etcd(self, behave):
        etcd = FalseEtcd(behave)
        self.addCleanup(etcd.close)
        return etcd

    def start(self, first, second, *arguments):
        first.endpoints += "," + second.endpoints
        fleetd = Fleetd(folder_of(self), first, *arguments)
        self.addCleanup(fleetd.close)
        fleetd.start()
        return fleetd

    def with_user(self, first, second):
        folder = folder_of(self)
        path = os.path.join(folder, "password")
        with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write("r\n")
        return self.start(first, second, "--etcd-user", "me", "--etcd-password-file", path)

    def test_why_a_watch_has_ended_is_said(self):
        for result, says in (({"cancel_reason": "etcdserver: permission denied"}, "permission denied"),
                             ({"compact_revision": "7"}, "compacted at 7")):
            watch = [{"result": {**EMPTY, "created": True}}, {"result": {**EMPTY, "canceled": True, **result}}]
            etcd = self.etcd(lambda path, body, token, watch=watch: watch if path == "/v3/watch" else (200, EMPTY))
            other = self.etcd(lambda path, body, token: (200, EMPTY))
            fleetd = self.start(etcd, other)
            wait_for("it has watched three times", lambda etcd=etcd: etcd.asked.count("/v3/watch") >= 3)
            self.assertRegex(fleetd.log(), "may be old: etcd has ended the watch: .*" + says)
            # nothing is wrong with the endpoint
            self.assertEqual(other.asked, [])

    def test_a_watch_that_is_refused(self):
        etcd = self.etcd(lambda path, body, token: (400, {"error": "etcdserver: too many watches"}) if path == "/v3/watch"
                         else (200, EMPTY))
        fleetd = self.start(etcd, self.etcd(lambda path, body, token: (200, EMPTY)))
        wait_for("it says so", lambda: "answered 400: etcdserver: too many watches" in fleetd.log())

    def test_another_cluster_answers(self):
        """Both have an id above 2^63, as half of all clusters do."""
        clusters = ["14841639068965178418", "17237436991929493444"]

        def behave(path, body, token):
            answer = {"header": {**EMPTY["header"], "cluster_id": clusters[0]}}
            return [{"result": {**answer, "created": True}}] if path == "/v3/watch" else (200, answer)

        fleetd = self.start(self.etcd(behave), self.etcd(lambda path, body, token: (503, {})))
        wait_for("it is ready", fleetd.is_ready)
        clusters.pop(0)
        wait_for("it says so", lambda: "etcd's data is not what it was" in fleetd.log())

    def test_a_token_older_than_a_change_of_users(self):
        tokens = ["old", "new"]

        def behave(path, body, token):
            if path == "/v3/auth/authenticate":
                return 200, {"token": tokens.pop(0)}
            if token != "new" and path == "/v3/watch":
                return 400, {"error": "etcdserver: revision of auth store is old", "code": 3}
            return [{"result": {**EMPTY, "created": True}}] if path == "/v3/watch" else (200, EMPTY)

        fleetd = self.with_user(self.etcd(behave), self.etcd(lambda path, body, token: (503, {})))
        wait_for("it is ready", fleetd.is_ready)
        wait_for("it has another token", lambda: not tokens)
        wait_for("it is confirmed with that", lambda: fleetd.metric("homenode_fleet_age_seconds") < 1)
        self.assertNotIn("may be old", fleetd.log())

    def test_no_token_for_want_of_a_leader(self):
        def behave(path, body, token):
            if path == "/v3/auth/authenticate":
                return 200, {"token": "t"}
            return [{"result": {**EMPTY, "created": True}}] if path == "/v3/watch" else (200, EMPTY)

        ill = self.etcd(lambda path, body, token: (503, {"error": "etcdserver: no leader"}))
        fleetd = self.with_user(ill, self.etcd(behave))
        wait_for("it is ready", fleetd.is_ready)
        self.assertRegex(fleetd.log(), "user me: etcd at .* answered 503: etcdserver: no leader")
        self.assertEqual(ill.asked, ["/v3/auth/authenticate"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
