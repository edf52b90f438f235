#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""The tarball and the programs are the same bytes, whoever makes them.

Makes them of two clones of the last commit that differ in place, time, umask,
locale and time zone, and the tarball once more of the tarball.
"""

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, os.path.join(TOP, "tests", "servers"))

from servers import Missing  # noqa: E402
from tap import Tap, equal  # noqa: E402

# What autoreconf makes, and what only a checkout has
GENERATED = {"Makefile.in", "aclocal.m4", "configure", "build-aux/ar-lib",
             "build-aux/compile", "build-aux/depcomp",
             "build-aux/install-sh", "build-aux/missing",
             "build-aux/tap-driver.sh"}
NOT_IN = {".gitignore"}
OTHER = {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TZ": "Pacific/Kiritimati"}
LONG_AGO = 1000000000
CLEAN = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "SOURCE_DATE_EPOCH")


class Place:
    """A source tree, and where it is built; in itself, if there is no sub."""

    def __init__(self, source, sub, umask, env):
        self.source, self.umask = source, umask
        self.build = os.path.join(source, sub)
        self.env = {**os.environ, **env}
        for name in CLEAN:
            self.env.pop(name, None)

    def run(self, *words, where=None):
        done = subprocess.run(
            words, cwd=where or self.build, env=self.env, text=True,
            umask=self.umask, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout[-3000:]

    def age(self):
        """The files of a checkout have the time at which it was made."""
        for number, path in enumerate(git("ls-files").split("\n")):
            when = LONG_AGO + number % 7
            os.utime(os.path.join(self.source, path), (when, when))

    def make(self, *targets):
        if not os.path.exists(os.path.join(self.source, "configure")):
            self.run("autoreconf", "-i", where=self.source)
        os.makedirs(self.build, exist_ok=True)
        if not os.path.exists(os.path.join(self.build, "Makefile")):
            self.run(os.path.join(os.path.relpath(self.source, self.build),
                                  "configure"), "-q")
        self.run("make", "-s", f"-j{os.cpu_count()}", *targets)

    def tarball(self):
        found = [name for name in os.listdir(self.build)
                 if name.endswith(".tar.gz")]
        equal(len(found), 1)
        return os.path.join(self.build, found[0])


def git(*words):
    return subprocess.run(["git", "-C", TOP, *words], check=True, text=True,
                          capture_output=True).stdout.strip()


def clone(path):
    subprocess.run(["git", "clone", "-q", TOP, path], check=True,
                   capture_output=True)
    return path


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def is_complete(tarball):
    with tarfile.open(tarball) as archive:
        names = {member.name.partition("/")[2] for member in archive
                 if not member.isdir()}
    tracked = set(git("ls-tree", "-r", "-z", "--name-only",
                      "HEAD").strip("\0").split("\0"))
    equal(sorted(names ^ (tracked | GENERATED) - NOT_IN), [])


def is_nobodys(tarball):
    """No name, number, time or mode of whoever made it."""
    with tarfile.open(tarball) as archive:
        members = archive.getmembers()
    equal({(member.uid, member.gid, member.uname, member.gname)
           for member in members}, {(0, 0, "", "")})
    equal({int(member.mtime) for member in members},
          {int(git("log", "-1", "--format=%ct"))})
    equal({member.mode for member in members} - {0o644, 0o755}, set())
    names = [member.name for member in members]
    equal(len(names), len(set(names)))
    with open(tarball, "rb") as file:
        head = file.read(10)
    equal(head[3:8], bytes(5))  # neither a name nor a time


def are_same(one, other):
    equal(digest(one), digest(other))


def programs_of(place):
    """What would be installed, by its path below the build directory."""
    found = {}
    for parent, _, names in os.walk(place.build):
        for name in names:
            path = os.path.join(parent, name)
            where = os.path.relpath(path, place.build)
            if (where.split("/")[0] not in ("tests", "build-aux")
                    and os.access(path, os.X_OK)):
                with open(path, "rb") as file:
                    if file.read(4) == b"\x7fELF":
                        found[where] = digest(path)
    return found


def same_programs(one, other):
    found = programs_of(one)
    assert len(found) > 10, found
    equal(found, programs_of(other))


def unpack(tarball, directory):
    subprocess.run(["tar", "-C", directory, "-xf", tarball], check=True)
    return os.path.join(directory, os.listdir(directory)[0])


def tested(tap):
    if not os.path.exists(os.path.join(TOP, ".git")):
        raise Missing("this is no checkout of git")
    with tempfile.TemporaryDirectory(prefix="vk-dist-") as directory:
        one = Place(clone(os.path.join(directory, "one")), "build", 0o022,
                    {"LC_ALL": "C", "TZ": "UTC"})
        os.makedirs(os.path.join(directory, "another", "place"))
        two = Place(clone(os.path.join(directory, "another/place/src")), "",
                    0o077, OTHER)
        two.age()
        one.make("all", "dist")
        two.make("all", "dist")
        tap.check("what is in git is in the tarball, and nothing else",
                  is_complete, one.tarball())
        tap.check("the tarball tells nothing of who made it", is_nobodys,
                  one.tarball())
        tap.check("two clones make the same tarball", are_same,
                  one.tarball(), two.tarball())
        tap.check("two clones make the same programs", same_programs, one,
                  two)
        os.mkdir(os.path.join(directory, "unpacked"))
        three = Place(unpack(one.tarball(),
                             os.path.join(directory, "unpacked")), "build",
                      0o027, {"TZ": "America/Caracas"})
        three.make("dist")
        tap.check("the tarball makes the same tarball", are_same,
                  one.tarball(), three.tarball())


def main():
    tap = Tap()
    tap.attempt(tested, tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
