#!/usr/bin/env python3
"""clang-tidy and cppcheck over the project's own sources; fails with every finding that the file accepted does not tell of.

usage: lint.py {clang-tidy | cppcheck} SOURCE-ROOT BUILD-FOLDER    the folder is configured by clang, its generated files are made

Which checks of clang-tidy there are is said by the file checks. A line of accepted is FILE, CHECK, what is said (or * for all of
that check's), and why it is not mended, with | between them. One that is not found any more fails, too.
"""

import concurrent.futures
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
FINDING = re.compile(r"^(?P<file>[^\s:][^:]*):(?P<line>\d+):\d+: (?:warning|error|style|portability|performance): "
                     r"(?P<text>.*) \[(?P<checks>[\w.,-]+)\]$")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def lines_of(name):
    text = (HERE / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def read_checks():
    """clang-tidy's pattern from the file checks: one a line, and behind it, for those left out, why."""
    return ",".join(line.split("|")[0].strip() for line in lines_of("checks"))


def sources(root, build):
    """The sources of the project that the build folder compiles, but for the tests."""
    with open(build / "compile_commands.json", encoding="utf-8") as file:
        found = {os.path.normpath(os.path.join(unit["directory"], unit["file"])) for unit in json.load(file)}
    return sorted(path for path in found if pathlib.Path(path).is_relative_to(root)
                  and pathlib.Path(path).relative_to(root).parts[0] not in ("tests", "build"))


def findings_of(output, root, build):
    """{(file, check, text): place}; headers of others are not looked at."""
    found = {}
    for line in COLOUR.sub("", output).splitlines():
        if match := FINDING.match(line):
            path = pathlib.Path(os.path.normpath(build / match["file"]))
            if path.is_relative_to(root) and not path.is_relative_to(root / "build"):
                name = str(path.relative_to(root))
                for check in match["checks"].split(","):
                    if check != "-warnings-as-errors":
                        found[name, check, match["text"]] = f"{name}:{match['line']}"
    return found


def run(command, root, build):
    done = subprocess.run(command, cwd=build, capture_output=True, text=True, check=False)
    found = findings_of(done.stdout + done.stderr, root, build)
    if done.returncode and not found:
        sys.exit(f"lint: {' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return found


def clang_tidy(root, build):
    common = ["clang-tidy-14", "--quiet", "-p", build, f"--checks={read_checks()}", f"--header-filter={root}/[a-z]+/.*",
              "--extra-arg=-Wno-macro-redefined"]
    told = [f"--extra-arg=-include{HERE / 'analyzer.h'}"]
    # where the functions are that it tells of
    own = {str(root / "base/error.c"): [], str(root / "xml/element.c"): [*told, "--extra-arg=-DDEFINES_XML_FAIL"]}
    found = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for some in pool.map(lambda path: run([*common, *own.get(path, told), path], root, build), sources(root, build)):
            found.update(some)
    return found


def cppcheck(root, build):
    # it does not read the system's headers, and takes lists for what they are only when it sees their macros
    asked = subprocess.run(["cc", "-E", "-M", "-x", "c", "-"], input="#include <sys/queue.h>\n", capture_output=True, text=True,
                           check=True)
    queue = next(word for word in asked.stdout.split() if word.endswith("sys/queue.h"))
    return run(["cppcheck", "--project=compile_commands.json", "-i", root / "tests", f"-j{os.cpu_count()}", "--quiet",
                "--enable=warning,portability", "--error-exitcode=1", "-D__GNUC__", f"--include={queue}",
                f"--include={HERE / 'cppcheck.h'}",
                "--template={file}:{line}:{column}: {severity}: {message} [{id}]"], root, build)


TOOLS = {"clang-tidy": clang_tidy, "cppcheck": cppcheck}


def main(tool, root, build):
    root, build = pathlib.Path(root).resolve(), pathlib.Path(build).resolve()
    count = len(sources(root, build))
    if count < 100:
        sys.exit(f"lint: only {count} sources are found")
    found = TOOLS[tool](root, build)
    accepted = [[part.strip() for part in line.split("|")] for line in lines_of(f"accepted-{tool}")]
    for entry in accepted:
        if len(entry) != 4 or len(entry[3].split()) < 3:
            sys.exit(f"lint: accepted-{tool}: a file, a check, what is said and why, not {entry}")
    used, left = set(), []
    for (name, check, text), place in sorted(found.items()):
        covers = [index for index, (path, kind, says, _) in enumerate(accepted)
                  if fnmatch.fnmatchcase(name, path) and kind == check and says in ("*", text)]
        used.update(covers)
        if not covers:
            left.append(f"{place}: {text} [{check}]")
    stale = [" | ".join(entry[:3]) for index, entry in enumerate(accepted) if index not in used]
    print("\n".join([*left, *(f"accepted, and not found any more: {entry}" for entry in stale)]))
    print(f"{tool}: {count} files, {len(left)} findings, {len(found) - len(left)} accepted")
    return 1 if left or stale else 0


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in TOOLS:
        sys.exit(__doc__.strip())
    sys.exit(main(*sys.argv[1:]))
