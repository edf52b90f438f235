# SPDX-License-Identifier: MIT
"""Broker mode: what else the users of a machine can try by themselves."""

import ast
import errno
import os
import pwd
import re
import subprocess

from live import User
from machine import Machine
from protections import Proxy
from servers import Missing, scripted
from session import SECRET, poll
from tap import equal

PILE = 40
NAMESPACES = ["-Ur", "-Urm", "-Urmpf", "-Urn", "-Urui"]


def in_the_kernels_place(tap, live):
    """While the kernel waits for the upcall, the user answers for it."""
    def is_of_no_use():
        server.mode("slow:1500")
        process = machine.popen(alice, "valetkey", "token", name)
        poll(lambda: server.count() == 1, "the request")
        said = ast.literal_eval(machine.hostile(
            alice, "answer", f"valetkey:{name}"))
        print(f"# {said}", flush=True)
        out, errors = process.communicate()
        equal((process.returncode, errors), (0, ""))
        equal(out.strip(), machine.token(bob, name))
        equal(said.pop("join its keyring", "another"), "another")
        assert len(said) >= 6 and "done" not in said.values(), said
        equal(server.count(), 1)

    def is_not_seen():
        """The name that was asked for, and the callout data, are in no
        argument that others can read."""
        machine.system("drop", name)
        machine.clear(alice)
        server.reset()
        server.mode("slow:1500")
        process = machine.popen(alice, "keyctl", "request2", "user",
                                f"valetkey:{name}", "callout-data", "@u")
        poll(lambda: server.count() == 1, "the request")
        found = machine.processes()
        assert any("upcall" in words[0] for words in found.values()), found
        for words in found.values():
            assert "callout-data" not in words, words
            assert SECRET not in words, words
            if "upcall" in words[0]:
                assert not any(name in word for word in words), words
        process.communicate()

    with Machine(live) as machine, User() as alice, User() as bob, \
            scripted(live.pki) as server:
        name = machine.add("answer", server,
                           allow=f"{alice.pw_name},{bob.pw_name}")
        tap.check("a user cannot answer in the upcall's place", is_of_no_use)
        tap.check("no argument of the upcall tells what was asked for",
                  is_not_seen)


def on_finished_keys(tap, live):
    """What a user may do to his own key harms nobody else."""
    def harms_only_him(*words):
        token = machine.token(bob, name)
        machine.token(alice, name)
        bobs = machine.key(bob, name)
        done = machine.run(alice, "keyctl", *words,
                           machine.key(alice, name), *(
                               ["@u"] if words[0] == "unlink" else []))
        equal(done.returncode, 0)
        equal(machine.key(bob, name), bobs)
        equal(machine.token(bob, name), token)
        equal(machine.token(alice, name), token)
        equal(server.count(), 1)

    def shows_nothing_of(user, other):
        machine.token(user, name)
        machine.token(other, name)
        wanted = f"valetkey:{name}"

        def listed(who):
            found = machine.run(who, "cat", "/proc/keys").stdout
            return {line.split()[0].lstrip("0")
                    for line in found.split("\n") if wanted in line}
        key = f"{int(machine.key(user, name)):x}"
        assert key in listed(user), listed(user)
        assert key not in listed(other), listed(other)

    def live_keys(pile):
        """In her own eyes: root does not see them."""
        pile.stdin.write("look\n")
        pile.stdin.flush()
        return int(pile.stdout.readline())

    def piles_up_nothing():
        """He links each key where the next request does not look."""
        machine.clear(bob)
        with machine.popen(alice, "keyctl", "session", "-", "sh", "-c", f"""
                keyctl link @u @s
                i=0
                while [ $i -lt {PILE} ]; do
                    keyctl session - valetkey token {name} >/dev/null || exit
                    ring=$(keyctl newring pile.$i @s)
                    keyctl link $(keyctl search @u user valetkey:{name}) $ring
                    keyctl clear @u
                    i=$((i+1))
                done; keyctl rlist @s | wc -w
                while read look; do
                    awk 'index($0, "valetkey:{name}: ") && $2 ~ /^I/ &&
                         $2 !~ /i/ && $4 != "expd" {{ n++ }}
                         END {{ print n + 0 }}' /proc/keys
                done""",
                           stdin=subprocess.PIPE) as pile:
            try:
                equal(pile.stdout.readline(), f"{PILE + 1}\n")
                poll(lambda: 0 < live_keys(pile) <= 3, "the end of the old keys")
            finally:
                pile.communicate()
        equal(server.count(), 1)

    def is_recalled_everywhere():
        """A key that was linked elsewhere ends with the machine's token."""
        token = machine.token(alice, name)
        key = machine.key(alice, name)
        equal(machine.run(alice, "keyctl", "link", key, "@us").returncode, 0)
        equal(machine.system("drop", name).returncode, 0)
        done = machine.run(alice, "keyctl", "pipe", key)
        assert done.returncode != 0 and token not in done.stdout, done

    def is_charged_to_root():
        def used():
            with open("/proc/key-users") as users:
                for line in users:
                    uid, rest = line.split(":", 1)
                    if int(uid) == alice.pw_uid:
                        return int(rest.split()[-1].split("/")[0])
            return 0
        machine.clear(alice)
        poll(lambda: used() < 300, "the end of the old keys")
        before = used()
        token = machine.token(alice, name)
        poll(lambda: used() < before + len(token) // 2, "a quota as before")

    with Machine(live) as machine, User() as alice, User() as bob, \
            scripted(live.pki) as server:
        name = machine.add("own", server,
                           allow=f"{alice.pw_name},{bob.pw_name}")
        for words in ["invalidate"], ["unlink"]:
            tap.check(f"{words[0]} of one's own key harms nobody else",
                      harms_only_him, *words)
        tap.check("nobody sees another's key in /proc/keys",
                  shows_nothing_of, alice, bob)
        tap.check(f"{PILE} keys that a user keeps links to are not kept",
                  piles_up_nothing)
        tap.check("a token is not charged to the user's quota",
                  is_charged_to_root)
        tap.check("a dropped token ends wherever it is linked",
                  is_recalled_everywhere)


def impatience(tap, live):
    """Who clears away the kernel's memory of a refusal gets no more."""
    def sends_nothing(mode, *statuses):
        name = machine.add(mode.replace(":", "-"), server,
                           allow=alice.pw_name)
        server.mode(mode)
        before = server.count()
        for _ in range(30):
            done = machine.run(alice, "valetkey", "token", name)
            assert (done.returncode in statuses
                    and done.stdout == ""), done
            machine.clear(alice)
        equal(server.count(), before + 1)

    with Machine(live) as machine, User() as alice, scripted(live.pki) as \
            server:
        tap.check("a refused credential, 30 times", sends_nothing,
                  "401-auth0", 4)
        tap.check("a rate limit, 30 times", sends_nothing, "429:30", 5)


def next_to_it(tap, live):
    """Processes and files of broker mode, seen by others."""
    def of_all_processes(user):
        server.mode("slow:2000")
        machine.system("drop", name)
        machine.clear(alice)
        before = server.count()
        process = machine.popen(alice, "valetkey", "token", name)
        poll(lambda: server.count() > before, "the request")
        found = machine.processes()
        assert len(found) >= 3, found
        seen = ast.literal_eval(machine.hostile(
            user, "look", *map(str, found)))
        out, errors = process.communicate()
        equal((process.returncode, errors), (0, ""))
        # Of its own user, one may be sent signals; nothing else.
        equal([what for what in seen if not what.startswith("kill ")
               or user is alice], [])

    def of_its_files():
        for path in "/run/valetkey", "/run/valetkey/slots":
            done = machine.run(alice, "sh", "-c",
                               'ls "$1" && : <"$1"', "sh", path)
            equal((done.returncode != 0, done.stdout), (True, ""))
        done = machine.run(alice, "touch", "/run/valetkey/mine")
        assert done.returncode != 0, done

    with Machine(live) as machine, User() as alice, scripted(live.pki) as \
            server:
        name = machine.add("seen", server, allow=alice.pw_name)
        tap.check("a user cannot look into what works for him",
                  of_all_processes, alice)
        try:
            own = pwd.getpwnam("_valetkey")
        except KeyError:
            own = pwd.getpwnam("nobody")
        tap.check("another process of its own user cannot look into what"
                  " talks to the network", of_all_processes, own)
        tap.check("locks and slots are out of reach", of_its_files)


def namespaces(tap, live):
    def is_refused(option):
        """Not by valetkey, which would not take the key's owner either."""
        equal(machine.request(
            alice, f"valetkey:{name}", "unshare", option, "sh", "-c",
            'mount -t tmpfs none /etc/request-key.d 2>/dev/null; exec "$@"',
            "sh"), errno.EPERM)
        equal(server.count(), 0)
        machine.clear(alice)

    with Machine(live) as machine, User() as alice, scripted(live.pki) as \
            server:
        if machine.run(alice, "unshare", "-Ur", "true").returncode:
            raise Missing("users cannot make namespaces here")
        name = machine.add("space", server, allow=alice.pw_name)
        for option in NAMESPACES:
            tap.check(f"unshare {option}, with rules of his own", is_refused,
                      option)
        tap.check("without, he has a token", machine.token, alice, name)


def environment(tap, live):
    """What whoever starts request-key may have left in it."""
    def is_not_used():
        with open(machine.wrapper) as text:
            first, rest = text.read().split("\n", 1)
        with open(machine.wrapper, "w") as out:
            out.write(f"{first}\nexport https_proxy={proxy.url}"
                      f" ALL_PROXY={proxy.url} no_proxy=\n{rest}")
        machine.token(alice, name)
        equal((proxy.wanted, server.count()), ([], 1))

    with Machine(live) as machine, User() as alice, Proxy() as proxy, \
            scripted(live.pki) as server:
        name = machine.add("proxy", server, allow=alice.pw_name)
        tap.check("a proxy in the upcall's environment is not used",
                  is_not_used)


def rule(tap, live):
    """What is installed, not what the other groups use."""
    def names_the_key_only():
        path = os.path.join(live.build, "server", "valetkey.conf")
        with open(path) as text:
            lines = [line.split() for line in text
                     if not line.startswith("#")]
        assert lines, path
        for words in lines:
            equal(words[:2], ["create", "user"])
            assert re.fullmatch(r"valetkey(\.refresh)?:\*", words[2]), words
            equal(words[3], "*")
            assert re.fullmatch(r"/\S+/valetkey-upcall", words[4]), words
            equal(words[5:], ["%k"])

    tap.check("the rule gives the upcall the key's number, nothing else",
              names_the_key_only)


GROUPS = [in_the_kernels_place, on_finished_keys, impatience, next_to_it,
          namespaces, environment, rule]
