#!/usr/bin/env python3
"""
The folder table of docs/architecture.md against the sources: what a folder includes of another is among what it may use,
and every folder with sources has a row.

usage: includes.py SOURCE-ROOT
"""
import pathlib
import re
import sys

SKIPPED = 77


def rows(text):
    """[(folder, may use)] in the table's order: the rows under a heading "| folder | ... | may use | ..."."""
    found, column = [], None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.strip().startswith("|"):
            column = None
        elif "folder" in cells and "may use" in cells:
            column = cells.index("may use")
        elif column is not None and not set(line.strip()) <= set("|-: "):
            found.append((cells[0].strip("`/ "), re.sub(r"\([^)]*\)", "", cells[column])))
    return found


def allowed_by(table):
    """{folder: folders it may include}; "all above" are the folders of the rows above."""
    folders = [folder for folder, _ in table]
    allowed = {}
    for index, (folder, may_use) in enumerate(table):
        words = set(re.findall(r"[\w-]+", may_use))
        allowed[folder] = {folder} | (words & set(folders))
        if "all above" in may_use:
            allowed[folder] |= set(folders[:index])
    return allowed


def sources(root):
    """{folder: files}: C files in folders of the root that are the project's."""
    found = {}
    for folder in sorted(root.iterdir()):
        if folder.is_dir() and (folder / "meson.build").exists() and not folder.name.startswith("."):
            files = sorted(file for file in folder.rglob("*.[ch]") if file.is_file())
            if files:
                found[folder.name] = files
    return found


def main(root):
    root = pathlib.Path(root)
    page = root / "docs" / "architecture.md"
    if not page.exists():
        print("skipped: docs/architecture.md is not there")
        return SKIPPED
    allowed = allowed_by(rows(page.read_text()))
    if "policy" not in allowed or "model" not in allowed["policy"]:
        print(f"{page}: no folder table with a row of policy/, which may use model")
        return 1

    failures = checked = 0
    found = sources(root)
    for folder, files in found.items():
        if folder not in allowed:
            print(f"{folder}/ has sources and no row in {page}")
            failures += 1
            continue
        for file in files:
            for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
                match = re.match(r'\s*#\s*include\s*"([^"/]+)/', line)
                if not match:
                    continue
                checked += 1
                other = match.group(1)
                if other in allowed and other not in allowed[folder]:
                    print(f"{file}:{number}: {folder}/ may not use {other}/")
                    failures += 1
                elif other not in allowed and not (file.parent / other).is_dir():
                    print(f"{file}:{number}: {other}/ is not in the table")
                    failures += 1
    print(f"{checked} includes of {len(found)} folders looked at, {failures} failures")
    return 1 if failures or not checked else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
