#!/usr/bin/env python3
"""What the maintainer scripts of the Debian packages do to a system: packages of a few files, with the scripts as they are in
debian/, are installed, upgraded and removed by dpkg in a root of their own. The scripts are told of that root (DPKG_ROOT); so
that one that forgets it cannot touch this machine, root runs them as nobody.

usage: test_scripts.py SOURCE-ROOT
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ".").resolve()
NUMAD, KEPT, HOOK = "/usr/bin/numad", "/usr/bin/numad.distrib", "/etc/libvirt/hooks/qemu.d/homenode"
OURS = "numad (homenode) 0.1.0\n"
AS = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
# {path: text, or a path that it is a link to}
FILES = {
    "homenode": {"/usr/libexec/homenode-hook": "a hook\n", "/etc/homenode/homenode.conf": "[guests]\n"},
    "homenode-fleet": {"/usr/sbin/homenode-fleetd": "a daemon\n"},
    "homenode-numad": {"/usr/libexec/homenode/numad": OURS, NUMAD: "../libexec/homenode/numad"},
    "numad": {NUMAD: "the real one\n"},
    "others": {NUMAD: "another's\n"},
    # with it, the others cannot be unpacked
    "in-the-way": {"/usr/libexec/homenode-hook": "x\n", "/usr/libexec/homenode/numad": "x\n"},
}


@unittest.skipUnless(shutil.which("dpkg-deb") and shutil.which("dpkg-divert"), "dpkg is not installed")
class Scripts(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="homenode-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.root = self.folder / "root"
        for name in ("updates", "info"):
            (self.root / "var/lib/dpkg" / name).mkdir(parents=True)
        for name in ("status", "available"):
            (self.root / "var/lib/dpkg" / name).touch()
        shutil.copy(SOURCE / "data/numad-diversion", self.folder)
        self.folder.chmod(0o755)
        self.give_away()

    def give_away(self):
        """What was made for dpkg is its user's."""
        for file in (self.root, *self.root.rglob("*")) if AS else ():
            os.chown(file, AS["user"], AS["group"], follow_symlinks=False)

    def path(self, path):
        return self.root / path[1:]

    def text(self, path):
        return self.path(path).read_text(encoding="utf-8")

    def write(self, path, text):
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_text(text, encoding="utf-8")

    def is_there(self, path):
        return os.path.lexists(self.path(path))

    def build(self, package, version):
        tree = self.folder / f"{package}-{version}"
        control = tree / "DEBIAN"
        control.mkdir(parents=True, exist_ok=True)
        for path, content in FILES[package].items():
            file = tree / path[1:]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.unlink(missing_ok=True)
            if content.endswith("\n"):
                file.write_text(content, encoding="utf-8")
            else:
                file.symlink_to(content)
        (control / "control").write_text(
            f"Package: {package}\nVersion: {version}\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n",
            encoding="utf-8")
        conffiles = [path for path in FILES[package] if path.startswith("/etc/")]
        (control / "conffiles").write_text("".join(f"{path}\n" for path in conffiles), encoding="utf-8")
        for script in ("preinst", "postinst", "prerm", "postrm"):
            if (SOURCE / "debian" / f"{package}.{script}").exists():
                shutil.copy(SOURCE / "debian" / f"{package}.{script}", control / script)
                (control / script).chmod(0o755)
        made = self.folder / f"{package}-{version}.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, made], check=True, capture_output=True, timeout=60)
        return made

    def dpkg(self, *arguments, status=0):
        self.give_away()
        done = subprocess.run(
            ["dpkg", f"--root={self.root}", "--force-script-chrootless", "--force-not-root", "--force-bad-path", "--no-triggers",
             "--log=/dev/null", *arguments],
            capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "LC_ALL": "C"}, **AS)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def install(self, *packages, version="1", status=0):
        return self.dpkg("-i", *(self.build(package, version) for package in packages), status=status)

    def divert(self, *arguments):
        self.give_away()
        return subprocess.run(["dpkg-divert", "--root", self.root, *arguments], capture_output=True, text=True, timeout=60,
                              check=True, **AS).stdout.strip()

    def diversion(self):
        """(who has diverted numad, where to), None without."""
        by = self.divert("--listpackage", NUMAD)
        return (by, self.divert("--truename", NUMAD)) if by else None

    def check_nobody(self, package):
        """The package is neither there nor half there: apt has nothing to mend."""
        known = re.search(rf"(?m)^Package: {package}\nStatus: (.*)$", self.text("/var/lib/dpkg/status"))
        self.assertTrue(not known or known[1].endswith(" ok not-installed"), known)


class Numad(Scripts):
    def by_hand(self, *arguments):
        program = self.folder / "numad"
        program.write_text(OURS, encoding="utf-8")
        self.give_away()
        subprocess.run([self.folder / "numad-diversion", *arguments, "--root", self.root, "--from", program], check=True,
                       capture_output=True, timeout=60, **AS)

    def check_installed(self):
        self.assertEqual(self.text("/usr/libexec/homenode/numad"), OURS)
        self.assertEqual(os.readlink(self.path(NUMAD)), "../libexec/homenode/numad")
        self.assertEqual(self.diversion(), ("homenode-numad", KEPT))

    def check_removed(self, text):
        self.assertEqual(self.is_there(NUMAD) and self.text(NUMAD), text)
        self.assertEqual([file.name for file in self.path("/usr/bin").glob("*")], ["numad"] if text else [])
        self.assertIsNone(self.diversion())

    def there_and_back(self, text):
        self.install("homenode-numad")
        self.check_installed()
        self.assertEqual(self.is_there(KEPT) and self.text(KEPT), text)
        self.install("homenode-numad", version="2")
        self.check_installed()
        self.dpkg("-r", "homenode-numad")
        self.check_removed(text)
        self.dpkg("-P", "homenode-numad")
        self.check_removed(text)
        self.check_nobody("homenode-numad")

    def test_there_and_back(self):
        self.install("numad")
        self.there_and_back(FILES["numad"][NUMAD])

    def test_where_there_was_none(self):
        self.there_and_back(False)

    def test_after_it_was_installed_by_hand(self):
        self.install("numad")
        self.by_hand("install")
        self.assertEqual(self.diversion(), ("LOCAL", KEPT))
        self.there_and_back(FILES["numad"][NUMAD])

    def test_after_it_was_installed_by_hand_where_there_was_none(self):
        self.path("/usr/bin").mkdir(parents=True)
        self.by_hand("install")
        self.there_and_back(False)

    def test_numad_is_upgraded_meanwhile(self):
        self.install("numad")
        self.by_hand("install")
        self.install("homenode-numad")
        FILES["numad"][NUMAD] = "a newer one\n"
        self.addCleanup(FILES["numad"].update, {NUMAD: "the real one\n"})
        self.install("numad", version="2")
        self.check_installed()
        self.dpkg("-P", "homenode-numad")
        self.check_removed("a newer one\n")

    def test_one_that_cannot_be_unpacked(self):
        self.install("in-the-way")
        for by_hand in (False, True):
            self.install("numad")
            if by_hand:
                self.by_hand("install")
            self.assertIn("trying to overwrite", self.install("homenode-numad", status=1))
            self.check_removed(FILES["numad"][NUMAD])
            self.check_nobody("homenode-numad")

    def check_refused(self, why):
        before = {file: file.read_bytes() for file in self.path("/usr/bin").glob("*")}, self.diversion()
        self.assertRegex(self.install("homenode-numad", status=1), f"homenode-numad: .*{why}.*; nothing was changed")
        self.assertEqual(({file: file.read_bytes() for file in self.path("/usr/bin").glob("*")}, self.diversion()), before)
        self.check_nobody("homenode-numad")

    def test_diverted_to_elsewhere(self):
        self.install("numad")
        self.divert("--local", "--rename", "--divert", "/usr/bin/numad.mine", "--add", NUMAD)
        self.check_refused("leads /usr/bin/numad to /usr/bin/numad.mine")

    def test_diverted_for_another_program(self):
        self.install("numad")
        self.divert("--local", "--rename", "--divert", KEPT, "--add", NUMAD)
        self.write(NUMAD, "my own\n")
        self.check_refused("a program of its own at /usr/bin/numad")

    def test_diverted_by_another_package(self):
        self.install("numad")
        self.divert("--package", "others", "--rename", "--divert", "/usr/bin/numad.others", "--add", NUMAD)
        self.install("others")
        self.check_refused("the package others has diverted /usr/bin/numad")


class Homenode(Scripts):
    def test_the_hook_is_put_there_once(self):
        self.install("homenode")
        self.assertEqual(os.readlink(self.path(HOOK)), "/usr/libexec/homenode-hook")
        self.install("homenode", version="2")
        self.assertTrue(self.is_there(HOOK))
        self.path(HOOK).unlink()  # who does not want it takes it out
        self.install("homenode", version="3")
        self.assertFalse(self.is_there(HOOK))

    def test_the_hook_goes_and_comes_with_the_package(self):
        self.install("homenode")
        for command in ("-r", "-P"):
            self.dpkg(command, "homenode")
            self.assertFalse(self.is_there("/etc/libvirt"))
            self.install("homenode", version="2")
            self.assertTrue(self.is_there(HOOK))

    def test_what_others_have_put_beside_it_stays(self):
        self.write("/etc/libvirt/hooks/qemu.d/10-mine", "mine\n")
        self.install("homenode")
        self.dpkg("-P", "homenode")
        self.assertEqual(os.listdir(self.path(HOOK).parent), ["10-mine"])

    def test_a_hook_of_another_make_is_left_alone(self):
        self.write(HOOK, "mine\n")
        self.install("homenode")
        self.dpkg("-P", "homenode")
        self.assertEqual(self.text(HOOK), "mine\n")

    def test_one_that_cannot_be_unpacked(self):
        self.install("in-the-way")
        self.assertIn("trying to overwrite", self.install("homenode", status=1))
        self.check_nobody("homenode")
        self.assertFalse(self.is_there("/etc/libvirt"))


class Purge(Scripts):
    def setUp(self):
        super().setUp()
        self.install("homenode", "homenode-fleet")
        self.write("/etc/homenode/fleetd.env", "FLEETD_OPTIONS=\n")
        self.write("/var/lib/homenode/history.db", "much\n")

    def left(self):
        return sorted(os.listdir(self.path("/etc/homenode"))) if self.is_there("/etc/homenode") else None

    def test_of_one_leaves_the_other(self):
        self.write("/etc/homenode/ca.pem", "whose is it\n")
        self.dpkg("-P", "homenode")
        self.assertEqual(self.left(), ["ca.pem", "fleetd.env"])
        self.assertFalse(self.is_there("/var/lib/homenode"))
        self.dpkg("-P", "homenode-fleet")
        self.assertEqual(self.left(), ["ca.pem"])

    def test_the_other_way_round(self):
        self.dpkg("-P", "homenode-fleet")
        self.assertEqual(self.left(), ["homenode.conf"])
        self.assertTrue(self.is_there("/var/lib/homenode"))
        self.dpkg("-P", "homenode")
        self.assertIsNone(self.left())

    def test_of_both_leaves_nothing(self):
        for packages in (("homenode", "homenode-fleet"), ("homenode-fleet", "homenode")):
            self.dpkg("-P", *packages)
            self.assertIsNone(self.left())
            for package in packages:
                self.check_nobody(package)
            self.install("homenode", "homenode-fleet")


if __name__ == "__main__":
    os.umask(0o022)  # nobody reads what root makes
    unittest.main()
