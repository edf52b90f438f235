# SPDX-License-Identifier: MIT
"""Runs one command of a case."""

import fcntl
import os
import pty
import resource
import select
import shlex
import signal
import subprocess
import termios

from casefile import Wrong, to_bytes
from desktop import wait_for
from world import MARK

PATIENCE = 40  # seconds for a command; it should end after 30 by itself
SYSTEM = ["keyctl", "sh"]


class Command:
    """exit, and what came out of stdout, stderr and the terminal."""

    def __init__(self, world, line):
        self.world = world
        program, *arguments = shlex.split(line)
        self.how, world.next = world.next, {}
        if program in world.shared.programs:
            program = os.path.join(world.shared.build, program)
        elif program not in SYSTEM:
            raise Wrong(f"cases do not run '{program}'")
        self.argv = [program, *map(to_bytes, arguments)]
        self.screen = b""
        self.stdout = self.stderr = b""
        self.exit = None

    def run(self, stdin, typed):
        self.master = self.slave = None
        if typed is not None or self.how.get("stdout") == "tty":
            self.master, self.slave = pty.openpty()
        try:
            self.talk(stdin, typed)
        finally:
            for fd in self.master, self.slave:
                if fd is not None:
                    os.close(fd)
        self.world.forget_pace()
        for name in "stdout", "stderr", "screen":
            if MARK in getattr(self, name):
                raise Wrong(f"{name} has a secret in it")
        self.world.check_invariants()

    def talk(self, stdin, typed):
        before = self.how.get("before", lambda: None)()
        process = self.start()
        try:
            if "during" in self.how:
                self.give(process, stdin)
                self.how["during"](process, before)
            if typed is not None:
                self.type_in(process, typed)
            self.stdout, self.stderr = process.communicate(
                stdin if process.stdin else None, PATIENCE)
        except subprocess.TimeoutExpired:
            raise Wrong("it does not end") from None
        finally:
            process.kill()
            process.wait()
        self.stdout = self.stdout or b""
        self.stderr = self.stderr or b""
        if self.master is not None:
            self.read_screen()
        self.exit = describe(process.returncode)

    def give(self, process, stdin):
        process.stdin.write(stdin)
        process.stdin.close()
        process.stdin = None

    def start(self):
        how = self.how.get("stdout", "pipe")
        out = {"pipe": lambda: subprocess.PIPE,
               "tty": lambda: self.slave,
               "full": lambda: os.open("/dev/full", os.O_WRONLY),
               "closed": lambda: os.open(os.devnull, os.O_WRONLY),
               "unread": unread_pipe}[how]()
        process = subprocess.Popen(
            self.argv, stdout=out, cwd=self.world.home,
            stdin=None if "stdin" in self.how else subprocess.PIPE,
            stderr=subprocess.PIPE, env=self.world.environment,
            start_new_session=True, preexec_fn=self.prepare)
        if how not in ("pipe", "tty"):
            os.close(out)
        return process

    def prepare(self):
        """In the child, before the program."""
        if self.slave is not None:
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
        if "file-size" in self.how:
            # As on a full disk: an error, and not the end of the program.
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            size = self.how["file-size"]
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        for name, fd in ("stdin", 0), ("stdout", 1), ("stderr", 2):
            if self.how.get(name) == "closed":
                os.close(fd)

    def type_in(self, process, typed):
        """As a person does: once there is a question. What is typed before
        the echo is off does not count."""
        def asks():
            flags = termios.tcgetattr(self.slave)[3]
            return not flags & termios.ECHO or process.poll() is not None
        wait_for(asks, "it does not ask")
        os.write(self.master, typed)

    def read_screen(self):
        while select.select([self.master], [], [], 0)[0]:
            self.screen += os.read(self.master, 65536)
        self.screen = self.screen.replace(b"\r\n", b"\n")


def unread_pipe():
    """Whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def describe(status):
    return str(status) if status >= 0 else signal.Signals(-status).name
