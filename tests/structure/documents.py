#!/usr/bin/env python3
"""
What the documentation says against what the programs and sources say: options of --help and man page, subcommands, keys and
defaults of the configuration, routes of the API and of homenode-fleetd, homenode-fleetd's metrics, links between pages.
(Metrics of homenoded: tests/unit/daemon/test-metrics.c. Completions: tests/unit/cli/test-completions.py. Answers of the
API against data/openapi.yaml: tests/integration/contract.py.)

usage: HOMENODE=... HOMENODED=... FLEETD=... documents.py SOURCE-ROOT
"""
import os
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1))
DOCS = ROOT / "docs"
METHODS = ("get", "put", "post", "delete", "patch")


def said(program, *arguments):
    return subprocess.run([os.environ[program], *arguments], capture_output=True, text=True, timeout=60, check=True).stdout


def read(*path):
    return ROOT.joinpath(*path).read_text(encoding="utf-8")


def options_in_help(text):
    """Those described in lines of their own."""
    return set(re.findall(r"(?m)^ +(?:-\w, )?(--[a-z][a-z-]*)", text))


def options_in_page(text):
    """Those in the headings of paragraphs, which begin a line: *-n*, *--name* _VALUE_."""
    headings = re.findall(r"(?m)^\t*(\*-.*)$", text)
    return {option for line in headings for option in re.findall(r"\*(--[a-z][a-z-]*)\*", line)}


def commands():
    return re.findall(r"(?m)^  ([a-z]+) {2,}\S", said("HOMENODE", "--help"))


def part_of(page, command):
    """The paragraphs of a subcommand; pause, resume and cancel share one."""
    parts = re.split(r"(?m)^(?=\*[a-z]+\*)", page.split("# COMMANDS")[1].split("# OPTIONS")[0])
    return "".join(part for part in parts if f"*{command}*" in part.splitlines()[0])


class Options(unittest.TestCase):
    def test_of_each_subcommand(self):
        page = read("docs/man/homenode.1.scd")
        self.assertGreater(len(commands()), 20)
        for command in commands():
            part = part_of(page, command)
            self.assertTrue(part, f"homenode(1) has no paragraph on {command}")
            self.assertEqual(options_in_page(part), options_in_help(said("HOMENODE", command, "--help")), f"homenode {command}")
            self.assertRegex(page.split("# DESCRIPTION")[0], rf"[*|]{command}\*", f"{command} is not in the synopsis")

    def test_no_subcommand_is_told_of_that_is_not_there(self):
        told = set(re.findall(r"(?m)^\*([a-z]+)\*(?:, \*[a-z]+\*)* ?", read("docs/man/homenode.1.scd").split("# COMMANDS")[1].split("# OPTIONS")[0]))
        self.assertLessEqual(told, set(commands()))

    def test_of_all_programs(self):
        for program, page in (("HOMENODE", "homenode.1"), ("HOMENODED", "homenoded.8"), ("FLEETD", "homenode-fleetd.8")):
            text = read(f"docs/man/{page}.scd").split("# OPTIONS")[1].split("\n# ")[0]
            self.assertEqual(options_in_page(text), options_in_help(said(program, "--help")), page)

    def test_guides_name_options_and_commands_that_are_there(self):
        for page in sorted(DOCS.glob("*.md")) + [ROOT / "README.md"]:
            text = page.read_text(encoding="utf-8")
            calls = re.findall(r"(?:^ {4,}(?:\$ )?|`)(?:sudo )?homenode ([^`\n|>]*)", text, re.M)
            for call in calls:
                words = call.split("  ")[0].split(" #")[0].split()
                while words and words[0].startswith("-"):
                    words.pop(0)
                if not words or not re.fullmatch(r"[a-z]+", words[0]):
                    continue
                self.assertIn(words[0], commands(), f"{page.name}: homenode {call}")
                known = options_in_help(said("HOMENODE", words[0], "--help")) | options_in_help(said("HOMENODE", "--help"))
                for word in words:
                    if word.startswith("--"):
                        self.assertIn(word.split("=")[0].rstrip(".,;:)"), known, f"{page.name}: homenode {call}")


def sections(text, heading):
    """{section: {key: value}} of lines that heading splits."""
    found, section = {}, None
    for line in text.splitlines():
        if begun := re.match(heading, line):
            section = found.setdefault(begun[1].split()[0], {})
        elif section is not None:
            yield found, section, line
    return


def keys_of_sample():
    found = {}
    for found, section, line in sections(said("HOMENODED", "--print-config"), r"#?\[([^\]]+)\]$"):
        if pair := re.fullmatch(r"#?([a-z_]+) = (.*)", line):
            section[pair[1]] = pair[2]
    return found


def keys_of_page():
    found = {}
    page = read("docs/man/homenode.conf.5.scd").split("# POLICIES")[0]
    for found, section, line in sections(page, r"# \[([^\]]+)\]$"):
        if pair := re.fullmatch(r"((?:\*[a-z_]+\*(?:, )?)+) = _(.*)_", line):
            section.update(dict.fromkeys(re.findall(r"\*([a-z_]+)\*", pair[1]), pair[2]))
    return found


class Configuration(unittest.TestCase):
    def test_keys_and_defaults_of_the_page_are_those_of_the_daemon(self):
        sample, page = keys_of_sample(), keys_of_page()
        self.assertGreater(sum(map(len, sample.values())), 40)
        self.assertEqual(page, sample)

    def test_guides_name_keys_that_are_there(self):
        known = {key for section in keys_of_sample().values() for key in section}
        for page in sorted(DOCS.glob("*.md")) + [ROOT / "README.md"]:
            text = re.sub(r"(?m)^ {4,}\$.*$", "", page.read_text(encoding="utf-8"))
            for block in re.findall(r"(?:^ {4}\[[a-z][^\]\n]*\]\n(?: {4}.*\n|\n(?= {4}))+)", text, re.M):
                for key in re.findall(r"(?m)^ {4}([a-z_]+) =", block):
                    self.assertIn(key, known, page.name)


def routes_of(path, method=r"EVHTTP_REQ_(\w+)"):
    return {(verb.lower(), route) for verb, route in re.findall(rf'\{{{method}, "(/[^"]*)"', read(path))}


class Routes(unittest.TestCase):
    def test_openapi_has_those_of_the_daemon(self):
        told, path = set(), None
        for line in read("data/openapi.yaml").split("\ncomponents:")[0].splitlines():
            if begun := re.match(r"  (/.*):$", line):
                path = re.sub(r"\{\w+\}", "*", begun[1])
            elif (verb := re.match(r"    (\w+):$", line)) and verb[1] in METHODS and path:
                told.add((verb[1], path))
        self.assertGreater(len(told), 30)
        self.assertEqual(told, routes_of("daemon/api-routes.c"))

    def test_the_page_of_the_api_has_those_of_the_daemon(self):
        self.assert_told("docs/api.md", routes_of("daemon/api-routes.c"))

    def test_the_page_of_the_fleet_has_those_of_homenode_fleetd(self):
        routes = {(verb, re.sub(r"(?<=.)/$", "/*", route)) for verb, route in routes_of("fleet/listener.c")}
        self.assertGreater(len(routes), 8)
        self.assert_told("docs/fleet.md", routes)

    def assert_told(self, page, routes):
        """Tables have | `VERB /path?query` and, behind a comma, `/other` of the same verb; the last part may be left out before it."""
        told = set()
        for row in re.findall(r"(?m)^\| ((?:`[^`]+`(?:, )?)+) \|", read(page)):
            verb, before = "", ""
            for item in re.findall(r"`([^`]+)`", row):
                words = item.split()
                if len(words) == 2:
                    verb, path = words[0].lower(), words[1].split("?")[0]
                    before = path.rsplit("/", 1)[0]
                else:
                    path = words[0].split("?")[0]
                path = re.sub(r"\b[A-Z]+\b", "*", path)
                told |= {(verb, path), (verb, re.sub(r"\b[A-Z]+\b", "*", before) + path)}
        self.assertEqual(sorted(routes - told), [], page)


class Metrics(unittest.TestCase):
    def test_of_the_fleet(self):
        families = set(re.findall(r'"homenode_fleet_(\w+)"', read("fleet/api-metrics.c")))
        text = read("docs/metrics.md").split("## homenode-fleetd")[1]
        self.assertGreater(len(families), 10)
        for family in families:
            self.assertRegex(text, rf"`(homenode_fleet)?_{family}`")


class Version(unittest.TestCase):
    def test_is_one_everywhere(self):
        (version,) = re.findall(r"(?m)^ +version: '([^']+)',$", read("meson.build"))
        for path, pattern in (("NEWS.md", r"(?m)^## (\S+)"), ("debian/changelog", r"^homenode \(([^)]+)\)"),
                              ("packaging/homenode.spec", r"(?m)^Version: +(\S+)"),
                              ("packaging/homenode.spec", r"(?m)^\* .* (\S+)-1$")):
            self.assertEqual(re.findall(pattern, read(path))[0], version, path)
        for program in ("HOMENODE", "HOMENODED", "FLEETD"):
            self.assertEqual(said(program, "--version").split()[-1], version)


class Links(unittest.TestCase):
    def test_lead_somewhere(self):
        for page in [*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md")), ROOT / "bench/README.md", ROOT / "tests/rig/README.md"]:
            for target in re.findall(r"\]\(([^)\s#]+)", page.read_text(encoding="utf-8")):
                if "://" not in target:
                    self.assertTrue((page.parent / target).exists(), f"{page.relative_to(ROOT)}: {target}")

    def test_every_page_is_found_from_the_readme(self):
        readme = read("README.md")
        for page in sorted(DOCS.glob("*.md")):
            self.assertIn(f"docs/{page.name}", readme)


if __name__ == "__main__":
    unittest.main()
