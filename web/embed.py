#!/usr/bin/env python3
"""
Writes files into a C source as the table that web/asset.c answers from: bytes, type, and a tag that changes with them.

usage: embed.py OUTPUT FILE...
"""
import hashlib
import pathlib
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".svg": "image/svg+xml"}


def array(number, data):
    lines = [", ".join(str(byte) for byte in data[at:at + 24]) for at in range(0, len(data), 24)]
    return f"static const unsigned char data_{number}[] = {{\n\t" + ",\n\t".join(lines) + "};\n"


def main(output, *names):
    files = [pathlib.Path(name) for name in names]
    contents = [file.read_bytes() for file in files]
    text = '#include "web/asset.h"\n\n' + "".join(array(i, data) for i, data in enumerate(contents))
    text += "\nconst struct hn_asset hn_assets[] = {\n"
    for i, (file, data) in enumerate(zip(files, contents)):
        tag = hashlib.sha256(data).hexdigest()[:16]
        text += f'\t{{"{file.name}", "{TYPES[file.suffix]}", "\\"{tag}\\"", data_{i}, sizeof(data_{i})}},\n'
    text += "\t{0}};\n"
    pathlib.Path(output).write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
