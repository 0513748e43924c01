#!/usr/bin/env python3
"""
What a guest says of itself decides nothing: no file of policy/ but reported.c, and no snapshot, reaches model/reported.h through
its includes.

usage: undecided.py SOURCE-ROOT
"""
import pathlib
import re
import sys

KEPT_OUT = "model/reported.h"


def includes(root, file):
    return [name for name in re.findall(r'^#include "([^"]+)"', (root / file).read_text(), re.M) if (root / name).exists()]


def way_to(root, file):
    """The files from this one to what is kept out, or None."""
    ways, todo = {file: [file]}, [file]
    while todo:
        here = todo.pop()
        if here == KEPT_OUT:
            return ways[here]
        for name in includes(root, here):
            if name not in ways:
                ways[name] = ways[here] + [name]
                todo.append(name)
    return None


def main(root):
    root = pathlib.Path(root)
    if way_to(root, "policy/reported.c") is None:
        print(f"policy/reported.c does not reach {KEPT_OUT}: this test sees nothing")
        return 1
    files = ["model/snapshot.h", *(f"policy/{file.name}" for file in sorted((root / "policy").glob("*.c")))]
    ways = [way for file in files if file != "policy/reported.c" and (way := way_to(root, file))]
    for way in ways:
        print(f"{' -> '.join(way)}: decisions are not to be made on what a guest says of itself")
    return 1 if ways else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
