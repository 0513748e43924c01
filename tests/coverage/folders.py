#!/usr/bin/env python3
"""A table of how many lines of each folder have run in a build folder with -Db_coverage=true; fails under what is demanded.

usage: folders.py SOURCE-ROOT BUILD-FOLDER
"""

import json
import os
import pathlib
import subprocess
import sys

DEMANDED = {"policy": 85, "model": 85, "qmp": 85, "host": 85}  # percent of lines


def main(root, build):
    asked = ["gcovr", "--root", root, "--object-directory", build, "--exclude", "build/", "--exclude", "tests/", "--json-summary",
             "-j", str(os.cpu_count()), build]
    done = subprocess.run(asked, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"coverage: gcovr failed:\n{done.stderr}")
    folders, worst = {}, {}
    for file in json.loads(done.stdout)["files"]:
        folder = pathlib.PurePath(file["filename"]).parts[0]
        lines, covered = folders.get(folder, (0, 0))
        folders[folder] = (lines + file["line_total"], covered + file["line_covered"])
        worst.setdefault(folder, []).append((file["line_total"] - file["line_covered"], file["filename"]))
    print(f"{'FOLDER':<10}{'LINES':>8}{'RUN':>8}{'SHARE':>9}")
    failed = [folder for folder in DEMANDED if folder not in folders]
    for folder, (lines, covered) in sorted(folders.items()):
        share = 100 * covered / max(lines, 1)
        demanded = DEMANDED.get(folder)
        print(f"{folder:<10}{lines:>8}{covered:>8}{share:>7.1f} %" + (f"  of {demanded} % at least" if demanded else ""))
        if demanded and share < demanded:
            failed.append(folder)
    for folder in failed:
        print(f"\ntoo little of {folder} has run; most lines that have not are in:")
        for missed, name in sorted(worst.get(folder, []), reverse=True)[:8]:
            print(f"  {missed:>5}  {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    sys.exit(main(*sys.argv[1:]))
