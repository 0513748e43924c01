"""The completions of bash, zsh and fish offer what homenode --help and homenode COMMAND --help tell, no more and no less."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

HOMENODE = os.environ["HOMENODE"]
ROOT = pathlib.Path(os.environ["PACKING_TRACE"]).parent.parent
DATA = ROOT / "data"
DRAWN = ("top", "watch")  # for people

# Stands in for zsh's own functions: says what was offered, and leads into the branch of the command.
ZSH = r"""
_describe() { print -rl -- "${(@P)2%%:*}" }
_arguments() {
    if [[ $1 == -C ]]; then shift; state=$wanted; [[ $wanted == command ]] || return 0; fi
    print -rl -- "$@"
}
"""


def run(*arguments, **options):
    done = subprocess.run([str(word) for word in arguments], capture_output=True, text=True, timeout=60, check=False, **options)
    assert done.returncode == 0, done
    return done.stdout


def long_options(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def helped(*command):
    """The options that a help describes, each in a line of its own."""
    text = run(HOMENODE, *command, "--help")
    found = set(re.findall(r"(?m)^ +(?:-\w, )?(--[a-z-]+)", text))
    if command:
        found |= {"--help"} if command[0] in DRAWN else {"--json", "--help"}
    return found


def commands():
    return re.findall(r"(?m)^  ([a-z]+) {2,}\S", run(HOMENODE, "--help"))


class Written(unittest.TestCase):
    def test_zsh_and_fish_are_as_the_help_is_now(self):
        with tempfile.TemporaryDirectory() as folder:
            run("python3", ROOT / "tools/make-completions", HOMENODE, folder)
            for name in ("homenode.zsh", "homenode.fish"):
                self.assertEqual((DATA / name).read_text(encoding="utf-8"), pathlib.Path(folder, name).read_text(encoding="utf-8"),
                                 f"data/{name} is old: tools/make-completions {HOMENODE}")

    def test_no_description_ends_within_parentheses(self):
        for name in ("homenode.zsh", "homenode.fish"):
            for line in (DATA / name).read_text(encoding="utf-8").splitlines():
                if match := re.search(r"(?:--[a-z-]+|\}')\[(.*)\]" if name.endswith("zsh") else r" -d '(.*)'", line):
                    self.assertEqual(match[1].count("("), match[1].count(")"), line)

    def test_what_draws_for_people_refuses_json(self):
        for command in DRAWN:
            done = subprocess.run([HOMENODE, command, "--json"], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn("draws for people", done.stderr)

    def test_the_words_that_options_take_are_those_of_the_help(self):
        for option, command in (("class", "fit"), ("kind", "history"), ("format", "topology")):
            text = run(HOMENODE, command, "--help")
            completion = (DATA / "homenode.fish").read_text(encoding="utf-8")
            (words,) = re.findall(rf"-l {option} -x -a '([a-z ]+)'", completion)
            for word in words.split():
                self.assertRegex(text, rf"\b{word}\b")


class Shells(unittest.TestCase):
    """What the shells themselves make of it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="homenode-completions-")
        self.addCleanup(folder.cleanup)
        # no daemon answers, so what is offered are options and words
        self.environment = dict(os.environ, PATH=f"{pathlib.Path(HOMENODE).parent}:{os.environ['PATH']}", HOME=folder.name,
                                XDG_CONFIG_HOME=folder.name, XDG_DATA_HOME=folder.name,
                                HOMENODE_SOCKET=f"{folder.name}/nobody")

    def needs(self, shell):
        if not shutil.which(shell):
            self.skipTest(f"{shell} is not installed")

    def compare(self, offered):
        """offered(words) is the text that is offered behind homenode and these words."""
        self.assertGreater(len(commands()), 20)
        self.assertLessEqual(set(commands()), set(offered([""]).split()))
        for command in commands():
            self.assertEqual(long_options(offered([command, "--"])), helped(command), command)

    def make_guests(self):
        """In the way of homenode: one that knows guests with blanks and quotes in their names."""
        names = ["web 1", "db", "it's \\"]
        reports = [{"guest": {"name": name, "uuid": "", "threads": [{"name": "no guest"}]}, "problem": ""} for name in names]
        folder = pathlib.Path(self.environment["HOME"])
        (folder / "guests.json").write_text(json.dumps({"guests": reports, "next": None}, separators=(",", ":")), encoding="utf-8")
        (folder / "homenode").write_text(f'#!/bin/sh\n[ "$*" = "--json guests" ] && exec cat {folder}/guests.json\n'
                                         f'exec {pathlib.Path(HOMENODE).resolve()} "$@"\n', encoding="utf-8")
        (folder / "homenode").chmod(0o755)
        self.environment["PATH"] = f"{folder}:{self.environment['PATH']}"
        return names

    def ask_bash(self, *words):
        line = " ".join(f"'{word}'" for word in ["homenode", *words])
        return run("bash", "-c", f"source {DATA}/homenode.bash; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _homenode; "
                   "printf '%s\\n' \"${COMPREPLY[@]}\"", env=self.environment).split("\n")

    def test_names_of_guests_in_bash(self):
        self.needs("bash")
        self.make_guests()
        self.assertLessEqual({"web\\ 1", "db", "it\\'s\\ \\\\"}, set(self.ask_bash("show", "")))
        self.assertEqual([word for word in self.ask_bash("show", "web\\ ") if word], ["web\\ 1"])
        self.assertIn("db", self.ask_bash("check", "--guest", ""))

    def test_names_of_guests_in_fish(self):
        self.needs("fish")
        names = self.make_guests()
        offered = run("fish", "-c", f"source {DATA}/homenode.fish; __homenode_guests", env=self.environment)
        self.assertEqual(offered.splitlines(), names)

    def test_names_of_guests_in_zsh(self):
        self.needs("zsh")
        names = self.make_guests()
        offered = run("zsh", "-f", "-c", "compadd() { print -rl -- ${(P)2} }\nwords=(_); _arguments() { :; }\n"
                      f"source {DATA}/homenode.zsh; _homenode_guests", env=self.environment)
        self.assertEqual(offered.splitlines(), names)

    def test_what_short_options_take_in_bash(self):
        self.needs("bash")
        for words in (("window", "-f", ""), ("watch", "-t", ""), ("events", "-s", ""), ("history", "-s", "")):
            self.assertEqual("".join(self.ask_bash(*words)), "", words)
        self.assertIn("hwloc", self.ask_bash("topology", "-f", ""))
        self.assertIn("moves", self.ask_bash("history", "-k", ""))

    def test_bash(self):
        self.needs("bash")

        def offered(words):
            line = " ".join(f"'{word}'" for word in ["homenode", *words])
            return run("bash", "-c", f"source {DATA}/homenode.bash; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _homenode; "
                       "printf '%s\\n' \"${COMPREPLY[@]}\"", env=self.environment)

        self.compare(offered)
        self.assertLessEqual(helped(), long_options(offered([""])))

    def test_fish(self):
        self.needs("fish")

        def offered(words):
            text = run("fish", "-c", f"source {DATA}/homenode.fish; complete -C 'homenode {' '.join(words)}'", env=self.environment)
            return "\n".join(line.split("\t")[0] for line in text.splitlines())

        self.compare(offered)
        self.assertEqual(long_options(offered(["--"])), helped())
        self.assertEqual(offered(["history", "--kind", ""]).split(), ["decisions", "moves", "samples"])

    def test_zsh(self):
        self.needs("zsh")

        def offered(words):
            wanted = "argument" if words != [""] else "command"
            text = run("zsh", "-f", "-c", f"{ZSH}\nwanted={wanted}; words=({words[0] or '_'}); source {DATA}/homenode.zsh",
                       env=self.environment)
            return re.sub(r"\[.*\]", "", text)  # sentences, which may name other options

        self.compare(offered)
        self.assertLessEqual(helped(), long_options(offered([""])))


if __name__ == "__main__":
    unittest.main()
