#!/usr/bin/env python3
"""homenoded publishes its host, and goes on as ever whatever becomes of etcd."""

import base64
import ctypes
import json
import os
import re
import shutil
import sys
import unittest

from cluster import ETCD, Etcd, Fleetd, folder_of, wait_for

from certificates import Authority
from harness import Host


class PublishTest(unittest.TestCase):
    def setUp(self):
        if not ETCD:
            self.skipTest("etcd is not installed")
        self.folder = folder_of(self)
        self.etcd = Etcd(self.folder)
        self.addCleanup(self.etcd.close)

    def host(self, name="one", extra=""):
        host = Host(extra=f"[fleet]\nendpoints = {self.etcd.endpoints}\nname = {name}\ninterval = 200ms\n{extra}")
        self.addCleanup(host.close)
        return host

    def record(self, name="one"):
        answer = self.etcd.ask("/v3/kv/range", {"key": base64.b64encode(f"/homenode/hosts/{name}".encode()).decode()})
        kvs = (answer or {}).get("kvs", [])
        return (json.loads(base64.b64decode(kvs[0]["value"])), int(kvs[0].get("lease", 0))) if kvs else (None, 0)

    def wait_record(self, name="one"):
        wait_for(f"{name} is in etcd", lambda: self.record(name)[0], 90)


class Published(PublishTest):
    def test_the_record_is_of_this_host(self):
        self.etcd.start()
        host = self.host(extra="api = https://one.example:9178\n")
        host.start()
        self.wait_record()
        record, lease = self.record()
        self.assertNotEqual(lease, 0)
        status, machine = host.call("GET", "/v1/host")
        self.assertEqual(status, 200)
        self.assertEqual(len(record["nodes"]), len(machine["nodes"]))
        self.assertEqual(record["api"], "https://one.example:9178")
        for told, node in zip(record["nodes"], machine["nodes"]):
            self.assertLessEqual(told["room_bytes"], node["memory_bytes"])
            self.assertGreater(told["room_bytes"], 0)
        self.assertLess(len(json.dumps(record)), 4096)
        self.assertIn(f"/homenode/topologies/{record['topology']}", self.etcd.keys())
        fleetd = Fleetd(self.folder, self.etcd)
        self.addCleanup(fleetd.close)
        fleetd.start()
        fleetd.wait_hosts(["one"])
        status, answer = fleetd.ask("POST", "/v1/rank", {"shape": {"vcpus": 1, "memory_bytes": 16 << 20}})
        self.assertEqual([item["host"] for item in answer["hosts"]], ["one"])
        self.assertEqual(host.stop(), 0, host.log()[-2000:])

    def borrow_meminfo(self):
        """A file that stands for node 0's meminfo, for this process and its children alone."""
        meminfo, libc = "/sys/devices/system/node/node0/meminfo", ctypes.CDLL(None, use_errno=True)
        copy = os.path.join(self.folder, "meminfo")
        shutil.copyfile(meminfo, copy)
        new_mounts, private, bind = 0x20000, 0x4000 | 0x40000, 0x1000
        if os.geteuid() != 0 or libc.unshare(new_mounts) != 0 or libc.mount(b"none", b"/", None, private, None) != 0 or \
                libc.mount(copy.encode(), meminfo.encode(), None, bind, None) != 0:
            self.skipTest("no mounts of our own here")
        self.addCleanup(libc.umount2, meminfo.encode(), 2)
        return copy

    def test_memory_that_is_plugged_in(self):
        path = self.borrow_meminfo()
        with open(path, encoding="ascii") as file:
            before = file.read()
        self.etcd.start()
        host = self.host()
        host.start()
        self.wait_record()
        first = self.record()[0]
        fleetd = Fleetd(self.folder, self.etcd)
        self.addCleanup(fleetd.close)
        fleetd.start()
        fleetd.wait_hosts(["one"])
        grown = re.sub(r"(MemTotal|MemFree): +(\d+)", lambda found: f"{found[1]}: {int(found[2]) + (64 << 20)}", before)
        with open(path, "r+", encoding="ascii") as file:
            file.write(grown)
        more = first["nodes"][0]["room_bytes"] + (32 << 30)
        wait_for("fleetd has it", lambda: fleetd.hosts()["one"]["nodes"][0]["room_bytes"] > more, 30)
        self.assertNotEqual(self.record()[0]["topology"], first["topology"])
        self.assertEqual(fleetd.metric("homenode_fleet_bad_records_total"), 0)
        self.assertEqual(host.stop(), 0, host.log()[-2000:])

    def test_without_etcd_the_host_works(self):
        host = self.host()
        host.start()  # there is no etcd
        host.wait_log("the fleet does not hear of this host", 60)
        self.assertEqual(host.call("GET", "/v1/guests")[0], 200)
        self.etcd.start()
        self.wait_record()
        host.wait_log("the fleet hears of this host again", 60)
        self.etcd.stop()
        wait_for("it is said again", lambda: host.log().count("does not hear") == 2, 90)
        self.assertEqual(host.call("GET", "/v1/guests")[0], 200)
        self.etcd.wipe()
        self.etcd.start()
        self.wait_record()
        # the topology is back as well, without a restart
        wait_for("both keys are there", lambda: len(self.etcd.keys()) == 2, 60)
        self.assertEqual(host.log().count("does not hear"), 2, host.log())
        self.assertEqual(host.stop(), 0, host.log()[-2000:])

    def test_bad_configuration_is_refused(self):
        for line, why in (("endpoints = localhost:1", "is no address"), ("prefix = homenode", "begin and end with /"),
                          ("name = a/b", "a / or a blank"), ("interval = 1ms", "not within"), ("ca = x", "path of a file"),
                          ("api = ftp://x", "neither none nor")):
            host = Host(extra=f"[fleet]\n{line}\n")
            self.addCleanup(host.close)
            host.start()
            self.assertEqual(host.daemon.wait(timeout=20), 3)
            self.assertIn(why, host.log())
            host.daemon = None

    def test_a_password_that_others_may_read(self):
        path = os.path.join(self.folder, "password")
        with open(path, "w", encoding="utf-8") as file:
            file.write("secret\n")
        os.chmod(path, 0o644)
        host = self.host(extra=f"user = me\npassword_file = {path}\n")
        host.start()
        self.assertEqual(host.daemon.wait(timeout=20), 1)
        self.assertIn("chmod 600", host.log())
        host.daemon = None


class Secured(PublishTest):
    def test_over_tls_with_certificates(self):
        authority, stranger = Authority(os.path.join(self.folder, "ours")), Authority(os.path.join(self.folder, "theirs"))
        self.etcd = Etcd(self.folder, authority=authority)
        self.addCleanup(self.etcd.close)
        self.etcd.start()
        cert, key = authority.issue("host", "/CN=host")
        nobody, nobodys = stranger.issue("host", "/CN=host")
        with_strangers = self.host("two", f"ca = {authority.file}\ncert = {nobody}\nkey = {nobodys}\n")
        trusts_others = self.host("three", f"ca = {stranger.file}\ncert = {cert}\nkey = {key}\n")
        host = self.host(extra=f"ca = {authority.file}\ncert = {cert}\nkey = {key}\n")
        for one in (with_strangers, trusts_others, host):
            one.start()
        self.wait_record()
        fleetd = Fleetd(self.folder, self.etcd, "--etcd-ca", authority.file, "--etcd-cert", cert, "--etcd-key", key)
        self.addCleanup(fleetd.close)
        fleetd.start()
        fleetd.wait_hosts(["one"])
        for one in (with_strangers, trusts_others):
            one.wait_log("the fleet does not hear of this host.*certificate", 60)
            self.assertEqual(one.call("GET", "/v1/guests")[0], 200)
            self.assertEqual(one.stop(), 0, one.log()[-2000:])
        self.assertEqual([key for key in self.etcd.keys() if "/hosts/" in key], ["/homenode/hosts/one"])
        self.assertEqual(host.stop(), 0, host.log()[-2000:])

    def test_with_a_user(self):
        self.etcd.start()
        for path, body in (
            ("/v3/auth/user/add", {"name": "root", "password": "r"}), ("/v3/auth/role/add", {"name": "root"}),
            ("/v3/auth/user/grant", {"user": "root", "role": "root"}), ("/v3/auth/enable", {}),
        ):
            self.assertIsNotNone(self.etcd.ask(path, body), path)
        path = os.path.join(self.folder, "password")
        with open(path, "w", encoding="utf-8") as file:
            file.write("r\n")
        os.chmod(path, 0o600)
        host = self.host(extra=f"user = root\npassword_file = {path}\n")
        host.start()
        fleetd = Fleetd(self.folder, self.etcd, "--etcd-user", "root", "--etcd-password-file", path)
        self.addCleanup(fleetd.close)
        fleetd.start()
        fleetd.wait_hosts(["one"])
        # tokens are forgotten by an etcd that starts again: another is fetched
        self.etcd.stop()
        self.etcd.start()
        wait_for("the view is confirmed again", lambda: 0 <= fleetd.metric("homenode_fleet_age_seconds") < 4, 60)
        self.assertEqual(host.stop(), 0, host.log()[-2000:])


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=[sys.argv[0]])
