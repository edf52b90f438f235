# SPDX-License-Identifier: MIT
"""Those who ask for tokens, what they are told, and clocks that a test moves.

    clock = Clock(live)
    name = clock.session.add("prod", server)
    with requests(server, 1):
        clock.session.token(name)
        clock.move(3600)
"""

import contextlib
import copy
import os
import re
import shutil
import struct
import subprocess
import tempfile
import time

from crowd import is_running
from servers import Missing
from session import poll
from tap import equal

HERE = os.path.dirname(os.path.abspath(__file__))
HELD = re.compile(
    r"valetkey: held back until (\d\d:\d\d:\d\d) \(in (\d+) s\): (.+)\n")
HOUR = 3600
DAY = 24 * HOUR


def library(directory):
    """The shim that moves clocks (clock.c), built once."""
    out = os.path.join(directory, "clock.so")
    if not os.path.exists(out):
        compiler = shutil.which("cc")
        if not compiler:
            raise Missing("there is no C compiler")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", out,
                        os.path.join(HERE, "clock.c")], check=True)
    return out


class Clock:
    """session is the one of live, but its programs see moved clocks.  The
    kernel's timeouts of keys are not moved: notes are kept for days."""

    def __init__(self, live):
        handle, self.path = tempfile.mkstemp(prefix="clock-",
                                             dir=live.directory)
        os.close(handle)
        self.boot = self.wall = 0
        self.move(0)
        self.session = copy.copy(live.session)
        self.session.env = {
            **live.session.env,
            "LD_PRELOAD": library(live.directory),
            "CLOCK_FILE": self.path,
            # The sanitizers want to be preloaded first.
            "ASAN_OPTIONS": "verify_asan_link_order=0",
        }

    def move(self, boot=0, wall=0):
        """Forward by so many seconds; wall is the clock that can be set."""
        self.boot += boot
        self.wall += wall
        with open(self.path, "r+b") as file:
            file.write(struct.pack("=qq", round(self.boot * 1000),
                                   round(self.wall * 1000)))

    def clock(self):
        """The time of day that programs see."""
        return time.time() + self.wall


@contextlib.contextmanager
def requests(server, number):
    """So many, no more and no less, come to the server within."""
    before = server.count()
    yield
    equal(server.count() - before, number)


def times(server):
    """When the requests came, in milliseconds."""
    return [entry["t"] for entry in server.log()]


def gaps(server):
    all_times = times(server)
    return [b - a for a, b in zip(all_times, all_times[1:])]


def start(session, name, *options, **more):
    return session.popen("valetkey", "token", name, *options, **more)


def end(process):
    """Exit status, standard output without its end, and standard error."""
    out, errors = process.communicate()
    return process.returncode, out.strip(), errors


def ask(session, name, count, *options):
    """The answers of so many callers at once."""
    crowd = [start(session, name, *options) for _ in range(count)]
    return [end(process) for process in crowd]


def seconds_told(text):
    """For how long this message says that requests are held back."""
    told = HELD.fullmatch(text)
    assert told, text
    return int(told[2])


def held_for(session, name, *options):
    """The same, asked for; there must be such a hold."""
    return seconds_told(session.fail(5, "valetkey", "token", name, *options))


def all_are_held(answers):
    for status, out, errors in answers:
        equal((status, out), (5, ""))
        seconds_told(errors)


def add_token(session, client, word, **options):
    """Another token of a client."""
    words = [text for option, value in options.items()
             for text in ("--" + option.replace("_", "-"), value)]
    session.succeed("valetkey", "add", f"{client}/{word}", *words)
    return f"{client}/{word}"


def at_work(session):
    """Process IDs of what fetches a token by name, and of what is about to:
    a caller's child, until it is a fetcher, looks like the caller."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, IndexError):
            with open(f"/proc/{entry}/cmdline", errors="replace") as file:
                words = file.read().split("\0")
            program = os.path.basename(words[0])
            if (program in ("valetkey", "valetkey-fetch")
                    and f"-{session.tag}" in words[-2] and is_running(entry)):
                found.append(int(entry))
    return found


def settle(session):
    """Wait for what goes on in the background, with no caller waiting."""
    poll(lambda: not at_work(session), "the fetchers' end")


def note(session, description):
    """The text of a note in the keyring, or None."""
    found = session.run("keyctl", "search", "@u", "user", description)
    if found.returncode:
        return None
    return session.run("keyctl", "pipe", found.stdout.strip()).stdout
