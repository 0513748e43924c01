#!/usr/bin/env python3
"""The page of a host in a real browser: with made-up answers of the API, and on a real homenoded with a real QEMU."""

import os
import time
import unittest

import browser
import fixture_host
from browser import Browser
from front import Front
from harness import Host, HostTest, needs_qemu, wait_for

HOSTILE = "<img src=x onerror=\"window.hit=1\">'&amp;/../%2f \u202etxt"
LINK = "#guests th a"


def sample(seconds_ago, value):
    return {"kind": "sample", "sequence": 1, "time_ns": time.time_ns() - int(seconds_ago * 1e9), "cell": -1, "looks": 1,
            "locality": {"value": value, "low": value - 0.02, "high": value + 0.02}, "busy": 0.5, "node_count": 4,
            "memory_share": [0, 0, value, 1 - value]}


def history(path):
    """Twenty samples, of which one is unknown, a decision and a move; newest first."""
    samples = [sample(10 * i, 0.9 - 0.02 * i) for i in range(20)]
    samples[10]["locality"] = None
    deeds = [
        {"kind": "move", "time_ns": time.time_ns() - 10**10, "operation": 8812, "moved_bytes": 3 << 30, "stayed_bytes": 0,
         "elapsed_ns": 15 * 10**9, "outcome": "done", "message": ""},
        {"kind": "decision", "time_ns": time.time_ns() - 3 * 10**10, "verdict": "act", "home_changed": True,
         "reason": "it is far from home", "home": [{"cell": 0, "nodes": "2"}]},
    ]
    records = samples if "kind=samples" in path else deeds
    return {"records": records, "more": False, "lost": 0, "problem": ""}


def documents(step=7, edit=lambda reports: None, crowd=0):
    made = fixture_host.answers(step, crowd)
    edit(made["/v1/guests"]["guests"])
    for report in made["/v1/guests"]["guests"]:
        made[f"/v1/guests/{report['guest']['name']}/history"] = history
    return made


@unittest.skipIf(browser.MISSING, browser.MISSING)
class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host()
        cls.addClassCleanup(cls.host.close)
        cls.host.start()
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)
        # what is asked for by the clock alone never is: a page that changes does so because it was told to
        cls.stop_clock = "const real = setTimeout; window.setTimeout = (act, ms, ...rest) => ms >= 1000 ? 0 : real(act, ms, ...rest);"

    def setUp(self):
        self.clocks = []
        self.browser.resize(1280, 900)
        self.browser.scheme("light")

    def tearDown(self):
        self.browser.open("about:blank")
        for identifier in self.clocks:
            self.browser.devtools("Page.removeScriptToEvaluateOnNewDocument", identifier=identifier)
        self.browser.complaints()

    def show(self, made, clock=True):
        self.front = Front(self.host.api, made)
        self.addCleanup(self.front.close)
        if not clock:
            self.clocks.append(self.browser.devtools("Page.addScriptToEvaluateOnNewDocument", source=self.stop_clock)["identifier"])
        self.browser.open(self.front.url)
        self.browser.wait_text("#summary", f"{len(made['/v1/guests']['guests'])} guests")

    def names(self):
        return self.browser.text(LINK)

    def row(self, name):
        """Texts of the row's cells."""
        return self.browser.run("const row = [...document.querySelectorAll('#guests tr')].find((r) => r.querySelector('a')"
                                ".textContent === arguments[0]); return [...row.cells].slice(1).map((c) => c.textContent)", name)


class Table(Page):
    def test_nodes_and_guests(self):
        made = documents()
        self.show(made)
        self.assertEqual(self.browser.text("#host"), ["rack7-03"])
        self.assertEqual(self.browser.text("#summary"), ["8 guests, 1 moving, 1 in trouble"])
        # the fixture's: at step 7 56 % of its pages have come to node 2, of which 8 % were there before
        share = round(100 * (0.08 + 0.92 * 0.56))
        self.assertEqual(self.row("web-17")[:4], ["·", "·", f"{share} %", f"{100 - share} %"])
        self.assertEqual(self.row("db-02")[:6], ["·", "100 %", "·", "·", "100 %", "1"])
        self.assertEqual(self.row("old-vm")[5], "-", "what is observed has no home")
        self.assertIn("moving 7.4 GiB to node 2: 56 %", self.row("web-17")[6])
        free = [f"{node['free_bytes'] / (1 << 30):.4g}"[:5] for node in made["/v1/host"]["nodes"]]
        told = self.browser.text("#nodes tr:nth-child(3) td")
        for figure, text in zip(free, told):
            self.assertAlmostEqual(float(figure), float(text.split()[0]), delta=0.51)
        self.assertEqual(self.browser.complaints(), [])

    def test_what_is_in_a_free_huge_page_is_not_in_use(self):
        made = documents()
        for node, free_pages in zip(made["/v1/host"]["nodes"], (50, 0, 100, 25)):
            node.update(memory_bytes=200 << 30, free_bytes=50 << 30, pools=[
                {"page_bytes": 2 << 20, "total_pages": 51200, "free_pages": 512 * free_pages},
                {"page_bytes": 1 << 30, "total_pages": 50, "free_pages": 0}])
        self.show(made)
        self.assertEqual(self.browser.text("#nodes tr:nth-child(2) td"), ["50 %", "75 %", "25 %", "63 %"])

    def test_order_and_filter(self):
        self.show(documents())
        self.assertEqual(self.names()[:3], ["ci-9", "gpu-3", "web-17"], "those that lose most")
        self.browser.run("const s = document.getElementById('sort'); s.value = 'name'; s.dispatchEvent(new Event('change'))")
        self.assertEqual(self.names(), sorted(self.names()))
        self.browser.press("/", "d", "b")
        self.assertEqual(self.names(), ["db-01", "db-02"])
        self.browser.press("x")
        self.assertTrue(self.browser.seen("#none"))
        self.assertIn("dbx", self.browser.text("#none")[0])
        self.browser.press("Escape")
        self.assertEqual(len(self.names()), 8)

    def test_events_bring_what_is_new_and_rows_keep_their_places(self):
        self.show(documents(7), clock=False)
        before = self.names()
        self.assertIn("web-17", before[:3])
        wait_for("the page listens", lambda: self.front.listeners)
        self.front.documents = documents(20)
        self.front.tell("operation-done", guest="web-17", operation=8812, outcome="done", moved_bytes=7 << 30, stayed_bytes=0,
                        to_move_bytes=7 << 30, elapsed_ns=40 * 10**9, message="")
        wait_for("web-17 is at home", lambda: self.row("web-17")[2] == "100 %")
        self.assertEqual(self.names(), before)
        self.assertIn("web-17 move 8812 done: 7 GiB in 40 s", self.browser.text("#events li")[0])
        self.browser.press("s")
        self.assertNotIn("web-17", self.names()[:3])
        self.assertEqual(self.browser.complaints(), [])

    def test_a_guest_comes_and_one_goes(self):
        self.show(documents(20), clock=False)
        wait_for("the page listens", lambda: self.front.listeners)
        made = documents(20, lambda reports: reports.pop(0))
        self.front.documents = made
        self.front.tell("guest-gone", guest="db-01")
        wait_for("its row is gone", lambda: "db-01" not in self.names())
        self.front.documents = documents(20)
        self.front.tell("guest-appeared", guest="db-01", vcpus=16, memory_bytes=128 << 30)
        wait_for("its row is there", lambda: "db-01" in self.names())
        self.assertIn("appeared: 16 vCPUs, 128 GiB", self.browser.text("#events li")[0])

    def test_a_node_that_drains(self):
        self.show(documents(7), clock=False)
        wait_for("the page listens", lambda: self.front.listeners)
        for state, said in (("begun", "drains"), ("drained", "is drained"), ("ended", "drains no longer")):
            self.front.tell("drain", guest="", node=2, state=state)
            wait_for("it is told", lambda said=said: (self.browser.text("#events li") or [""])[0].endswith(f" node 2: {said}"))
        self.assertEqual(self.browser.complaints(), [])

    def test_the_service_goes_away_and_comes_back(self):
        self.show(documents(20))
        self.browser.wait_text("#state", "live")
        self.front.down.set()
        self.front.hang_up()
        self.browser.wait_text("#state", "does not answer; what is shown is of")
        self.assertEqual(len(self.names()), 8)
        self.front.down.clear()
        self.browser.wait_text("#state", "live", 60)

    def test_a_thousand_guests(self):
        self.show(documents(crowd=1000))
        self.assertEqual(len(self.names()), 1000)
        self.browser.run("document.querySelector(arguments[0]).focus()", LINK)
        self.browser.press("End")
        self.assertEqual(self.browser.focused(), self.names()[-1])


class Keyboard(Page):
    def test_through_the_guests_into_one_and_back(self):
        self.show(documents())
        names = self.names()
        self.browser.press("Tab", "Tab", "Tab")
        self.assertEqual(self.browser.focused(), names[0], "after filter and order come the guests, one stop for all")
        self.browser.press("ArrowDown", "ArrowDown")
        self.assertEqual(self.browser.focused(), names[2])
        width = self.browser.run("const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.outlineWidth")
        self.assertEqual(width, "solid3px")
        self.browser.press("End", "ArrowDown", "ArrowUp")
        self.assertEqual(self.browser.focused(), names[-2])
        self.browser.press("Enter")
        self.browser.wait_text("#guest-name", names[-2])
        self.assertTrue(self.browser.seen("#guest"))
        self.assertFalse(self.browser.seen("#list"))
        self.browser.press("Escape")
        wait_for("the table is back", lambda: self.browser.seen("#list"))
        self.assertEqual(self.browser.focused(), names[-2])
        self.assertEqual(self.browser.complaints(), [])

    def test_the_focus_stays_while_guests_change(self):
        self.show(documents(7), clock=False)
        wait_for("the page listens", lambda: self.front.listeners)
        self.browser.run("[...document.querySelectorAll(arguments[0])].find((a) => a.textContent === 'web-17').focus()", LINK)
        self.front.documents = documents(20, lambda reports: reports.pop(0))
        self.front.tell("guest-gone", guest="db-01")
        wait_for("its row is gone", lambda: "db-01" not in self.names())
        self.assertEqual(self.browser.focused(), "web-17")

    def test_everything_that_takes_the_focus_has_a_name(self):
        self.show(documents())
        for address in ("", "#/guest/web-17"):
            self.browser.open(self.front.url + address)
            wait_for("the page is there", lambda: self.browser.text("#summary") != [""])
            nodes = self.browser.devtools("Accessibility.getFullAXTree")["nodes"]
            takes = [node for node in nodes if not node["ignored"] and node["role"]["value"] != "RootWebArea" and
                     any(p["name"] == "focusable" and p["value"]["value"] for p in node.get("properties", []))]
            self.assertGreater(len(takes), 3)
            for node in takes:
                self.assertTrue(node["name"]["value"], node)


class OneGuest(Page):
    def open_guest(self, made, name):
        self.show(made)
        self.browser.run("location.hash = '#/guest/' + encodeURIComponent(arguments[0])", name)
        wait_for("the guest is shown", lambda: self.browser.text("#cells th"))

    def test_cells_threads_and_plan(self):
        made = documents()
        self.open_guest(made, "web-17")
        web = next(r for r in made["/v1/guests"]["guests"] if r["guest"]["name"] == "web-17")
        self.assertEqual(self.browser.text("#facts"), [f"running, enforce, shared, policy adaptive, pid {web['guest']['pid']}, 4 vCPUs, 8 GiB"])
        cells = self.browser.text("#cells td")
        self.assertEqual(cells[:6], ["0-1", "4 GiB", "·", "·", "100 %", "·"])
        told = dict(zip(self.browser.text("#told dt"), self.browser.text("#told dd")))
        self.assertEqual(told["Why"], "92 % of its memory is on node 3 and its vCPUs are on node 2")
        self.assertIn("8812 running", told["Operation"])
        self.assertEqual(len(self.browser.text("#threads tr")), len(web["guest"]["threads"]))
        self.assertEqual(self.browser.text("#threads tr:first-child > *")[0], "vCPU 0")
        self.assertEqual(self.browser.complaints(), [])

    def test_its_past(self):
        self.open_guest(documents(), "web-17")
        self.browser.wait_text(".reading", "19 points, from 52 % to 90 %, lowest 52 %, highest 90 %")
        self.assertEqual(self.browser.run("return document.querySelectorAll('.chart .line').length"), 2, "a hole parts the line")
        self.assertEqual(self.browser.run("return document.querySelectorAll('.chart .band').length"), 2)
        self.assertEqual(self.browser.run("return document.querySelectorAll('.chart .event').length"), 1)
        deeds = self.browser.text("#past td")
        self.assertEqual(deeds, ["move 8812 done: 3 GiB in 15 s", "act: it is far from home (home: cell 0 on 2)"])
        self.browser.run("document.querySelector('.chart').focus()")
        self.browser.press("ArrowLeft")
        self.assertIn(": 90 ±2 %", self.browser.text(".reading")[0])
        self.browser.run("document.querySelector('#span input').focus()")
        self.browser.press("ArrowRight")
        wait_for("a day is asked for", lambda: any("since=86400" in path for path in self.front.asked))

    def test_an_address_that_was_cut(self):
        self.show(documents())
        for name in ("%", "nobody"):
            self.browser.run("location.hash = '#/guest/' + arguments[0]", name)
            self.browser.wait_text("#guest-name", name)
            wait_for("it is said", lambda: self.browser.seen("#gone"))
            self.assertFalse(self.browser.seen("#guest-parts"))

    def test_no_history_is_kept(self):
        made = documents()
        del made["/v1/guests/web-17/history"]
        self.open_guest(made, "web-17")
        self.browser.wait_text("#past-problem", "there is no /v1/guests/web-17/history")

    def test_it_goes_while_it_is_looked_at(self):
        self.open_guest(documents(20), "db-01")
        self.assertFalse(self.browser.seen("#gone"))
        self.front.documents = documents(20, lambda reports: reports.pop(0))
        self.front.tell("guest-gone", guest="db-01")
        wait_for("it is said", lambda: self.browser.seen("#gone"))
        self.assertTrue(self.browser.seen("#cells"), "what was known stays")


class Safety(Page):
    def test_names_and_sentences_are_text(self):
        def edit(reports):
            reports[0]["guest"]["name"] = HOSTILE
            reports[0]["problem"] = "<script>window.hit = 1</script>"
            reports[0]["guest"]["threads"][0].update(kind="helper", name="<b>thread</b>")

        self.show(documents(20, edit))
        wait_for("the page listens", lambda: self.front.listeners)
        self.front.tell("problem", guest=HOSTILE, problem="<svg onload='window.hit=1'>")
        self.browser.wait_text("#events", "<svg onload=")
        self.assertIn(HOSTILE, self.names())
        self.browser.run("[...document.querySelectorAll(arguments[0])].find((a) => a.textContent === arguments[1]).focus()",
                         LINK, HOSTILE)
        self.browser.press("Enter")
        self.browser.wait_text("#guest-name", HOSTILE)
        self.browser.wait_text("#told", "<script>window.hit = 1</script>")
        self.browser.wait_text("#threads", "<b>thread</b>")
        found = self.browser.run("return [window.hit ?? null, document.images.length, document.scripts.length,"
                                 " document.querySelectorAll('#threads b').length]")
        self.assertEqual(found, [None, 0, 1, 0])
        self.assertNotIn("/x", self.front.asked)
        self.assertEqual(self.browser.complaints(), [])

    def test_the_policy_is_in_force(self):
        self.show(documents())
        other = Front(self.host.api, {})
        self.addCleanup(other.close)
        reached = self.browser.run("return fetch(arguments[0]).then(() => true, () => false)", other.url)
        self.assertFalse(reached)
        self.assertEqual(other.asked, [])
        said = self.browser.run("try { document.body.innerHTML = '<p>x'; return 'done'; } catch (e) { return e.name; }")
        self.assertEqual(said, "TypeError")
        self.assertTrue(any("connect-src" in line for line in self.browser.complaints()))

    def test_a_page_may_not_act(self):
        """From the page itself, by a script that got into it somehow: the daemon refuses what has an Origin."""
        self.show(documents())
        self.front.documents = None
        status = self.browser.run("return fetch('v1/guests/x/rebalance', {method: 'POST', body: '{}'}).then((a) => a.status)")
        self.assertEqual(status, 403)
        self.assertEqual(self.host.call("POST", "/v1/guests/x/rebalance", {})[0], 404, "whoever is no browser may")


class Look(Page):
    def test_light_and_dark(self):
        self.show(documents())
        grounds = {}
        for scheme in ("light", "dark"):
            self.browser.scheme(scheme)
            grounds[scheme] = self.browser.run("return getComputedStyle(document.documentElement).backgroundColor.match(/[0-9]+/g).map(Number)")
        self.assertGreater(min(grounds["light"]), 200)
        self.assertLess(max(grounds["dark"]), 60)

    def test_figures_are_legible_on_every_colour(self):
        """4.5 to 1, as WCAG 2 asks of small text, for every share, kind and scheme."""
        self.show(documents())
        measure = """
            const paint = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
            const light = (colour) => {
                paint.fillStyle = colour;
                paint.fillRect(0, 0, 1, 1);
                const [r, g, b] = [...paint.getImageData(0, 0, 1, 1).data].map((v) => v / 255)
                    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
            };
            const cell = document.querySelector("#guests .heat");
            cell.style.transition = "none";
            const worst = [21, "", 0];
            for (const kind of ["home", "away", "plain"]) {
                for (let share = 0; share <= 1.0001; share += 0.005) {
                    cell.dataset.kind = kind;
                    cell.style.setProperty("--share", share.toFixed(3));
                    const style = getComputedStyle(cell);
                    const [a, b] = [light(style.color), light(style.backgroundColor)];
                    const contrast = Math.max(a, b) / Math.min(a, b);
                    if (contrast < worst[0]) worst.splice(0, 3, contrast, kind, share);
                }
            }
            return worst;
        """
        for scheme in ("light", "dark"):
            self.browser.scheme(scheme)
            contrast, kind, share = self.browser.run(measure)
            self.assertGreaterEqual(contrast, 4.5, f"{scheme}, {kind}, share {share}")

    def test_narrow_and_wide(self):
        self.show(documents())
        for width in (400, 1600):
            self.browser.resize(width)
            for address in ("#/", "#/guest/web-17"):
                self.browser.run("location.hash = arguments[0]", address)
                wait_for("it is shown", lambda address=address: self.browser.seen("#list" if address == "#/" else "#cells td"))
                with self.subTest(width=width, address=address):
                    self.assertLessEqual(self.browser.run("return document.documentElement.scrollWidth"), width)
        self.browser.resize(400)
        self.browser.run("location.hash = '#/'")
        self.assertTrue(self.browser.seen("#guests .brief"), "what is the matter is below the name")

    def test_nothing_jumps_when_figures_change(self):
        self.show(documents(3), clock=False)
        wait_for("the page listens", lambda: self.front.listeners)
        self.browser.run("window.shifts = 0; new PerformanceObserver((list) => list.getEntries().forEach((e) => window.shifts += e.value))"
                         ".observe({type: 'layout-shift'})")
        for step in (4, 7, 20):
            self.front.documents = documents(step)
            self.front.tell("settings", guest="web-17", settings={}, sources={})
            share = min(100, round(100 * (0.08 + 0.92 * min(1, 0.08 * step))))
            wait_for(f"step {step} is shown", lambda share=share: self.row("web-17")[2] == f"{share} %")
        # the list of events below grows: one line a step
        self.assertLess(self.browser.run("return window.shifts"), 0.02)


@needs_qemu
@unittest.skipIf(browser.MISSING, browser.MISSING)
class Real(HostTest):
    def test_a_real_guest_comes_is_shown_and_goes(self):
        window = Browser()
        self.addCleanup(window.close)
        self.host.start()
        front = Front(self.host.api)
        self.addCleanup(front.close)
        window.open(front.url)
        window.wait_text("#none", "No guests run here")
        window.wait_text("#state", "live")
        process = self.host.qemu("web")
        window.wait_text("#events", "web appeared: 4 vCPUs, 128 MiB")
        window.wait_text(LINK, "web")
        window.wait_text("#guests td.now", "good as it is")
        nodes = len(self.host.call("GET", "/v1/host")[1]["nodes"])
        self.assertEqual(len(window.text("#guests .heat")), nodes)
        window.run("document.querySelector(arguments[0]).focus()", LINK)
        window.press("Enter")
        wait_for("its cells", lambda: len(window.text("#cells tr")) == 2)
        wait_for("its threads", lambda: any(text.startswith("vCPU 3") for text in window.text("#threads tr")))
        window.wait_text(".reading", " point")
        wait_for("its decision", lambda: window.text("#past td"))
        process.kill()
        process.wait()
        os.unlink(self.host.socket_path("web"))
        wait_for("it is gone", lambda: window.seen("#gone"))
        self.assertEqual(window.complaints(), [])
        window.close()
        front.close()
        self.stop_cleanly()


if __name__ == "__main__":
    unittest.main()
