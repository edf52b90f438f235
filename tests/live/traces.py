# SPDX-License-Identifier: MIT
"""Where a secret and a token are seen to go, system call by system call."""

import glob
import os
import re
import shutil

from gates import HELPERS, set_up
from governor_callers import Clock
from live import User
from machine import Machine
from marks import MARKER, all_parts
from servers import Missing, scripted
from session import poll
from tap import equal

STRACE = ["strace", "-ff", "-v", "-xx", "-yy", "-s", "4194304"]
HEX = re.compile(rb"(?:\\x[0-9a-f]{2})+")
CALL = re.compile(rb"(\w+)\((?:(\d+)<(.*?)>(?:\(deleted\))?[,)])?")
PROGRAM = re.compile(rb'execve(?:at)?\((?:\d+<(.*?)>, )?"(.*?)"')
# What a helper does with a token; the fetcher hands it over in a memfd.
TO_THE_CLIENT = {("write", "fd 1"), ("add_key", ""), ("keyctl", ""),
                 ("write", "memfd"), ("read", "memfd")}
WAYS = {"post": {}, "basic": {"auth": "client_secret_basic"},
        "json": {"body": "json"}}


def plain(match):
    return bytes.fromhex(match[0].replace(rb"\x", b"").decode())


def kind(descriptor, where):
    """What stands behind it, without its number."""
    where = where.decode(errors="replace")
    if descriptor is None:
        return ""
    if descriptor in (b"0", b"1", b"2"):
        return f"fd {descriptor.decode()}"
    if "/etc/secrets/" in where:
        return "a secrets file"
    if where.startswith("/"):
        return "memfd" if where.startswith("/memfd:") else where
    return where.partition(":")[0]


class Traces:
    """Runs programs under strace; found is what holds a part of a text:
    {(program, call, descriptor), ...}.  A child that is about to become
    another program has its parent's name."""

    def __init__(self, directory, who=None):
        if not shutil.which("strace"):
            raise Missing("strace is not installed")
        self.directory = os.path.join(directory, "traces")
        os.mkdir(self.directory, 0o700)
        if who:
            os.chown(self.directory, who.pw_uid, who.pw_gid)
        self.words = [*STRACE, "-o", os.path.join(self.directory, "trace")]

    def take(self, *texts):
        """What was found since the last time."""
        wanted = [part.encode() for part in all_parts(*texts)]
        found, self.programs = set(), set()
        for path in glob.glob(self.directory + "/*"):
            with open(path, "rb") as trace:
                found |= self.read(trace, wanted)
            os.unlink(path)
        return found

    def read(self, trace, wanted):
        found, program = set(), "a child"
        for line in trace:
            line = HEX.sub(plain, line)
            began = PROGRAM.match(line)
            if began and line.rstrip().endswith(b"= 0"):
                path = began[2] or began[1]
                program = os.path.basename(path.decode(errors="replace"))
                self.programs.add(program)
            if any(part in line for part in wanted):
                call, descriptor, where = CALL.match(line).groups()
                found.add((program, call.decode(),
                           kind(descriptor, where or b"")))
        return found


# The secret as it is typed goes on by a pipe; the Secret Service gets it
# encrypted, and so does the server.
TYPED = {("valetkey", "read", "fd 0"), ("valetkey-cli", "read", "fd 0")}
PUT = {("valetkey", "write", "pipe"), ("valetkey-cli", "write", "pipe"),
       ("valetkey-store", "read", "fd 0")}
# Of the machine it is sealed by systemd-creds, where that is installed, or in
# a file; the exchange has it from a pipe.
SEALED = {("valetkey-cli", "write", "pipe"),
          ("valetkey-vault", "read", "fd 0"),
          ("valetkey-vault", "write", "pipe"),
          ("valetkey-vault", "read", "pipe"),
          ("valetkey-vault", "read", "a secrets file"),
          ("valetkey-vault", "write", "a secrets file"),
          ("systemd-creds", "read", "fd 0"),
          ("systemd-creds", "write", "fd 1")}
UNSEALED = {("systemd-creds", "write", "fd 1"),
            ("valetkey-broker", "read", "pipe"),
            ("valetkey-broker", "read", "a secrets file"),
            ("valetkey-broker", "write", "pipe"),
            ("valetkey-broker", "read", "fd 0")}
# The exchange reports it by its standard output.
ROOTS_TOKEN = {("write", "fd 1"), ("read", "pipe"), ("add_key", ""),
               ("keyctl", "")}


def desktop(tap, live):
    session = live.session

    def run(*words, text=""):
        done = session.run(*traces.words, *words, text=text)
        equal((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def options(url, way):
        words = ["--token-url", url, "--client-id", "demo", "--secret-stdin",
                 "--ca-file", live.ca]
        for option, value in WAYS[way].items():
            words += [f"--{option}", value]
        return words

    def is_typed(way):
        names[way] = session.name(f"trace-{way}")
        run("valetkey", "add", names[way], *options(server.token_url(), way),
            text=MARKER + "\n")
        found = traces.take(MARKER)
        assert {("valetkey-store", "read", "fd 0")} <= found, found
        equal(found - TYPED - PUT, set())

    def is_used(way):
        run("valetkey", "token", names[way])
        equal(traces.take(MARKER), set())
        assert "valetkey-fetch" in traces.programs, traces.programs

    def is_replaced():
        run("valetkey", "rotate", names["post"], "--secret-stdin",
            text=MARKER + "\n")
        equal(traces.take(MARKER) - TYPED - PUT, set())

    def is_removed():
        run("valetkey", "remove", names["json"])
        equal(traces.take(MARKER), set())

    def is_seen(way):
        """To plain http: the very check finds it there."""
        name = session.name(f"trace-plain-{way}")
        url = server.token_url(listener="http")
        session.marks.add(":" + url.split(":")[2].split("/")[0])
        done = session.run("valetkey", "add", name, *options(url, way),
                           text=MARKER + "\n")
        equal((done.returncode, done.stderr), (0, ""))
        traces.take(MARKER)
        run("valetkey", "token", name)
        found = {(program, where) for program, _, where in
                 traces.take(MARKER)}
        equal(found, {("valetkey-fetch", "TCP")})

    def is_seen_in_an_argument():
        session.run(*traces.words, "valetkey", "token", MARKER)
        equal({call for _, call, where in traces.take(MARKER)
               if not where}, {"execve"})

    names = {}
    traces = Traces(session.directory)
    try:
        with scripted(live.pki, listen=["server", "http"]) as server:
            for way in WAYS:
                tap.check(f"{way}: the secret goes on by pipe", is_typed, way)
                tap.check(f"{way}: what fetches shows it nowhere", is_used,
                          way)
                tap.check(f"{way}: in plain http it would be seen", is_seen,
                          way)
            tap.check("a new secret goes on by pipe", is_replaced)
            tap.check("what removes it shows it nowhere", is_removed)
            tap.check("in an argument it would be seen",
                      is_seen_in_an_argument)
    finally:
        shutil.rmtree(traces.directory)


def tokens(tap, live):
    """Each helper, cold and warm."""
    session = (clock := Clock(live)).session

    def run(program):
        helper = HELPERS[program].fill(**values)
        done = session.run(*traces.words, program, *helper.words,
                           text=helper.text, env=helper.env)
        equal((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def known(name):
        clock.move(2)
        return session.token(name)

    def is_told_to_its_client_only(program, is_cold):
        if is_cold:
            for name in names:
                session.drop(name)
        clock.move(2)
        run(program)
        found = traces.take(*map(known, names))
        equal("valetkey-fetch" in traces.programs, is_cold)
        assert (program, "write", "fd 1") in found, found
        equal({way for way in found if way[1:] not in TO_THE_CLIENT}, set())

    def is_erased():
        token = session.token(names[0])
        session.run(*traces.words, "git-credential-valetkey", "erase",
                    text=f"protocol=https\nhost={values['host']}\n"
                    f"path={values['path']}\nusername=u\n"
                    f"password={token}\n\n")
        found = {way[1:] for way in traces.take(token)}
        equal(found - {("keyctl", "")}, {("read", "fd 0")})

    traces = Traces(session.directory)
    try:
        with scripted(live.pki) as server:
            values = set_up(session, server)
            names = [values["name"], session.name("gates-host")]
            for program in sorted(HELPERS):
                for word in "cold", "warm":
                    tap.check(f"{program}, {word}: the token goes to its"
                              " client only", is_told_to_its_client_only,
                              program, word == "cold")
            tap.check("git's erase shows the token nowhere", is_erased)
    finally:
        shutil.rmtree(traces.directory)


def server(tap, live):
    """Clients of the machine."""
    def run(traces, who, *words, text=""):
        done = machine.run(who, *traces.words, *words, text=text)
        equal((done.returncode, done.stderr), (0, ""))
        return done.stdout.strip()

    def is_typed():
        machine.names.append(name)
        run(roots, None, "valetkey", "--system", "add", name, "--token-url",
            server.token_url(), "--client-id", "demo", "--secret-stdin",
            "--ca-file", live.ca, "--allow", alice.pw_name,
            text=MARKER + "\n")
        found = roots.take(MARKER)
        assert ("valetkey-vault", "read", "fd 0") in found, found
        equal(found - TYPED - SEALED, set())

    def is_used():
        machine.run_upcall_by(*roots.words)
        run(users, alice, "valetkey", "token", name)
        poll(lambda: not machine.processes(), "the end of the upcall")
        equal(users.take(MARKER), set())
        kept = roots.take(MARKER)
        assert ("valetkey-broker", "read", "fd 0") in kept, roots.programs
        equal(kept - UNSEALED, set())

    def is_a_users_only():
        """The token: root's side logs a hash of it and no more."""
        machine.system("drop", name)
        machine.clear(alice)
        token = run(users, alice, "valetkey", "token", name)
        poll(lambda: not machine.processes(), "the end of the upcall")
        equal({way for way in users.take(token)
               if way[1:] not in TO_THE_CLIENT}, set())
        found = {way[1:] for way in roots.take(token)}
        equal(found - ROOTS_TOKEN, set())

    with Machine(live) as machine, User() as alice, scripted(live.pki) as \
            server:
        name = machine.name("trace")
        roots = Traces(machine.directory)
        users = Traces(live.directory, alice)
        try:
            tap.check("server: the secret goes on by pipe", is_typed)
            tap.check("server: only pipes of root's programs have it",
                      is_used)
            tap.check("server: the token goes to keys only", is_a_users_only)
        finally:
            shutil.rmtree(users.directory)


GROUPS = [desktop, tokens, server]
