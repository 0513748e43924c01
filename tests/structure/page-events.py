#!/usr/bin/env python3
"""
A browser hands on only the events that the page has asked for by name, and the page has words for each: both lists against
the daemon's.

usage: page-events.py SOURCE-ROOT
"""
import pathlib
import re
import sys


def one(pattern, text):
    (found,) = re.findall(pattern, text, re.S)
    return found


def main(root):
    root = pathlib.Path(root)
    daemon = (root / "daemon/events.c").read_text(encoding="utf-8")
    page = (root / "data/page/host.js").read_text(encoding="utf-8")
    told = re.findall(r'"([a-z-]+)"', one(r"type_names\[\w+\] = \{(.*?)\};", daemon))
    heard = re.findall(r'"([a-z-]+)"', one(r"const EVENTS = \[(.*?)\];", page))
    said = re.findall(r'^\t"?([a-z-]+)"?: ', one(r"\nconst TOLD = \{\n(.*?)\n\};", page), re.M)
    if len(told) < 10:
        print("daemon/events.c reads otherwise than this test expects")
        return 1
    wrong = [f"EVENTS of data/page/host.js: {name} is in one of it and daemon/events.c alone" for name in set(told) ^ set(heard)]
    # a gap says what is missing, and is no line of its own
    wrong += [f"TOLD of data/page/host.js: {name} is in one of it and daemon/events.c alone" for name in set(told) - {"gap"} ^ set(said)]
    print("\n".join(sorted(wrong)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
