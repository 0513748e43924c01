#!/usr/bin/env python3
"""The page of the fleet in a real browser: a homenode-fleetd on a real etcd, with hosts that are records."""

import json
import pathlib
import shutil
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "fleet"))

import browser  # noqa: E402
from browser import Browser, wait_for  # noqa: E402
from cluster import ETCD, Etcd, Fleetd, folder_of, made_hosts, with_holes  # noqa: E402

TILE = "#hosts .tile"
HOSTS = 30


@unittest.skipIf(browser.MISSING, browser.MISSING)
@unittest.skipUnless(ETCD, "etcd is not installed")
class Fleet(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="homenode-page-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.etcd = Etcd(cls.folder)
        cls.addClassCleanup(cls.etcd.close)
        cls.etcd.start()
        cls.fleetd = Fleetd(cls.folder, cls.etcd, "--trust-loopback")
        cls.addClassCleanup(cls.fleetd.close)
        cls.fleetd.start()
        cls.records = {}
        for key, value in with_holes(made_hosts(HOSTS)):
            if key.startswith("hosts/"):
                record = json.loads(value)
                number = int(record["host"][-2:])
                record.update(locality=number / 40, time_ns=time.time_ns(), warning=[], failed=[], health="ok")
                if number == 7:
                    record.update(failed=["numa-support"], health="fail", api="javascript:alert(1)")
                if number == 8:
                    record.update(warning=["transparent-huge-pages"], health="warning")
                cls.records[record["host"]] = record
                value = json.dumps(record)
            cls.etcd.put(key, value)
        cls.fleetd.wait_hosts(cls.records)
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        self.browser.resize(1280, 900)
        self.browser.open(f"http://127.0.0.1:{self.fleetd.port}/")
        self.browser.wait_text("#summary", f"{HOSTS} hosts")

    def tearDown(self):
        self.browser.open("about:blank")
        self.browser.complaints()

    def choose(self, name, value):
        self.browser.run("const s = document.getElementById(arguments[0]); s.value = arguments[1];"
                         " s.dispatchEvent(new Event('change'))", name, value)

    def share_of(self, name):
        return float(self.browser.run("return [...document.querySelectorAll(arguments[0])].find((t) => t.firstChild.textContent"
                                      " === arguments[1]).style.getPropertyValue('--share')", TILE, name))

    def test_a_tile_each(self):
        self.assertEqual(self.browser.text(f"{TILE} .name"), sorted(self.records))
        figures = self.browser.text(f"{TILE} .figure")
        self.assertEqual((figures[0], figures[20], figures[28]), ("0 %", "50 %", "70 %"))
        self.assertGreater(self.share_of("host-00025"), self.share_of("host-00029"), "the worse, the darker")
        self.assertEqual(self.browser.text(f"{TILE} .signs")[7:9], ["✖1", "▲1"])
        self.assertEqual(self.browser.run("return document.querySelector(arguments[0]).querySelectorAll('.strip i').length", TILE),
                         len(self.records["host-00000"]["nodes"]))
        self.assertEqual(self.browser.complaints(), [])

    def test_colour_by_room(self):
        self.choose("colour", "room")
        room = {name: sum(node["room_bytes"] for node in record["nodes"]) for name, record in self.records.items()}
        most = max(room, key=room.get)
        self.assertEqual(self.share_of(most), 1)
        for name in ("host-00000", "host-00011"):
            self.assertAlmostEqual(self.share_of(name), room[name] / room[most], 3)

    def test_only_those_that_are_not_well(self):
        self.choose("which", "&failing=any")
        wait_for("two are left", lambda: self.browser.text(f"{TILE} .name") == ["host-00007", "host-00008"])
        self.choose("which", "&locality_below=0.75")
        wait_for("all but none", lambda: len(self.browser.text(TILE)) == sum(r["locality"] < 0.75 for r in self.records.values()))

    def test_keyboard_into_a_host_and_back(self):
        self.browser.press("Tab", "Tab", "Tab")
        focused = "return document.activeElement.firstChild.textContent"
        self.assertEqual(self.browser.run(focused), "host-00000")
        across = self.browser.run("const t = [...document.querySelectorAll(arguments[0])]; return t.findIndex((x) => x.offsetTop > t[0].offsetTop)", TILE)
        self.browser.press("ArrowDown", "ArrowRight")
        self.assertEqual(self.browser.run(focused), f"host-{across + 1:05}")
        self.browser.press("Home", *["ArrowRight"] * 8, "Enter")
        self.browser.wait_text("#machine-name", "host-00008")
        self.browser.wait_text("#machine-facts", "health: warning")
        told = dict(zip(self.browser.text("#told dt"), self.browser.text("#told dd")))
        self.assertEqual((told["Warning"], told["Locality"]), ("transparent-huge-pages", "20 %, mean of its guests"))
        record = self.records["host-00008"]
        self.assertEqual(len(self.browser.text("#machine-nodes tr")), len(record["nodes"]))
        self.assertEqual(self.browser.text("#machine-nodes th"), [str(2 * i) for i in range(len(record["nodes"]))])
        self.assertEqual(self.browser.text("#machine-nodes tr:first-child td")[2:5], [str(n) for n in record["nodes"][0]["seats"]])
        self.assertEqual(self.browser.run("return document.getElementById('own').href"), f"{record['api']}/")
        self.browser.press("Escape")
        wait_for("the tiles are back", lambda: self.browser.seen("#hosts"))
        self.assertEqual(self.browser.run(focused), "host-00008")
        self.assertEqual(self.browser.complaints(), [])

    def test_an_address_that_is_none_is_no_link(self):
        self.browser.run("location.hash = '#/host/host-00007'")
        self.browser.wait_text("#told", "numa-support")
        self.assertFalse(self.browser.seen("#own"))
        self.assertEqual(self.browser.run("return document.querySelectorAll('[href^=javascript]').length"), 0)

    def test_a_host_that_is_not_there(self):
        self.browser.run("location.hash = '#/host/' + encodeURIComponent('<b>x')")
        self.browser.wait_text("#gone", "the fleet knows no such host")
        self.assertEqual(self.browser.text("#machine-name"), ["<b>x"])

    def test_what_changes_is_shown(self):
        record = dict(self.records["host-00020"], locality=0.99)
        self.etcd.put("hosts/host-00020", json.dumps(record))
        wait_for("its tile tells", lambda: self.browser.text(f"{TILE} .figure")[20] == "99 %", 60)
        self.etcd.put("hosts/host-00020", json.dumps(self.records["host-00020"]))

    def test_narrow(self):
        self.browser.resize(400)
        for address, shown in (("#/host/host-00003", "#machine-nodes td"), ("#/", "#hosts")):
            self.browser.run("location.hash = arguments[0]", address)
            wait_for("it is shown", lambda shown=shown: self.browser.seen(shown))
            self.assertLessEqual(self.browser.run("return document.documentElement.scrollWidth"), 400)

    def test_a_page_may_not_reserve(self):
        script = ("return fetch('v1/reservations', {method: 'POST', headers: {'Idempotency-Key': 'x'}, body: '{}'})"
                  ".then((a) => a.status)")
        self.assertEqual(self.browser.run(script), 403)
        status, _ = self.fleetd.ask("POST", "/v1/reservations", {}, {"Idempotency-Key": "x"})
        self.assertEqual(status, 400, "whoever is no browser may ask")


@unittest.skipIf(browser.MISSING, browser.MISSING)
@unittest.skipUnless(ETCD, "etcd is not installed")
class Many(unittest.TestCase):
    def test_pages_of_hosts(self):
        folder = folder_of(self)
        etcd = Etcd(folder)
        self.addCleanup(etcd.close)
        etcd.start()
        fleetd = Fleetd(folder, etcd)
        self.addCleanup(fleetd.close)
        fleetd.start()
        names = []
        for key, value in made_hosts(210):
            etcd.put(key, value)
            names += [key.split("/")[1]] if key.startswith("hosts/") else []
        fleetd.wait_hosts(names)
        window = Browser()
        self.addCleanup(window.close)
        window.open(f"http://127.0.0.1:{fleetd.port}/")
        window.wait_text("#range", "1 to 200 of 210")
        window.run("document.getElementById('next').click()")
        window.wait_text("#range", "201 to 210 of 210")
        self.assertEqual(window.text(f"{TILE} .name"), sorted(names)[200:])
        window.run("document.getElementById('previous').click()")
        window.wait_text("#range", "1 to 200 of 210")
        self.assertEqual(len(window.text(TILE)), 200)


if __name__ == "__main__":
    unittest.main()
