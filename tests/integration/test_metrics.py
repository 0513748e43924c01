"""/metrics: read by promtool, scraped by a real Prometheus; the dashboard and the alerts name metrics that there are."""

import json
import os
import re
import shutil
import socket
import subprocess
import unittest
import urllib.error
import urllib.parse
import urllib.request

from harness import SLOWER, HostTest, needs_qemu, wait_for

PROMTOOL, PROMETHEUS = shutil.which("promtool"), shutil.which("prometheus")
DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "data")
NAME = re.compile(r"\bhomenode_[a-z_]+\b")
needs_prometheus = unittest.skipUnless(PROMTOOL and PROMETHEUS, "prometheus is not installed")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def expressions(dashboard):
    """All that the dashboard asks Prometheus, its variables included."""
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["definition"]


class Metrics(HostTest):
    def setUp(self):
        self.port = free_port()
        super().setUp()
        with open(self.host.config, encoding="utf-8") as file:
            text = file.read()
        self.host.write_config(text.replace("[guests]", f"metrics = 127.0.0.1:{self.port}\n[guests]", 1)
                               + "[libvirt]\nuri = none\n")

    def scrape(self, path="/metrics"):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10 * SLOWER) as answer:
            return answer.headers["Content-Type"], answer.read().decode()

    def families(self):
        return set(re.findall(r"^# TYPE (\S+) ", self.scrape()[1], re.MULTILINE))

    @needs_prometheus
    @needs_qemu
    def test_promtool_has_nothing_to_say(self):
        self.host.start()
        self.host.qemu("web")
        self.host.qemu('odd "name"', file_name="odd")
        self.host.wait_guest("web", lambda report: report["home"], "has a home")
        self.host.wait_guest('odd "name"', lambda report: report["home"], "has a home")
        kind, text = self.scrape()
        self.assertEqual(kind, "text/plain; version=0.0.4; charset=utf-8")
        self.assertIn('homenode_guest_problem{guest="odd \\"name\\""} 0\n', text)
        answer = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        self.assertEqual((answer.returncode, answer.stdout, answer.stderr), (0, "", ""))
        self.stop_cleanly()

    def test_the_port_answers_metrics_alone(self):
        self.host.start()
        for path in ("/v1/host", "/v1/guests", "/", "/metrics/"):
            with self.assertRaises(urllib.error.HTTPError) as raised:
                self.scrape(path)
            self.assertEqual(raised.exception.code, 404)
            raised.exception.close()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/metrics", data=b"x", method="POST")
        with self.assertRaises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(request, timeout=10)
        self.assertGreaterEqual(raised.exception.code, 400)
        raised.exception.close()
        self.stop_cleanly()

    def test_a_port_that_is_taken_is_said(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", self.port))
            taken.listen()
            self.host.start()
            self.assertEqual(self.host.daemon.wait(timeout=10), 1)
            self.assertIn(f"metrics: cannot listen on 127.0.0.1:{self.port}", self.host.log())

    def test_an_address_that_is_not_there_yet(self):
        """As at boot, before the network is up: 203.0.113.0/24 is nobody's."""
        with open(self.host.config, encoding="utf-8") as file:
            self.host.write_config(file.read().replace("metrics = 127.0.0.1", "metrics = 203.0.113.7"))
        self.host.start()
        self.assertIn(f"metrics: 203.0.113.7:{self.port} is no address of this machine's yet", self.host.log())
        self.assertEqual(self.host.call("GET", "/v1/host")[0], 200)
        self.stop_cleanly()

    def test_bad_addresses_are_refused(self):
        for value in ("9177", "localhost:9177", "127.0.0.1:0", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:91x7"):
            self.host.write_config(f"[homenoded]\nmetrics = {value}\n")
            self.host.daemon = None
            self.host.start("--check-config")
            self.assertEqual(self.host.daemon.wait(timeout=10), 3, value)
            self.assertIn(f"'{value}' is neither none nor an address", self.host.log())

    def test_dashboard_and_rules_name_what_there_is(self):
        self.host.start()
        families = self.families()
        with open(os.path.join(DATA, "grafana", "homenode.json"), encoding="utf-8") as file:
            asked = list(expressions(json.load(file)))
        with open(os.path.join(DATA, "prometheus", "homenode.rules.yml"), encoding="utf-8") as file:
            asked += re.findall(r"expr: (?:>-\n\s*)?(.*)", file.read())
        names = {name for expression in asked for name in NAME.findall(expression)}
        self.assertGreater(len(asked), 15)
        self.assertGreater(len(names), 12)
        self.assertEqual(names - families, set())
        self.stop_cleanly()

    @needs_prometheus
    def test_the_rules_are_good(self):
        rules = os.path.join(DATA, "prometheus", "homenode.rules.yml")
        answer = subprocess.run([PROMTOOL, "check", "rules", rules], capture_output=True, text=True, check=False)
        self.assertEqual(answer.returncode, 0, answer)
        self.assertIn("SUCCESS: 7 rules found", answer.stdout)

    @needs_prometheus
    def test_the_rules_fire_when_they_should(self):
        """What tests/integration/alerts.yml says of made-up series."""
        alerts = os.path.join(os.path.dirname(os.path.abspath(__file__)), "alerts.yml")
        answer = subprocess.run([PROMTOOL, "test", "rules", alerts], capture_output=True, text=True, check=False)
        self.assertEqual(answer.returncode, 0, answer.stdout + answer.stderr)
        self.assertIn("SUCCESS", answer.stdout)

    def test_no_size_of_base_pages_is_taken_for_granted(self):
        for name in ("grafana/homenode.json", "prometheus/homenode.rules.yml"):
            with open(os.path.join(DATA, name), encoding="utf-8") as file:
                self.assertNotRegex(file.read(), r"page!?=~?\\?\"")

    def ask(self, port, path, **parameters):
        url = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10 * SLOWER) as answer:
            return json.load(answer)["data"]

    def start_prometheus(self):
        port, folder = free_port(), os.path.join(self.host.folder, "prometheus")
        os.mkdir(folder)
        with open(f"{folder}/prometheus.yml", "w", encoding="utf-8") as file:
            file.write("global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
                       f"rule_files: ['{DATA}/prometheus/homenode.rules.yml']\n"
                       "scrape_configs: [{job_name: homenode, static_configs: "
                       f"[{{targets: ['127.0.0.1:{self.port}']}}]}}]\n")
        with open(f"{folder}/log", "w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [PROMETHEUS, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                 f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
        self.host.processes.append(process)
        return port

    @needs_prometheus
    @needs_qemu
    def test_a_real_prometheus(self):
        self.host.start()
        self.host.qemu("web")
        report = self.host.wait_guest("web", lambda r: r["home"] and r["locality"], "has a home and a locality")
        port = self.start_prometheus()

        def value(query):
            try:
                found = self.ask(port, "query", query=query)["result"]
            except OSError:
                return None
            return float(found[0]["value"][1]) if found else None

        wait_for("Prometheus has scraped", lambda: value('up{job="homenode"}') == 1, limit=40)
        locality = wait_for("the guest's locality", lambda: value('homenode_guest_locality_ratio{guest="web"}'))
        report = self.host.guest("web")
        self.assertAlmostEqual(locality, report["locality"]["value"], delta=0.1)
        memory = value('sum({__name__=~"homenode_guest_(memory|absent|unknown)_bytes",guest="web"})')
        self.assertAlmostEqual(memory, 128 << 20, delta=1 << 12)
        before = value("homenode_looks_total")
        wait_for("the looks go on", lambda: value("homenode_looks_total") > before)
        self.assertEqual(self.ask(port, "targets")["activeTargets"][0]["lastError"], "")
        groups = self.ask(port, "rules")["groups"]
        self.assertEqual([rule["health"] for group in groups for rule in group["rules"] if rule["health"] == "err"], [])
        with open(os.path.join(DATA, "grafana", "homenode.json"), encoding="utf-8") as file:
            dashboard = json.load(file)
        for expression in expressions(dashboard):
            if not expression.startswith("label_values"):
                self.ask(port, "query", query=expression.replace("$instance", ".*").replace("$guest", ".*"))
        # what is asked for without a fault must be there, too
        self.assertGreater(value('count(homenode_guest_memory_bytes{instance=~".*",guest=~".*"})'), 0)
        self.stop_cleanly()


if __name__ == "__main__":
    unittest.main()
