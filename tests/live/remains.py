# SPDX-License-Identifier: MIT
"""What is left of a secret in the memory of programs that end, and who can
look into one that runs, or have its core."""

import contextlib
import ctypes
import fcntl
import os
import re
import resource
import signal
import tempfile

from gates import HELPERS, set_up
from governor_callers import Clock
from live import User
from machine import Machine
from marks import MARKER, Exits
from raw import RawServer, context, response
from secrecy import read
from servers import Missing, scripted
from session import SECRET, Session, poll
from tap import equal
from traces import WAYS

PTRACE_SEIZE = 0x4206
UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
FAILING = ["401-echo", "401-auth0", "token-control", "token-huge", "truncated",
           "close", "body-huge", "429:7", "redirect"]


def on_the_desktop(tap, live):
    """After its last instruction no program has it any more: neither what
    was freed, nor the stack, nor what a library keeps."""
    session = (clock := Clock(live)).session
    exits = Exits(session, live.directory)

    def run(*words, text="", status=0):
        clock.move(2)
        done = exits.run(*words, text=text)
        equal(done.returncode, status)
        exits.clean()
        return done.stdout.strip()

    def is_typed(way):
        words = ["--token-url", server.token_url(), "--client-id", "demo",
                 "--ca-file", live.ca, "--secret-stdin"]
        for option, value in WAYS[way].items():
            words += [f"--{option}", value]
        run("valetkey", "add", session.name(f"left-{way}"), *words,
            text=MARKER + "\n")
        assert "valetkey-store" in exits.programs(), exits.programs()

    def is_used(way):
        name = session.name(f"left-{way}")
        token = run("valetkey", "token", name)
        assert "valetkey-fetch" in exits.programs(), exits.programs()
        # The same token again, so that it is known beforehand.
        server.mode("same-token")
        session.drop(name)
        clock.move(2)
        token = session.token(name)
        session.drop(name)
        exits.look_for(MARKER, token)
        equal(run("valetkey", "token", name), token)
        exits.look_for(MARKER)
        server.mode("ok")

    def is_refused(mode):
        name = session.name("left-post")
        clock.move(7200)
        session.drop(name)
        server.mode(mode)
        done = exits.run("valetkey", "token", name)
        assert done.returncode in (4, 5, 6), done
        exits.clean()
        assert "valetkey-fetch" in exits.programs(), exits.programs()
        server.mode("ok")

    def is_replaced():
        run("valetkey", "rotate", session.name("left-post"),
            "--secret-stdin", text=MARKER + "\n")

    def is_found():
        """What the programs do keep: the check would see the secret."""
        name = session.name("left-post")
        exits.look_for(server.token_url())
        exits.run("valetkey", "token", name)
        assert any(process["found"] for process in exits.processes)
        exits.look_for(MARKER)

    def is_wiped_by_a_helper(program):
        helper = HELPERS[program].fill(**values)
        known = []
        for name in values["name"], session.name("gates-host"):
            clock.move(2)
            known.append(session.token(name))
        exits.look_for(*known)
        exits.run(program, *helper.words, text=helper.text, env=helper.env)
        equal(exits.programs(), [program])
        exits.clean()

    with scripted(live.pki) as server:
        for way in WAYS:
            tap.check(f"{way}: nothing is left of a secret that was typed",
                      is_typed, way)
            tap.check(f"{way}: nothing is left of secret and token",
                      is_used, way)
        for mode in FAILING:
            tap.check(f"{mode}: nothing is left of the secret", is_refused,
                      mode)
        tap.check("nothing is left of a new secret", is_replaced)
        tap.check("what is left is found", is_found)
        values = set_up(session, server)
        for program in sorted(HELPERS):
            tap.check(f"{program}: nothing is left of the token",
                      is_wiped_by_a_helper, program)


def on_the_machine(tap, live):
    def is_typed():
        machine.names.append(name)
        done = machine.run(
            None, *exits.command(
                "valetkey", "--system", "add", name, "--token-url",
                server.token_url(), "--client-id", "demo", "--ca-file",
                live.ca, "--allow", alice.pw_name, "--secret-stdin"),
            text=MARKER + "\n")
        equal((done.returncode, done.stderr), (0, ""))
        judge("valetkey-vault")

    def judge(*programs):
        exits.read()
        # Whoever else gets it is no program of ours.
        exits.processes = [process for process in exits.processes
                           if "systemd-creds" not in process["words"][0]]
        for program in programs:
            assert program in exits.programs(), exits.programs()
        exits.clean()

    def is_used():
        os.truncate(exits.report, 0)
        machine.run_upcall_by(*exits.command())
        machine.token(alice, name)
        poll(lambda: not machine.processes(), "the end of the upcall")
        judge("valetkey-upcall", "valetkey-broker")
        equal(exits.programs().count("valetkey-broker"), 2)

    with Machine(live) as machine, User() as alice, scripted(live.pki) as \
            server:
        exits = Exits(live.session, machine.directory)
        name = machine.name("left")
        tap.check("server: nothing is left of a secret that was typed",
                  is_typed)
        tap.check("server: nothing is left of the secret", is_used)


def wait_status(process):
    """Raw, which tells of a core; Popen's does not."""
    return os.waitpid(process, 0)[1]


def dump(words, env, directory, ready, files=()):
    """Start it where cores are allowed, and where they would be seen; once
    ready(pid), allow them again from outside, and let it crash."""
    process = os.fork()
    if process == 0:
        for number, file in enumerate(files):
            os.dup2(file, number)
        resource.setrlimit(resource.RLIMIT_CORE, UNLIMITED)
        os.chdir(directory)
        os.execvpe(words[0], words, env)
    try:
        ready(process)
        # Not every root may.
        with contextlib.suppress(PermissionError):
            resource.prlimit(process, resource.RLIMIT_CORE, UNLIMITED)
    finally:
        os.kill(process, signal.SIGSEGV)
        status = wait_status(process)
    return os.WCOREDUMP(status) or bool(os.listdir(directory))


def is_writing(pid):
    """It sleeps, and has nothing else to wait for."""
    return read(pid, "stat").rsplit(b") ", 1)[1][:1] == b"S"


def cores(tap, live):
    """Whatever limit there is: what cannot be looked at has no core."""
    session = live.session

    def make_dir(word):
        path = os.path.join(session.directory, word)
        os.mkdir(path)
        return path

    def is_possible():
        assert dump(["sleep", "60"], session.env, make_dir("core-of-sleep"),
                    lambda pid: poll(lambda: b"sleep" in read(
                        pid, "comm"), "it")), "no core of anything"

    def has_none():
        path = os.path.join(live.programs, "valetkey-fetch")
        before = server.count()
        assert not dump([path, name], session.env, make_dir("core-of-fetch"),
                        lambda pid: poll(lambda: server.count() > before,
                                         "the request"))

    def has_no_token(program, words, text="", env=None):
        """It has the token, and cannot write it."""
        reader, writer = os.pipe()
        os.write(writer, b"x" * fcntl.fcntl(writer, fcntl.F_GETPIPE_SZ))
        with tempfile.TemporaryFile() as request:
            request.write(text.encode())
            request.seek(0)
            assert not dump(
                [os.path.join(live.programs, program), *words],
                {**session.env, **(env or {})}, make_dir(f"core-of-{program}"),
                lambda pid: poll(lambda: is_writing(pid), "its answer"),
                [request.fileno(), writer])
        os.close(reader)
        os.close(writer)

    with scripted(live.pki) as server:
        name = session.add("core", server)
        values = set_up(session, server)
        tap.check("a program that crashes leaves a core here", is_possible)
        for program in sorted(HELPERS):
            helper = HELPERS[program].fill(**values)
            tap.check(f"{program}: its crash leaves no core", has_no_token,
                      program, helper.words, helper.text, helper.env)
        tap.check("valetkey token: its crash leaves no core", has_no_token,
                  "valetkey", ["token", values["name"]])
        server.mode("hang")
        tap.check("a fetcher that crashes leaves none", has_none)


def lookers(tap, live):
    """Another program of the same user."""
    def cannot_be_read(pid):
        for what in "mem", "environ", "maps", "auxv", "stack", "syscall":
            done = session.run("cat", f"/proc/{pid}/{what}")
            assert done.returncode == 1, what
            equal(done.stdout, "")

    def cannot_be_traced(pid):
        child = os.fork()
        if child == 0:
            os.setresgid(*[user.pw_gid] * 3)
            os.setresuid(*[user.pw_uid] * 3)
            libc = ctypes.CDLL(None, use_errno=True)
            os._exit(libc.ptrace(PTRACE_SEIZE, pid, None, None) == 0)
        equal(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)

    def cannot_have_a_core(pid):
        """He may lower its limits, and raise them as far as they go."""
        script = f"""
import resource
try:
    resource.prlimit({pid}, resource.RLIMIT_CORE, {UNLIMITED})
    print("raised")
except (PermissionError, ValueError):
    pass"""
        done = session.run("/usr/bin/python3", "-c", script)
        equal((done.returncode, done.stdout), (0, ""))
        core = re.search(rb"Max core file size +(\d+) +(\d+)",
                         read(pid, "limits"))
        equal(core.groups(), (b"0", b"0"))

    def check(word, pid):
        tap.check(f"{word} cannot be read", cannot_be_read, pid)
        tap.check(f"{word} cannot be traced", cannot_be_traced, pid)
        tap.check(f"{word} cannot have a core", cannot_have_a_core, pid)

    def store_of(pid):
        """The Secret Service does not answer: what asks it is caught."""
        return next((child for child in children_of(pid)
                     if b"valetkey-store" in read(child, "cmdline")), None)

    if os.geteuid() != 0:
        raise Missing("only root can be another user")
    with User() as user, Session(live.programs, user) as session, \
            RawServer(live.pki, hang, context(live.pki)) as server:
        name = session.add("looked-at", server)
        caller = session.popen("valetkey", "token", name)
        fetcher = poll(lambda: next(iter(children_of(caller.pid)), None),
                       "the fetcher")
        poll(server.count, "the request")
        check("a fetcher", fetcher)
        session.daemons[1].send_signal(signal.SIGSTOP)
        adding = session.popen("valetkey", "rotate", name, "--secret-stdin")
        adding.stdin.write(SECRET + "\n")
        adding.stdin.close()
        adding.stdin = None
        store = poll(lambda: store_of(adding.pid), "valetkey-store")
        poll(lambda: os.stat(f"/proc/{store}/environ").st_uid == 0,
             "its precautions")
        check("'valetkey rotate'", adding.pid)
        check("valetkey-store", store)
        for pid in caller.pid, fetcher, adding.pid, store:
            os.kill(pid, signal.SIGKILL)
        for process in caller, adding:
            process.communicate()
        session.daemons[1].send_signal(signal.SIGCONT)


def hang(peer):
    peer.read()
    peer.stream.recv(1)


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]


GROUPS = [on_the_desktop, on_the_machine, cores, lookers]
