#!/usr/bin/env python3
"""Words that are misspelt: codespell's, but for those in the file words, which are meant as they are."""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
root = pathlib.Path(sys.argv[1])
# what is in git, where this is a clone; a tarball has nothing else in it
listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False)
files = listed.stdout.split("\0") if listed.returncode == 0 else [str(path.relative_to(root)) for path in root.rglob("*")]
readable = [name for name in files if (root / name).is_file() and not name.startswith((".git/", "build/", "tests/fuzz/corpus/"))
            and not name.endswith(".png")]
if not readable:
    sys.exit("spelling: there are no files")
done = subprocess.run(["codespell", "--ignore-words", str(HERE / "words"), "--", *readable], cwd=root, check=False)
sys.exit(done.returncode)
