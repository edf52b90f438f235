# SPDX-License-Identifier: MIT
"""Broker mode: what keyrings of users do to others, and to what root takes
back."""

import errno
import os
import shutil
import subprocess
import time

from audits import Log, entries
from live import User
from machine import PYTHON, Machine
from servers import Missing, scripted
from session import poll
from tap import equal

RINGS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rings.py")
WIDTH = 28
# An upcall and a fetch name keys some forty times.
SEARCHES = 15
HOARD = 8
KEY_CALLS = 40
DAY = 86400
UNITS = {"s": 1, "m": 60, "h": 3600, "d": DAY, "w": 7 * DAY}


def rings(machine, user, *words):
    copy = shutil.copy(RINGS, machine.directory)
    return machine.popen(user, PYTHON, "-B", copy, *words,
                         stdin=subprocess.PIPE)


def need_strace():
    if not shutil.which("strace"):
        raise Missing("strace is not installed")


def mazes(tap, live):
    def keep_nobody_waiting():
        machine.token(bob, name)
        machine.clear(bob)
        machine.system("drop", name)
        brokers = machine.brokers()
        hers = rings(machine, alice, "maze", str(WIDTH), f"valetkey:{name}")
        search = float(hers.stdout.readline())
        poll(lambda: machine.brokers() > brokers, "her fetch")
        began = time.monotonic()
        machine.token(bob, name)
        waited = time.monotonic() - began
        out, errors = hers.communicate()
        print(f"# a search takes {search:.2f} s, he waited {waited:.2f} s",
              flush=True)
        equal((out, errors), ("0\n", ""))
        assert waited < SEARCHES * search, (waited, search)

    with Machine(live) as machine, User() as alice, User() as bob, \
            scripted(live.pki) as server:
        name = machine.add("maze", server,
                           allow=f"{alice.pw_name},{bob.pw_name}")
        tap.check("keyrings that take long to search keep nobody waiting",
                  keep_nobody_waiting)


def hoards(tap, live):
    """Each call that concerns keys takes 10 ms, so that all are at it."""
    def ask():
        process = rings(machine, alice, "hoard", str(HOARD),
                        f"valetkey:{name}")
        equal(process.stdout.readline(), "asked\n")
        return process

    def count(process):
        out, errors = process.communicate("\n")
        equal(errors, "")
        return int(out)

    def are_one():
        equal(count(ask()), 1)

    def are_dropped():
        process = ask()
        equal(machine.system("drop", name).returncode, 0)
        equal(count(process), 0)

    need_strace()
    with Machine(live) as machine, User() as alice, scripted(live.pki) as \
            server:
        name = machine.add("hoard", server, allow=alice.pw_name)
        machine.token(alice, name)
        machine.run_upcall_by("strace", "-o", "/dev/null", "-e",
                              "inject=keyctl:delay_enter=10000")
        tap.check(f"{HOARD} keys of a user at once: one is good", are_one)
        machine.token(alice, name)
        tap.check("drop finds it", are_dropped)


def removals(tap, live):
    def is_seen_by_who_waits():
        requests = server.count()
        server.mode("slow:1500")
        his = machine.popen(bob, "valetkey", "token", name)
        poll(lambda: server.count() > requests, "the request")
        hers = machine.popen(alice, "valetkey", "token", name)
        poll(lambda: machine.upcalls() == 2, "her upcall")
        machine.edit(f",{bob.pw_name}", "")
        machine.system("drop", name)
        out, errors = his.communicate()
        equal((his.returncode, out), (4, ""))
        assert "not allowed" in errors, errors
        hers.communicate()
        equal((hers.returncode, server.count()), (0, requests + 1))

    with Machine(live) as machine, User() as alice, User() as bob, \
            scripted(live.pki) as server:
        name = machine.add("removal", server,
                           allow=f"{alice.pw_name},{bob.pw_name}")
        open(machine.log, "w").close()
        tap.check("allow is changed while he waits", is_seen_by_who_waits)


def signals(tap, live):
    def are_told_as_it_was(log):
        seen = set()
        for number in range(1, KEY_CALLS):
            machine.run_upcall_by("strace", "-o", "/dev/null", "-e",
                                  f"inject=keyctl:signal=TERM:when={number}")
            error = machine.request(alice, f"valetkey:{name}")
            machine.clear(alice)
            equal([entry["outcome"] for entry in entries(log)],
                  [errno.errorcode.get(error, "ok")])
            seen.add(error)
        equal(seen, {0, errno.ETIMEDOUT})

    need_strace()
    with Machine(live) as machine, User() as alice, scripted(live.pki) as \
            server, Log(os.path.join(machine.directory, "journal")) as log:
        name = machine.add("signal", server, allow=alice.pw_name)
        machine.token(alice, name)
        machine.clear(alice)
        log.texts()
        tap.check("whenever it is told to end, the log says what came of it",
                  are_told_as_it_was, log)


def strangers(tap, live):
    """Processes of bob, who is not allowed, in a session of alice's."""
    def become_bob(script):
        return machine.run(
            alice, "keyctl", "session", "-", "sh", "-c",
            f"keyctl link @u @s; {setpriv} --clear-groups"
            f" --reuid={bob.pw_uid} --regid={bob.pw_gid} -- {script}")

    def are_asked_who_they_are():
        token = machine.token(alice, name)
        done = become_bob(f"valetkey token {name}")
        equal((done.returncode, done.stdout), (4, ""))
        equal(machine.key(bob, name), "")
        equal(machine.token(alice, name), token)

    def fetch_nothing_at_login():
        machine.token(alice, name)
        equal(become_bob(prefetch).returncode, 0)
        equal(machine.key(bob, name), "")

    if os.statvfs(live.directory).f_flag & os.ST_NOSUID:
        raise Missing("temporary files are on a file system without set-uid")
    with Machine(live) as machine, User() as alice, User() as bob, \
            scripted(live.pki) as server:
        setpriv = shutil.copy(shutil.which("setpriv"), machine.directory)
        os.chmod(setpriv, 0o4755)
        name = machine.add("stranger", server, allow=alice.pw_name)
        prefetch = f"{machine.programs}/valetkey-prefetch {name}"
        tap.check("who was started by another user is asked who he is",
                  are_asked_who_they_are)
        machine.clear(bob)
        tap.check("nor does his login fetch it", fetch_nothing_at_login)


def long_lives(tap, live):
    """The kernel drops root's persistent keyring after three days."""
    def seconds(key):
        look = f"keyctl link {key} @s; grep ^$(printf %08x {key}) /proc/keys"
        done = subprocess.run(["keyctl", "session", "-", "sh", "-c", look],
                              capture_output=True, text=True)
        left = done.stdout.split()[3]
        return int(left[:-1]) * UNITS[left[-1]]

    def end_before_the_registry():
        machine.token(alice, name)
        key = machine.key(alice, name)
        assert DAY <= seconds(key) <= 2 * DAY, seconds(key)
        # Nor does a renewal prolong it.
        machine.make_due(name)
        old = machine.token(alice, name)
        poll(lambda: machine.token(alice, name) != old, "the next token")
        equal(machine.key(alice, name), key)
        assert DAY <= seconds(key) <= 2 * DAY, seconds(key)

    with Machine(live) as machine, User() as alice, \
            scripted(live.pki, mode=f"ttl:{30 * DAY}") as server:
        name = machine.add("long", server, allow=alice.pw_name)
        machine.edit(f"allow = {alice.pw_name}\n",
                     f"allow = {alice.pw_name}\nmax-lifetime = {30 * DAY}\n")
        tap.check("keys of a long life end before the registry that knows"
                  " them", end_before_the_registry)


GROUPS = [mazes, hoards, removals, signals, strangers, long_lives]
