"""homenode fit, replay and simulate on hosts and snapshots made here: output, JSON and exit codes."""

import http.server
import json
import os
import pathlib
import re
import socketserver
import sqlite3
import subprocess
import tempfile
import threading
import unittest

HOMENODE = os.environ["HOMENODE"]
PACKING_TRACE = os.environ["PACKING_TRACE"]
GIB = 1 << 30


def run(*arguments):
    return subprocess.run([HOMENODE, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


def make_host(nodes=2, cpus=4, gib=16, free=None):
    """A host as GET /v1/host gives it."""
    return {
        "name": "made", "distances_known": True, "kernel_balancing": False, "fifo_hazard": False,
        "nodes": [{"id": n, "cpus": f"{n * cpus}-{n * cpus + cpus - 1}", "memory_bytes": gib * GIB,
                   "free_bytes": (free[n] if free else gib) * GIB, "pools": []} for n in range(nodes)],
        "distances": [[10 if a == b else 20 for b in range(nodes)] for a in range(nodes)],
        "cpus": [{"id": c, "node": c // cpus, "core": c, "llc": c // cpus, "package": c // cpus, "isolated": False}
                 for c in range(nodes * cpus)],
    }


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="homenode-cli-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, value):
        path = self.folder / name
        path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        return path

    def run_json(self, code, *arguments):
        done = run("--json", *arguments)
        self.assertEqual(done.returncode, code, done)
        return json.loads(done.stdout)

    def refused(self, code, says, *arguments):
        done = run(*arguments)
        self.assertEqual(done.returncode, code, done)
        self.assertIn(says, done.stderr)
        self.assertEqual(done.stdout, "")


class Fit(Files):
    def fit(self, code, host, *arguments):
        return self.run_json(code, "fit", "--host", self.write("host.json", host), *arguments)

    def test_as_many_fit_as_there_is_room_for(self):
        # 16 GiB a node less 64 MiB kept free: three of 5 GiB each, on two nodes
        answer = self.fit(0, make_host(), "--vcpus", 1, "--memory", "5G")
        self.assertTrue(answer["fits"])
        self.assertEqual(answer["more"], 5)
        self.assertEqual(answer["home"]["cells"][0]["nodes"], str(answer["home"]["cells"][0]["nodes"]))
        self.assertEqual(answer["explanation"]["cells"][0]["nodes"], answer["home"]["cells"][0]["nodes"])

    def test_two_cells_are_put_on_the_two_nodes_that_hold_one_each(self):
        answer = self.fit(0, make_host(nodes=3, free=[9, 3, 9]), "--vcpus", 8, "--memory", "16G", "--cells", 2)
        self.assertEqual(sorted(cell["nodes"] for cell in answer["home"]["cells"]), ["0", "2"])
        self.assertEqual(answer["more"], 0)
        refused = [choice for cell in answer["explanation"]["cells"] for choice in cell["choices"] if choice["node"] == 1]
        self.assertEqual([choice["kind"] for choice in refused], ["refused", "refused"])
        self.assertIn("free of 8 GiB needed", refused[0]["sentence"])

    def test_what_does_not_fit_has_an_exit_code_and_numbers(self):
        answer = self.fit(6, make_host(free=[4, 6]), "--vcpus", 4, "--memory", "16G", "--cells", 2)
        self.assertFalse(answer["fits"])
        self.assertIsNone(answer["home"])
        for cell in answer["explanation"]["cells"]:
            self.assertEqual([choice["kind"] for choice in cell["choices"]], ["refused", "refused"])
            self.assertIn("5.9 GiB free of 8 GiB needed", cell["choices"][1]["sentence"])
        done = run("fit", "--host", self.folder / "host.json", "--vcpus", 4, "--memory", "16G", "--cells", 2)
        self.assertEqual(done.returncode, 6)
        self.assertIn("It does not fit on made: ", done.stdout)
        self.assertIn("3.9 GiB free of 8 GiB needed", done.stdout)

    def test_memory_is_not_given_twice(self):
        one = self.fit(0, make_host(), "--vcpus", 1, "--memory", "1G")["more"]
        half = self.fit(0, make_host(), "--vcpus", 1, "--memory", "2G")["more"]
        # 15.9 GiB a node: 15 on each, or 7 on each, and a last one that is split over what remains of both
        self.assertEqual(one + 1, 2 * 15 + 1)
        self.assertEqual(half + 1, 2 * 7 + 1)

    def test_sentences_for_people(self):
        host = self.write("host.json", make_host())
        done = run("fit", "--host", host, "-v", 2, "-m", "4G")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"(?m)^guest: cell 0 on node [01]$")
        self.assertIn("proven best", done.stdout)
        self.assertRegex(done.stdout, r"It fits on made, and \d+ more of it after that\.")

    def test_senseless_requests_are_refused_by_name_and_value(self):
        for says, arguments in (("'0'", ("--vcpus", "0", "--memory", "1G")), ("'x'", ("--vcpus", "x", "--memory", "1G")),
                                ("'-3'", ("--vcpus=-3", "--memory", "1G")), ("--memory", ("--vcpus", "2")),
                                ("--memory: ", ("--vcpus", "2", "--memory", "much")),
                                ("cells: 5", ("--vcpus", "4", "--memory", "1G", "--cells", "5")),
                                ("'fast'", ("--vcpus", "4", "--memory", "1G", "--class", "fast")),
                                ("hugepages: 3145728", ("--vcpus", "4", "--memory", "3M", "--hugepages", "3M")),
                                ("memory: 524288", ("--vcpus", "1", "--memory", "512K"))):
            self.refused(2, says, "fit", *arguments)

    def test_a_domain_of_two_cells_like_the_same_request(self):
        domain = self.write("web.xml", """<domain type='kvm'><name>web</name><memory unit='GiB'>6</memory><vcpu>4</vcpu>
            <os><type arch='x86_64'>hvm</type></os><cpu><numa><cell id='0' cpus='0-1' memory='3' unit='GiB'/>
            <cell id='1' cpus='2-3' memory='3' unit='GiB'/></numa></cpu></domain>""")
        answer = self.fit(0, make_host(), domain)
        asked = self.fit(0, make_host(), "--vcpus", 4, "--memory", "6G", "--cells", 2)
        self.assertEqual(answer["explanation"]["guest"], "web")
        self.assertEqual(answer["more"], asked["more"])
        self.assertEqual(answer["home"]["cost"], asked["home"]["cost"])
        self.refused(1, "broken.xml", "fit", "--host", self.folder / "host.json", self.write("broken.xml", "<domain>"))
        self.refused(1, "No such file", "fit", "--host", self.folder / "host.json", self.folder / "nothing.xml")
        self.refused(2, "either", "fit", "--vcpus", 2, domain)

    def test_senseless_hosts_are_refused(self):
        sizes = ("--vcpus", 1, "--memory", "1G")
        self.refused(1, "No such file", "fit", *sizes, "--host", self.folder / "nothing")
        self.refused(1, "text.json", "fit", *sizes, "--host", self.write("text.json", "hello"))
        broken = make_host()
        broken["distances"][0][1] = 0
        self.refused(1, "distances", "fit", *sizes, "--host", self.write("broken.json", broken))
        self.refused(1, "no tree", "fit", *sizes, "--host", self.folder)


def make_snapshot():
    """Two guests on two nodes; the second one's memory and threads are on different nodes."""
    cells = [{"cell": 0, "sampled": 1000, "absent": 0, "unknown": 0, "on_node": None}]

    def guest(name, pages, node):
        cell = dict(cells[0], on_node=pages)
        thread = {"tid": 100, "last_cpu": node * 4, "last_node": node, "cpu_ns": 5, "busy": 0.5,
                  "residency": [1.0 - node, 0.0 + node], "allowed": "0-7"}
        return {
            "guest": {"name": name, "uuid": "", "pid": 1, "start_ticks": 1, "mode": "enforce", "class": "shared",
                      "state": "running", "policy": "home-node",
                      "cells": [{"id": 0, "memory_bytes": 2 * GIB, "vcpus": "0"}],
                      "threads": [{"tid": 100, "kind": "vcpu", "vcpu": 0, "cell": 0, "name": "CPU 0/KVM"}],
                      "backends": [{"id": "ram", "cell": 0, "host_address": 0, "bytes": 2 * GIB, "page_bytes": 4096,
                                    "shared": False, "prealloc": False, "dimm": False, "policy": "default",
                                    "host_nodes": "", "movability": "movable"}]},
            "sample": {"taken_ns": 10**12, "cost_ns": 1, "exhaustive": True, "node_count": 2, "cells": [cell],
                       "threads": [thread]},
            "home": None, "agreeing": 0, "fruitless": 0, "settle_until_ns": 0, "moving": False,
        }

    return {"version": 1, "now_ns": 10**12, "host": make_host(free=[12, 12]),
            "guests": [guest("here", [1000, 0], 0), guest("there", [0, 1000], 0)]}


class Xml(Files):
    def test_nodes_of_another_host_are_no_limit(self):
        domain = self.write("web.xml", """<domain type='kvm'><name>web</name><memory unit='GiB'>6</memory><vcpu>4</vcpu>
            <os><type arch='x86_64'>hvm</type></os><numatune><memory mode='strict' nodeset='7'/></numatune></domain>""")
        host = self.write("host.json", make_host())
        for option in ("--anywhere", "--existing"):
            answer = self.run_json(0, "xml", option, "--host", host, domain)
            (cell,) = answer["placement"]["cells"]
            self.assertIn(f"nodeset='{cell['nodes']}'", answer["xml"], option)
            self.assertNotIn("nodeset='7'", answer["xml"], option)
        self.refused(6, "no place", "xml", "--host", host, domain)


class Replay(Files):
    def test_a_recorded_decision_is_made_again(self):
        path = self.write("snapshot.json", make_snapshot())
        first = self.run_json(0, "replay", path)
        self.assertEqual([decision["guest"] for decision in first], ["here", "there"])
        self.assertEqual(first, self.run_json(0, "replay", path))
        one = self.run_json(0, "replay", path, "there")
        self.assertEqual(one, first[1])
        self.assertTrue(one["explanation"]["fits"])
        self.assertEqual(one["explanation"]["cells"][0]["nodes"], one["plan"]["home"]["cells"][0]["nodes"])

    def test_options_of_the_recording_count(self):
        snapshot = make_snapshot()
        snapshot["options"] = {"keep_free_bytes": 64 << 20, "looks": 1, "max_age_ns": 10**11, "tick_ns": 10**10}
        path = self.write("snapshot.json", snapshot)
        self.assertEqual(self.run_json(0, "replay", "--policy", "home-node", path, "there")["plan"]["verdict"], "act")
        snapshot["options"]["looks"] = 2
        path = self.write("snapshot.json", snapshot)
        self.assertEqual(self.run_json(0, "replay", "--policy", "home-node", path, "there")["plan"]["verdict"], "wait")
        self.assertEqual(self.run_json(0, "replay", "-p", "home-node", "--now", path, "there")["plan"]["verdict"], "act")

    def test_for_people(self):
        done = run("replay", self.write("snapshot.json", make_snapshot()), "there")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("cell 0 on node", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^ +CELL +NODE +WHY")

    def test_what_is_wrong_with_a_file_is_said(self):
        path = self.write("snapshot.json", make_snapshot())
        self.refused(4, "'nobody'", "replay", path, "nobody")
        self.refused(1, "'no-such'", "replay", "--policy", "no-such", path)
        self.refused(1, "No such file", "replay", self.folder / "nothing")
        self.refused(2, "snapshot", "replay")
        for member in ("version", "host", "guests", "now_ns"):
            broken = make_snapshot()
            del broken[member]
            self.refused(1, f"'{member}'", "replay", self.write("broken.json", broken))
        broken = make_snapshot()
        broken["guests"][0]["sample"]["cells"] *= 2
        self.refused(1, "does not fit", "replay", self.write("broken.json", broken))
        broken = make_snapshot()
        broken["options"] = {"keep_free_bytes": 1, "looks": 0, "max_age_ns": 1, "tick_ns": 1}
        self.refused(1, "looks", "replay", self.write("broken.json", broken))


class Simulate(Files):
    def simulate(self, *arguments):
        return self.run_json(0, "simulate", "--ticks", 600, *arguments)

    def test_the_same_seed_gives_the_same_run(self):
        first = self.simulate("--seed", 5)
        self.assertEqual(first, self.simulate("--seed", 5))
        self.assertNotEqual(first["runs"], self.simulate("--seed", 6)["runs"])
        (score,) = first["runs"]
        self.assertEqual(score["placed"] + score["refused"], score["arrived"])
        self.assertGreater(score["placed"], 10)
        self.assertEqual(len(score["course"]), 24)
        for share in [score["locality"], *filter(None, score["course"])]:
            self.assertTrue(0 <= share <= 1)
        self.assertLessEqual(score["undone"], score["moves"])

    def test_all_policies_get_the_same_guests(self):
        runs = self.simulate("--all-policies", "--load", "1.2")["runs"]
        self.assertEqual(len({score["policy"] for score in runs}), len(runs))
        self.assertEqual(len({score["arrived"] for score in runs}), 1)
        done = run("simulate", "--ticks", 600, "-a")
        for score in runs:
            self.assertRegex(done.stdout, rf"(?m)^{score['policy']} +\d+ +\d+ +\S+")

    def test_a_small_host_refuses_more(self):
        large = self.simulate("--nodes", 4, "--load", "0.5")["runs"][0]
        small = self.simulate("--nodes", 1, "--cpus", 4, "--memory", "8G", "--load", "5")["runs"][0]
        self.assertGreater(small["refused"], 0)
        self.assertLess(large["refused"] / large["arrived"], small["refused"] / small["arrived"])

    def make_trace(self, change=None):
        path = self.folder / "trace.sqlite"
        subprocess.run([PACKING_TRACE, str(path), "3", "2000"], check=True)
        if change:
            with sqlite3.connect(path) as database:
                database.execute(change)
            database.close()
        return path

    def test_a_packing_trace(self):
        path = self.make_trace()
        first = self.simulate("--trace", path, "--load", "10")
        self.assertEqual(first, self.simulate("--trace", path, "--load", "10"))
        # counted by SQLite itself: 600 ticks of 10 s
        with sqlite3.connect(path) as database:
            (expected,) = database.execute(
                "SELECT count(*) FROM vm JOIN vmType USING (vmTypeId) WHERE machineId = 0 AND starttime < 6000.0 / 86400 "
                "AND (endtime IS NULL OR endtime > 0)").fetchone()
        database.close()
        self.assertEqual(first["runs"][0]["arrived"], expected)
        self.assertGreater(expected, 10)

    def test_less_load_leaves_guests_out(self):
        path = self.make_trace()
        runs = [self.simulate("--trace", path, "--load", load)["runs"][0]["arrived"] for load in ("10", "0.05")]
        self.assertGreater(runs[0], runs[1])

    def test_a_trace_that_makes_no_sense_is_refused_with_row_and_column(self):
        for change, says in (("UPDATE vm SET starttime = 'noon' WHERE vmId = 7; ", "no vm"),
                             ("UPDATE vmType SET core = 2", "core 2 is no share"),
                             ("UPDATE vmType SET memory = NULL", "memory 'NULL' is no number"),
                             ("UPDATE vm SET starttime = 0.01, endtime = 0.001", "endtime 0.001 is before starttime 0.01"),
                             ("DELETE FROM vmType", "vmType is empty"),
                             ("DROP TABLE vm", "no such table: vm"),
                             ("ALTER TABLE vm RENAME COLUMN endtime TO until", "no such column: vm.endtime")):
            path = self.make_trace(change)
            if says == "no vm":  # text sorts behind every number: that guest comes after the trace's end
                self.assertEqual(run("simulate", "--trace", path, "--ticks", 10).returncode, 0)
                continue
            self.refused(1, says, "simulate", "--trace", path)
        self.refused(1, "not a database", "simulate", "--trace", self.write("text", "hello " * 1000))
        self.refused(1, "unable to open", "simulate", "--trace", self.folder / "nothing")

    def test_senseless_options_are_refused_with_their_value(self):
        for says, arguments in (("'x'", ("--seed", "x")), ("'-1'", ("--ticks=-1",)), ("one tick", ("--ticks", "0")),
                                ("'0'", ("--load", "0")), ("'nan'", ("--load", "nan")), ("'1ms'", ("--tick", "1ms")),
                                ("'no-such'", ("--policy", "no-such")), ("'257'", ("--nodes", "257")),
                                ("options only", ("guest",))):
            self.refused(2, says, "simulate", *arguments)
        self.refused(1, "nodes: 0", "simulate", "--nodes", 0)
        self.refused(1, "memory: 0", "simulate", "--memory", 0)


    def test_a_course_in_the_characters_of_the_locale(self):
        said = {locale: subprocess.run([HOMENODE, "simulate", "--ticks", "400"], capture_output=True, timeout=60, check=True,
                                       env={**os.environ, "LC_ALL": locale}).stdout for locale in ("C", "C.UTF-8")}
        self.assertTrue(said["C"].isascii(), said["C"])
        self.assertRegex(said["C"].decode(), r" [0-9 ]{10,}[0-9] ")
        self.assertRegex(said["C.UTF-8"].decode(), "[▁-█]")


class Topology(Files):
    """A host of two nodes, one with huge pages, a CPU set apart, and a guest with a home and one that has yet to come."""

    def make(self):
        host = make_host()
        host["name"] = "Rack7_a"
        host["nodes"][0].update(reserved_bytes=2 * GIB, pools=[{"page_bytes": 2 << 20, "total_pages": 1024, "free_pages": 1000}])
        host["cpus"][0]["reserved"] = True
        return host

    def topology(self, form, host=None):
        return self.run_json(0, "topology", "--format", form, "--host", self.write("host.json", host or self.make()))

    def test_kubernetes(self):
        nrt = self.topology("nrt")
        self.assertEqual((nrt["apiVersion"], nrt["kind"]), ("topology.node.k8s.io/v1alpha2", "NodeResourceTopology"))
        self.assertEqual(nrt["metadata"], {"name": "rack7-a"})
        zone, other = nrt["zones"]
        self.assertEqual((zone["name"], zone["type"]), ("node-0", "Node"))
        self.assertEqual(zone["costs"], [{"name": "node-0", "value": 10}, {"name": "node-1", "value": 20}])
        resources = {item["name"]: item for item in zone["resources"]}
        self.assertEqual(resources["cpu"], {"name": "cpu", "capacity": "4", "allocatable": "3", "available": "3"})
        self.assertEqual(resources["memory"], {"name": "memory", "capacity": str(16 * GIB), "allocatable": str(14 * GIB),
                                               "available": str(14 * GIB)})
        self.assertEqual(resources["hugepages-2Mi"], {"name": "hugepages-2Mi", "capacity": str(2 * GIB),
                                                      "allocatable": str(2 * GIB), "available": str(1000 * (2 << 20))})
        self.assertEqual([item["name"] for item in other["resources"]], ["cpu", "memory"])

    def test_openstack(self):
        root, first, second = self.topology("placement")["resource_providers"]
        self.assertEqual((root["name"], root["parent_provider_uuid"], root["inventories"]), ("Rack7_a", None, {}))
        for provider in (first, second):
            self.assertEqual((provider["parent_provider_uuid"], provider["traits"]), (root["uuid"], ["HW_NUMA_ROOT"]))
            self.assertRegex(provider["uuid"], "^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        self.assertEqual(len({root["uuid"], first["uuid"], second["uuid"]}), 3)
        self.assertEqual(first["inventories"]["MEMORY_MB"]["total"], 16384)
        self.assertEqual(first["inventories"]["MEMORY_MB"]["reserved"], 2048)
        self.assertEqual(first["inventories"]["VCPU"]["reserved"], 1)
        self.assertEqual((first["inventories"]["CUSTOM_HUGEPAGES_2048KB"]["total"], first["usages"]["CUSTOM_HUGEPAGES_2048KB"]),
                         (1024, 24))
        self.assertEqual(self.topology("placement")["resource_providers"][1]["uuid"], first["uuid"], "always the same")

    def test_hwloc_reads_it_back(self):
        done = run("topology", "--format", "hwloc", "--host", self.write("host.json", self.make()))
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(done.stdout.count('<page_type size="2097152" count="1024"/>'), 1)
        again = self.run_json(0, "topology", "--host", self.write("host.xml", done.stdout))
        before = self.topology("json")
        for node, was in zip(again["nodes"], before["nodes"], strict=True):
            self.assertEqual({key: node[key] for key in ("id", "cpus", "memory_bytes")},
                             {key: was[key] for key in ("id", "cpus", "memory_bytes")})
        self.assertEqual(again["distances"], before["distances"])
        self.assertEqual([(cpu["id"], cpu["node"]) for cpu in again["cpus"]], [(cpu["id"], cpu["node"]) for cpu in before["cpus"]])

    def test_what_guests_have_taken(self):
        cost = {"remote": 0, "cpu": 0, "bandwidth": 0, "fragment": 0, "migrate": 0}
        guest = {"name": "db", "uuid": "", "pid": 0, "start_ticks": 0, "mode": "enforce", "class": "shared", "state": "unknown",
                 "policy": "home-node", "devices": [], "threads": [], "backends": [],
                 "cells": [{"id": 0, "memory_bytes": 4 * GIB, "vcpus": "0-2", "page_bytes": 0, "bandwidth_bytes": 0}]}
        home = {"node_count": 2, "proven": True, "cost": cost, "bound": cost, "other_cpus": "", "vcpus": [],
                "cells": [{"cell": 0, "nodes": "1", "bytes": [0, 4 * GIB], "vcpus": [0, 0]}]}
        state = {"guest": guest, "sample": None, "home": home, "agreeing": 0, "fruitless": 0, "settle_until_ns": 0, "regret": None,
                 "distrust": 1.0, "lost_share": 0.0, "promised_share": 0.0, "moving": False}
        snapshot = {"version": 1, "now_ns": 1, "host": self.make(), "guests": [state],
                    "calibration": {"bytes_per_second": 0.0, "stall_share": 0.0, "migrations": 0}}
        room = self.topology("json", snapshot)["room"]
        self.assertEqual([(item["vcpus"], item["free_bytes"] // GIB) for item in room], [(0, 14), (3, 12)])
        cpu = self.topology("nrt", snapshot)["zones"][1]["resources"][0]
        self.assertEqual((cpu["allocatable"], cpu["available"]), ("4", "1"))

    def test_what_is_not_understood(self):
        self.refused(2, "choose one of json, nrt", "topology", "--format", "yaml")
        self.refused(2, "no arguments", "topology", "web")
        self.refused(1, "No such file", "topology", "--host", self.folder / "nothing.json")


class Ill(http.server.BaseHTTPRequestHandler):
    """A homenoded that is in trouble, or knows nobody."""

    def do_GET(self):
        unknown = self.path.endswith("/nobody/checks")
        answer = json.dumps({"status": 404 if unknown else 500, "detail": "there is no such guest" if unknown else "ill"}).encode()
        self.send_response(404 if unknown else 500)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass


class Check(Files):
    def test_what_could_not_be_asked_is_no_warning(self):
        path = str(self.folder / "socket")
        self.refused(3, "cannot reach homenoded", "--socket", path, "check")
        server = socketserver.ThreadingUnixStreamServer(path, Ill)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.refused(3, "ill", "--socket", path, "check")
        self.refused(3, "ill", "--socket", path, "check", "--guest", "web")
        self.refused(4, "no such guest", "--socket", path, "check", "--guest", "nobody")
        self.refused(4, "neither a check nor a guest", "--socket", path, "check", "nobody")


class Output(Files):
    def into_full_disk(self, *arguments):
        with open("/dev/full", "w", encoding="utf-8") as full:
            return subprocess.run([HOMENODE, *map(str, arguments)], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
                                  check=False)

    def test_a_full_disk_is_a_failure(self):
        host = self.write("host.json", make_host())
        for arguments in (("--help",), ("fit", "--help"), ("--json", "fit", "--host", host, "-v", 1, "-m", "1G"),
                          ("topology", "--host", host, "--format", "json")):
            done = self.into_full_disk(*arguments)
            self.assertEqual(done.returncode, 1, done)
            self.assertRegex(done.stderr, r"\Ahomenode: cannot write the output.*\n\Z")
        # what went wrong before stays
        self.assertEqual(self.into_full_disk("fit", "--host", host, "-v", 1, "-m", "100G").returncode, 6)


class WrongOptions(Files):
    def test_the_complaint_says_where_to_look(self):
        for command in re.findall(r"(?m)^  ([a-z]+) {2,}\S", run("--help").stdout):
            if "\n  -" not in run(command, "--help").stdout.replace("\n      --", "\n  --"):
                continue  # has no options of its own: what it takes is said in one sentence
            done = run("--socket", self.folder / "nobody", command, "--no-such-option")
            self.assertEqual((done.returncode, done.stdout), (2, ""), done)
            self.assertIn("--no-such-option", done.stderr)
            self.assertIn(f"ee homenode {command} --help", done.stderr)
        self.refused(2, "see homenode --help", "--no-such-option")
        self.refused(2, "See homenode fit --help", "fit", "--vcpus")
        self.refused(2, "See homenode drain --help", "drain", "--wait=3", "0")

if __name__ == "__main__":
    unittest.main()
