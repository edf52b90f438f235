# SPDX-License-Identifier: MIT
"""Where secrets and tokens must not be, and what a warm path must not do."""

import os
import re

from clients import need
from crowd import start_fetch
from grants import files_with
from live import User
from servers import Missing, scripted
from session import SECRET, Session, poll
from tap import equal

SOURCE = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) r")


def read(process, name):
    with open(f"/proc/{process}/{name}", "rb") as file:
        return file.read()


def memory_has(process, text):
    """Is it anywhere in the memory of a process?"""
    with open(f"/proc/{process}/mem", "rb") as memory:
        for line in read(process, "maps").decode().splitlines():
            found = SOURCE.match(line)
            if not found or "[v" in line:
                continue
            start, end = (int(number, 16) for number in found.groups())
            memory.seek(start)
            if text.encode() in memory.read(end - start):
                return True
    return False


def hanging_fetcher(tap, live):
    """A fetcher that has sent the secret and waits for the answer."""

    def shows_no(what):
        for process in caller.pid, fetcher:
            assert SECRET.encode() not in read(process, what)
        for text in seen:
            assert SECRET.encode() not in text

    def keeps_it_to_itself():
        assert memory_has(fetcher, SECRET)
        assert not memory_has(caller.pid, SECRET)

    def leaves_no_core():
        core = re.search(rb"Max core file size +(\d+) +(\d+)",
                         read(fetcher, "limits"))
        equal(core.groups(), (b"0", b"0"))

    def is_not_dumpable():
        """Nor into what has started it, but into any other program."""
        other = session.popen("sleep", "600")
        for pid, owner, status in [(fetcher, 0, 1), (caller.pid, 0, 1),
                                   (other.pid, user.pw_uid, 0)]:
            path = f"/proc/{pid}/environ"
            equal(os.stat(path).st_uid, owner)
            equal(session.run("cat", path).returncode, status)
        other.kill()
        other.communicate()

    def gains_no_privileges():
        assert b"NoNewPrivs:\t1\n" in read(fetcher, "status")

    def watch():
        """Look at the fetcher all the time until the server knows of it."""
        for what in "cmdline", "environ":
            seen.append(read(fetcher, what))
        return server.count()

    with User() as user, Session(live.programs, user) as session, \
            scripted(live.pki) as server:
        name = session.add("secrecy", server)
        server.mode("hang")
        seen = []
        caller, fetcher = start_fetch(session, name)
        poll(watch, "the request")
        tap.check("no argument shows the secret", shows_no, "cmdline")
        tap.check("no environment shows the secret", shows_no, "environ")
        tap.check("only the fetcher's memory has the secret",
                  keeps_it_to_itself)
        tap.check("the fetcher leaves no core", leaves_no_core)
        tap.check("the user cannot look into the fetcher", is_not_dumpable)
        tap.check("the fetcher gains no privileges", gains_no_privileges)
        caller.kill()
        os.kill(fetcher, 9)
        caller.communicate()


def disk(tap, live):
    session = live.session

    def has_none(text):
        equal(files_with(session.directory, text), [])

    with scripted(live.pki) as server:
        name = session.add("disk", server)
        tap.check("no file has the secret", has_none, SECRET)
        tap.check("no file has the token", has_none, session.token(name))


# Each warm request, with what is written to it
WARM = {
    "docker-credential-valetkey get": "https://warm.invalid/",
    "git-credential-valetkey get": "protocol=https\nhost=warm.invalid\n\n",
    "valetkey token": None,
    "valetkey header": None,
}


def warm_path(tap, live):
    session = live.session
    need("strace")
    trace = os.path.join(session.directory, "trace")

    def calls(words, text):
        done = session.run("strace", "-f", "-o", trace, "-e",
                           "trace=process,network,file", *words, text=text)
        equal(done.returncode, 0)
        with open(trace) as file:
            return file.read()

    def is_short(words, text):
        traced = calls(words, text)
        equal(len(re.findall(r"execve\(", traced)), 1)
        equal(re.findall(r"\b(clone3?|v?fork|socket|connect)\(", traced), [])
        home = re.escape(session.home)
        equal(re.findall(rf'openat\([^"]*"({home}[^"]*)"', traced), [conf])

    def is_seen():
        session.drop(name)
        traced = calls(["valetkey", "token", name], "")
        assert len(re.findall(r"execve\(", traced)) > 1
        assert "connect(" in traced

    if session.run("strace", "-o", trace, "true").returncode:
        raise Missing("strace is not allowed here")
    with scripted(live.pki) as server:
        name = session.add("warm", server, serves="https://warm.invalid")
        conf = os.path.join(session.home, ".config/valetkey/clients.conf")
        session.token(name)
        for command, text in WARM.items():
            words = command.split() + ([] if text else [name])
            tap.check(f"a warm '{command}' starts and asks nobody",
                      is_short, words, text or "")
        tap.check("what a cold one starts and asks is seen", is_seen)


GROUPS = [hanging_fetcher, disk, warm_path]
