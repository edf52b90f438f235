#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""Runs the golden cases: run.py --build DIR [NAME...]  (see README.md)"""

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../servers"))

import after  # noqa: E402
import casefile  # noqa: E402
import setup  # noqa: E402
from casefile import Expectation, Wrong  # noqa: E402
from desktop import adopt_orphans  # noqa: E402
from process import Command  # noqa: E402
from servers import Missing  # noqa: E402
from tap import Tap  # noqa: E402
from world import Shared, World  # noqa: E402


VERBS = {**vars(setup), **vars(after)}


def perform(kind, world, row):
    """A line of [setup] or [after]."""
    verb, *arguments = row.split()
    function = VERBS.get(f"{kind}_{verb.replace('-', '_')}")
    if function is None:
        raise Wrong(f"[{kind}] has no verb '{verb}'")
    function(world, *arguments)


class Case:
    def __init__(self, world, sections):
        self.world = world
        self.sections = sections

    def run(self):
        """Section after section; those from an [argv] to the next [argv],
        [setup], [file], [conf] or [after] belong together."""
        while self.sections:
            section = self.sections.pop(0)
            try:
                getattr(self, section.kind)(section)
            except Wrong as wrong:
                raise Wrong(f"line {section.number}, [{section.kind}]: "
                            f"{wrong}") from None
            except Missing:
                raise
            except Exception as error:
                raise Wrong(f"line {section.number}, [{section.kind}]: "
                            f"{error!r}") from error

    def fill(self, text):
        return casefile.fill_in(text, self.world.value)

    def bytes_of(self, section):
        return casefile.to_bytes(self.fill(section.text()))

    def conf(self, section):
        self.world.write(self.world.conf, self.bytes_of(section))

    def file(self, section):
        self.world.write(section.argument, self.bytes_of(section))

    def setup(self, section):
        for row in section.rows():
            perform("setup", self.world, self.fill(row))

    def after(self, section):
        for row in section.rows():
            perform("after", self.world, self.fill(row))

    def newconf(self, section):
        """What clients.conf is now."""
        with open(self.world.conf, "rb") as file:
            self.expect(section).check("clients.conf", file.read())

    def newfile(self, section):
        """What a file below the home directory is now."""
        with open(self.world.path(section.argument), "rb") as file:
            self.expect(section).check(section.argument, file.read())

    def expect(self, section):
        text = self.fill(section.text()) if section else ""
        return Expectation(text, self.world.tokens)

    def argv(self, section):
        parts = {}
        while self.sections and self.sections[0].kind in (
                "stdin", "typed", "stdout", "stderr", "screen", "exit"):
            part = self.sections.pop(0)
            parts[part.kind] = part
        stdin, typed = (
            self.bytes_of(parts[kind]) if kind in parts else None
            for kind in ("stdin", "typed"))
        rows = section.rows()
        if len(rows) != 1:
            raise Wrong("it needs one line")
        command = Command(self.world, self.fill(rows[0]))
        command.run(stdin or b"", typed)
        self.compare(command, parts)

    def compare(self, command, parts):
        """All that differs, not only the first."""
        troubles = []
        for kind in "stdout", "stderr", "screen":
            try:
                self.expect(parts.get(kind)).check(
                    kind, getattr(command, kind))
            except Wrong as wrong:
                troubles.append(str(wrong))
        wanted = parts["exit"].text().strip() if "exit" in parts else "0"
        if command.exit != wanted:
            troubles.append(f"exit status {command.exit}, not {wanted}")
        if troubles:
            raise Wrong("\n".join(troubles))


def run_case(tap, shared, path, slow):
    area = os.path.basename(os.path.dirname(path))
    stem = os.path.splitext(os.path.basename(path))[0]
    name = f"{area}: {stem.replace('-', ' ')}"
    start = time.monotonic()
    world = World(shared)
    try:
        Case(world, casefile.read(path)).run()
        tap.passed += 1
        tap.line("ok", name)
    except Missing as reason:
        tap.skip(name, reason)
    except Wrong as wrong:
        tap.failed += 1
        tap.line("not ok", name)
        for line in str(wrong).splitlines():
            print("#", line)
    finally:
        world.end()
    slow.append((time.monotonic() - start, name))


def find_cases(names):
    found = []
    for directory, _, files in os.walk(os.path.join(HERE, "cases")):
        found += [os.path.join(directory, file) for file in files
                  if file.endswith(".txt")]
    return sorted(path for path in found
                  if not names or any(name in path for name in names))


def mount_in_private():
    """Root runs all of this in a mount namespace of its own, so that no
    mount outlives it."""
    if os.getuid() != 0 or "VK_GOLDEN_MOUNTS" in os.environ:
        return
    unshare = ["unshare", "--mount", "--propagation", "private"]
    if not shutil.which("unshare") or subprocess.run(
            [*unshare, "true"], capture_output=True).returncode != 0:
        return
    os.environ["VK_GOLDEN_MOUNTS"] = "1"
    os.execvp("unshare", [*unshare, sys.executable, "-B", *sys.argv])


def take_turn():
    """The kernel keyring is the user's: one run at a time. The lock is on a
    directory that is there anyway, so that no file is left behind."""
    fd = os.open(tempfile.gettempdir(), os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("# waiting for another run to end", flush=True)
        fcntl.flock(fd, fcntl.LOCK_EX)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True,
                        help="directory with the programs")
    parser.add_argument("--slow", action="store_true",
                        help="name the ten slowest cases")
    parser.add_argument("names", nargs="*",
                        help="part of a case's path; all if none")
    options = parser.parse_args()
    mount_in_private()
    take_turn()
    adopt_orphans()
    tap = Tap()
    slow = []
    shared = Shared(options.build)
    try:
        for path in find_cases(options.names):
            run_case(tap, shared, path, slow)
    finally:
        shared.stop()
    for seconds, name in sorted(slow, reverse=True)[:10 * options.slow]:
        print(f"# {seconds:.2f} s: {name}")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
