#!/usr/bin/env python3
"""What stands in for a library that is not there defines all that the header declares: stand-ins.py SOURCE_FOLDER"""

import pathlib
import re
import sys

STAND_INS = (("virt/virt.h", "virt/absent.c"), ("cli/screen.h", "cli/screen-absent.c"), ("base/notify.h", "base/notify-absent.c"))


def functions(path, end):
    """Names in front of the parentheses of declarations (end is ";") or definitions ("{") at the beginning of a line."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return set(re.findall(rf"^(?!static|typedef)\w[\w \t*]*?\b(hn_\w+)\([^;{{}}]*\)[^;{{}}()]*{re.escape(end)}", text, re.MULTILINE))


def main():
    root = pathlib.Path(sys.argv[1])
    failed = False
    for header, source in STAND_INS:
        declared = functions(root / header, ";")
        if not declared:
            print(f"{header} declares nothing that can be read")
            failed = True
        for name in sorted(declared - functions(root / source, "{")):
            print(f"{source} does not define {name}(), which {header} declares")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
