#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""gates.py --build DIR: what a warm credential helper may cost.

Counted, not timed, so that the result is the same on any machine: libraries,
system calls, instructions, page faults, memory.  All but the first are
compared with an empty C program that was built with the same flags; where the
client sends JSON, with one that reads it.
"""

import argparse
import base64
import json
import os
import re
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
BENCH = os.path.join(TESTS, "bench")
sys.path[1:1] = [os.path.join(TESTS, "servers"), os.path.join(TESTS, "live")]

from built import programs  # noqa: E402
from live import Live, User  # noqa: E402
from machine import Machine  # noqa: E402
from servers import Missing, scripted  # noqa: E402

NEEDED = {"libc.so.6", "libkeyutils.so.1"}
JSON = "libjson-c.so.5"

# What a helper may cost with 100 clients, by what an empty program costs
LIMITS = {
    "system calls": lambda empty: empty + 20,
    "instructions": lambda empty: empty + 150_000,
    "minor faults": lambda empty: empty + 25,
    "peak KiB": lambda empty: 2048,
}
# What is linked statically (--enable-static-helpers) has to start with less
# work than a dynamic program that does nothing.
STATIC_LIMITS = {
    "system calls": lambda empty: empty,
    "instructions": lambda empty: empty,
    "minor faults": lambda empty: empty,
    "peak KiB": lambda empty: 2048,
}
# Each run is the child of a process of its own, as it is for a tool that is
# started again: what one process asks twice for may have been refused.
PARENT = ["sh", "-c", '"$@"; exit', "sh"]

GROWTH = 2  # instructions with 1,000 clients, to those with 100
REPEATS = 11

HOST = "bru-2.zeebe.camunda.io"
PATH = "7b1d9f0e-4c55-4b0e-9d6c-2f9a54c0b6aa"
BARE_HOST = "modules.example.com"  # for tools that know no path


class Helper:
    """A warm get.  words, text and env name the token by {host}, {path},
    {bare_host} and {name}.  json: its client sends JSON; then what it is
    compared with reads it with json-c and does no more.  more: what it may
    cost beyond the limits, for what other helpers need not do."""

    def __init__(self, *words, text="", env=None, json=False, more=None):
        self.words, self.text, self.env = words, text, env or {}
        self.json, self.more = json, more or {}

    def fill(self, **values):
        def put(text):
            for name, value in values.items():
                text = text.replace("{" + name + "}", value)
            return text
        return Helper(*map(put, self.words), text=put(self.text),
                      env={key: put(value)
                           for key, value in self.env.items()},
                      json=self.json, more=self.more)

    def limit(self, figure, empty, limits):
        return limits[figure](empty) + self.more.get(figure, 0)


# valetkey-k8s reads it from the environment, what it is compared with from
# standard input.
EXEC_INFO = json.dumps({
    "kind": "ExecCredential",
    "apiVersion": "client.authentication.k8s.io/v1",
    "spec": {"cluster": {"server": "https://{host}/{path}"},
             "interactive": False}}) + "\n"

# Was this token given to the same process before (keyring/given.h)?
# getppid; open, read and close of its /proc/PID/stat; search, describe and
# read of the note; update and timeout of it.  Instructions are what callgrind
# counts in it, and what ld.so takes for getppid.
PARENT_CHECK = {"system calls": 9, "instructions": 7_500}

# Do paths of this registry have tokens of their own (vk_helper_has_paths)?
# It goes through clients.conf once more.
PATHS_CHECK = {"instructions": 6_500}

# One prctl(2), so that no core has the token, is more than there was room for
# in those that need a call more than the others: docker's input has no end but
# that of the file, and cargo waits for a hello before it asks.
NO_CORE = {"system calls": 1}

HELPERS = {
    "cargo-credential-valetkey": Helper(
        "--cargo-plugin", json=True, more=NO_CORE,
        text='{"v":1,"registry":{"index-url":"sparse+https://{host}/{path}/",'
             '"name":"team"},"kind":"get","operation":"read"}\n'),
    "docker-credential-valetkey": Helper(
        "get", text="https://{host}/{path}", more=NO_CORE),
    "git-credential-valetkey": Helper(
        "get", text="protocol=https\nhost={host}\npath={path}\n\n"),
    "terraform-credentials-valetkey": Helper("get", "{bare_host}"),
    "valetkey-bazel": Helper("get", json=True,
                             text='{"uri":"https://{host}/{path}/ac"}'),
    "valetkey-k8s": Helper(
        text=EXEC_INFO, env={"KUBERNETES_EXEC_INFO": EXEC_INFO},
        json=True, more=PARENT_CHECK),
    "valetkey-keyring": Helper("get", "https://{host}/{path}/", "me"),
    "valetkey-kubelet": Helper(
        text=json.dumps({
            "kind": "CredentialProviderRequest",
            "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
            "image": "{host}/{path}:v1"}),
        json=True, more=PATHS_CHECK),
    "valetkey-npm": Helper("{name}"),
}

# 'valetkey run' may cost as much, beyond becoming the command by itself.
RUN = ["run", "{name}", "--env", "T", "--"]
# What is measured for that cannot be run; saying so is not part of the cost.
RUN_MESSAGE = 6000


def set_up(session, server):
    """Tokens in the cache; give what HELPERS name them by."""
    name = session.add("gates", server, serves=f"https://{HOST}/{PATH}")
    bare = session.add("gates-host", server, serves=f"https://{BARE_HOST}")
    for client in name, bare:
        session.token(client)
    return {"host": HOST, "path": PATH, "bare_host": BARE_HOST, "name": name}


# What an upcall may cost beyond one that only instantiates the key, without
# the reads of /proc/keys, whose length is the kernel's; and with the keys of
# so many other users not more than without.
UPCALL = {"a hit, by name": (130, 400_000), "a hit, by group": (140, 420_000),
          "a refusal, by name": (100, 340_000),
          "no such client": (80, 260_000)}
CROWD = 60
# Others each time: what a user got once stays until the machine is started.
FIRST_UID = 420000000 + os.getpid() % 100000 * 100
COUNTED = """#!/bin/sh
test -s {directory}/is-slow || exec strace -f -o {directory}/trace {program} "$@"
exec valgrind --tool=callgrind --callgrind-out-file=/dev/null \
    --log-file={directory}/instructions {program} "$@"
"""


class Table:
    """Prints a line for each figure, and keeps the score."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    @staticmethod
    def line(what, measured, empty, limit, verdict):
        print(f"{what:37} {measured:>9} {empty:>9} {limit:>9} {verdict:>6}",
              flush=True)

    def judge(self, what, measured, empty, limit):
        good = measured <= limit
        self.passed += good
        self.failed += not good
        self.line(what, measured, empty, limit, "ok" if good else "FAILED")

    def judge_libraries(self, program, libraries, json=False):
        allowed = NEEDED | {JSON} if json else NEEDED
        self.judge_fact(f"{program} needs {', '.join(libraries) or 'nothing'}",
                        set(libraries) <= allowed)

    def judge_fact(self, what, good):
        self.passed += good
        self.failed += not good
        print(f"{what}: {'ok' if good else 'FAILED'}", flush=True)

    def head(self):
        self.line("", "measured", "empty", "limit", "")

    def skip(self, reason):
        self.skipped += 1
        print(f"skipped: {reason}")

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed, "
              f"{self.skipped} skipped")
        return 1 if self.failed else 0


def make_variables(build):
    """The variables of the build's Makefile."""
    with open(os.path.join(build, "Makefile")) as makefile:
        return dict(re.findall(r"^(\w+) = (.*)$", makefile.read(), re.M))


def compile(build, name, directory, *more, source=HERE):
    """A program of this directory, with the flags of the build and more."""
    variables = make_variables(build)
    words = [shlex.split(variables.get(name, "")) for name in (
        "CC", "CPPFLAGS", "WARN_CFLAGS", "HARD_CFLAGS", "PIE_CFLAGS", "CFLAGS",
        "HARD_LDFLAGS", "PIE_LDFLAGS", "LDFLAGS")]
    if any("-fsanitize" in word for word in sum(words, [])):
        raise Missing("a build with sanitizers costs what they cost")
    out = os.path.join(directory, "-".join([name, *more]))
    subprocess.run([*sum(words, []), "-o", out,
                    os.path.join(source, name + ".c"), *more], check=True)
    return out


def libraries(program):
    said = subprocess.run(["readelf", "-d", program], check=True,
                          capture_output=True, text=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", said)


def client_sections(number):
    """A client as 'valetkey import' makes it: five tokens, each with URLs of
    hosts that it shares with other clients."""
    cluster = uuid.uuid5(uuid.NAMESPACE_URL, f"team {number}")
    region = ["bru-2", "cdg-1", "iad-1", "lhr-1", "syd-1"][number % 5]
    lines = [f"# the cluster of team {number}",
             f"[client team-{number}]",
             "token-url = https://login.cloud.camunda.io/oauth/token",
             f"client-id = {base64.b64encode(cluster.bytes).decode()}",
             "audience = zeebe.camunda.io",
             f"serves = https://{region}.zeebe.camunda.io/{cluster}, "
             f"https://{cluster}.{region}.zeebe.camunda.io"]
    for token in "tasklist", "operate", "optimize", "secrets":
        lines += ["", f"[token team-{number}/{token}]",
                  f"audience = {token}.camunda.io",
                  f"serves = https://{region}.{token}.camunda.io/{cluster}"]
    return "\n".join(lines) + "\n\n"


def is_static(program):
    said = subprocess.run(["readelf", "-l", program], check=True,
                          capture_output=True, text=True).stdout
    return " INTERP " not in said


def has_lookups(program):
    """Of users or hosts: a static glibc loads libraries for them."""
    said = subprocess.run(["nm", program], check=True, capture_output=True,
                          text=True).stdout
    return "__nss_" in said


class Gates:
    def __init__(self, build, live, table):
        self.session = live.session
        self.table = table
        self.directory = live.directory
        self.empty = compile(build, "empty", self.directory)
        self.empty_json = compile(build, "json", self.directory, "-ljson-c")
        self.exec = compile(build, "exec", self.directory)
        self.meter = compile(build, "measure", self.directory)

    def run(self, *command, status=0):
        done = self.session.run(*command, text=self.text, env=self.env)
        assert done.returncode == status, (command, done.stdout, done.stderr)
        return done

    def measure(self, *command):
        faults, rss = self.memory(*command)
        return {"system calls": self.calls(*command),
                "instructions": self.instructions(*command),
                "minor faults": faults, "peak KiB": rss}

    def calls(self, *command):
        """The least of some runs: one warm get in 64 counts itself."""
        return min(self.count_calls(*command) for _ in range(3))

    def count_calls(self, *command):
        trace = os.path.join(self.directory, "trace")
        self.run("strace", "-f", "-o", trace, *command)
        with open(trace) as lines:
            return sum(1 for line in lines if re.match(r"\d+ +\w+\(", line))

    def instructions(self, *command, status=0):
        """The least of some runs: a key that the kernel just collects, or
        an address, can make one longer."""
        said = [self.run(*PARENT, "valgrind", "--tool=callgrind",
                         "--callgrind-out-file=/dev/null", *command,
                         status=status).stderr
                for _ in range(3)]
        return min(int(re.search(r"Collected : (\d+)", text)[1])
                   for text in said)

    def memory(self, *command):
        """Each the median of several runs: addresses are random."""
        runs = [self.run(self.meter, *command).stderr.split()
                for _ in range(REPEATS)]
        return [int(statistics.median(map(int, column)))
                for column in list(zip(*runs))[:2]]

    def write_conf(self, count, sections):
        """The client under test is the last one of count."""
        path = os.path.join(self.session.home, ".config/valetkey/clients.conf")
        with open(path, "w") as conf:
            for number in range(count - 1):
                conf.write(client_sections(number))
            conf.write(sections)

    def judge_helper(self, program, helper, sections):
        path = shutil.which(program, path=self.session.env["PATH"])
        command = [path, *helper.words]
        limits = STATIC_LIMITS if is_static(path) else LIMITS
        self.text, self.env = helper.text, helper.env
        title = re.sub("-?(valetkey|credentials?)-?", "", program) + " get, "
        empty = self.measure(self.empty_json if helper.json else self.empty)
        self.write_conf(100, sections)
        cost = self.measure(*command)
        if program == "docker-credential-valetkey":
            self.direct_calls = cost["system calls"]
        for figure, value in cost.items():
            self.table.judge(f"{title}100 clients: {figure}", value,
                             empty[figure],
                             helper.limit(figure, empty[figure], limits))
        self.write_conf(1000, sections)
        figure = "instructions"
        self.table.judge(f"{title}1000 clients: {figure}",
                         self.instructions(*command),
                         empty[figure], self.growth_limit(
                             limits, cost[figure], empty[figure]))

    @staticmethod
    def growth_limit(limits, cost, empty):
        """A static one may grow by what a dynamic one may cost."""
        if limits is STATIC_LIMITS:
            return cost + LIMITS["instructions"](empty)
        return GROWTH * cost

    def measure_run(self, *program):
        """One that becomes the empty program. What callgrind counts is lost
        then: for that it is one that is not there."""
        faults, rss = self.memory(*program, self.empty)
        return {"system calls": self.calls(*program, self.empty),
                "instructions": self.instructions(
                    *program, self.empty + "-not-there", status=127),
                "minor faults": faults, "peak KiB": rss}

    def judge_run(self, name, sections):
        program = shutil.which("valetkey", path=self.session.env["PATH"])
        limits = STATIC_LIMITS if is_static(program) else LIMITS
        self.text, self.env = "", {}
        self.write_conf(100, sections)
        empty = self.measure_run(self.exec)
        cost = self.measure_run(program, *[
            word.replace("{name}", name) for word in RUN])
        for figure, value in cost.items():
            self.table.judge(f"valetkey run, 100 clients: {figure}", value,
                             empty[figure], limits[figure](empty[figure]))

    def judge(self, pki):
        with scripted(pki) as server:
            values = set_up(self.session, server)
            with open(os.path.join(self.session.home, ".config", "valetkey",
                                   "clients.conf")) as conf:
                sections = conf.read()
        for program, helper in HELPERS.items():
            self.judge_helper(program, helper.fill(**values), sections)
        self.judge_run(values["name"], sections)


    def judge_broker(self, live):
        """The same for a client of the machine, whose key is root's."""
        program, direct = "docker-credential-valetkey", self.direct_calls
        with Machine(live) as machine, scripted(live.pki) as server:
            name = machine.add("gates", server, allow="root",
                               serves=f"https://{HOST}/{PATH}")
            machine.token(None, name)
            shutil.rmtree(os.path.join(self.session.home, ".config/valetkey"))
            self.env = {"VALETKEY_SYSCONFDIR": machine.etc}
            self.text = f"https://{HOST}/{PATH}"
            command = [shutil.which(program, path=self.session.env["PATH"]),
                       "get"]
            empty = self.measure(self.empty)
            cost = self.measure(*command)
            machine.run(None, "valetkey", "drop", name)
        limits = STATIC_LIMITS if is_static(command[0]) else LIMITS
        for figure, value in cost.items():
            self.table.judge(
                f"docker get, broker mode: {figure}", value, empty[figure],
                HELPERS[program].limit(figure, empty[figure], limits))
        self.table.judge("docker get, broker mode, to direct",
                         cost["system calls"], direct, direct)


    def judge_upcalls(self, build, live):
        """Hits and refusals, compared with an upcall that does nothing."""
        trivial = compile(build, "trivial", self.directory, "-lkeyutils",
                          source=BENCH)
        with Machine(live) as machine, User() as user, \
                scripted(live.pki) as server:
            upcalls = Upcalls(machine, user)
            crowd = ", ".join(f"#{FIRST_UID + n}" for n in range(CROWD))
            by_name = machine.add("by-name", server,
                                  allow=f"#0, {user.pw_name}, {crowd}")
            names = {
                "a hit, by name": by_name,
                "a hit, by group": machine.add(
                    "by-group", server, allow=f"#0, @{user.pw_name}"),
                "a refusal, by name": machine.add(
                    "closed", server, allow="#0, nobody"),
                "no such client": machine.name("none")}
            for name in list(names.values())[:3]:
                machine.token(None, name)
            upcalls.run(machine.upcall)
            cost = {what: upcalls.measure(name)
                    for what, name in names.items()}
            upcalls.run(trivial)
            empty = upcalls.measure(machine.name("trivial"))
            upcalls.run(machine.upcall, counted=False)
            before = upcalls.lines_of_users()
            for number in range(CROWD):
                assert machine.request(FIRST_UID + number,
                                       f"valetkey:{by_name}") == 0
            seen = upcalls.lines_of_users() - before
        for what, limits in UPCALL.items():
            for number, figure in enumerate(("system calls", "instructions")):
                self.table.judge(f"upcall, {what}: {figure}",
                                 cost[what][number], empty[number],
                                 empty[number] + limits[number])
        self.table.judge(f"upcall: lines of /proc/keys by {CROWD} users", seen,
                         0, 0)


class Upcalls:
    """Those of a machine, whose rule is to run another program."""

    def __init__(self, machine, user):
        self.machine, self.user = machine, user
        self.directory = machine.directory

    def path(self, name):
        return os.path.join(self.directory, name)

    def run(self, program, counted=True):
        with open(self.path("counted"), "w") as out:
            out.write(COUNTED.format(directory=self.directory,
                                     program=program))
        os.chmod(self.path("counted"), 0o755)
        if counted:
            program = self.path("counted")
        with open(self.machine.rule, "w") as rule:
            rule.write(f"create user valetkey:{self.machine.tag}* *"
                       f" {program} %k\n")

    def request(self, name, is_slow):
        with open(self.path("is-slow"), "w") as out:
            out.write("x" * is_slow)
        self.machine.clear(self.user)
        self.machine.request(self.user, f"valetkey:{name}")

    def measure(self, name):
        """The least of some: system calls, instructions."""
        found = []
        for _ in range(3):
            self.request(name, False)
            with open(self.path("trace")) as lines:
                calls = count_calls(lines)
            self.request(name, True)
            with open(self.path("instructions")) as log:
                found.append((calls, int(re.search(r"Collected : (\d+)",
                                                   log.read())[1])))
        return list(map(min, zip(*found)))

    def lines_of_users(self):
        """Those that each upcall has to read for what users have."""
        with open("/proc/keys") as keys:
            return sum(1 for line in keys
                       if f"valetkey:{self.machine.tag}" in line
                       or re.search(rf" u{FIRST_UID // 100}\d\d: ", line))


def count_calls(lines):
    count, is_reading = 0, False
    for line in lines:
        if not re.match(r"\d+ +\w+\(", line):
            continue
        is_reading = "/proc/keys" in line or (is_reading and " read(" in line)
        count += not (is_reading and " read(" in line)
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True)
    build = parser.parse_args().build
    table = Table()
    for program in HELPERS:
        table.judge_libraries(program,
                              libraries(programs(build)[program]),
                              HELPERS[program].json)
    # Some of its commands may want JSON; what is run must not pay for that.
    table.judge_libraries("valetkey",
                          libraries(programs(build)["valetkey"]))
    for program in [*HELPERS, "valetkey"]:
        if is_static(programs(build)[program]):
            table.judge_fact(f"{program} looks up no user and no host",
                             not has_lookups(programs(build)[program]))
    with tempfile.TemporaryDirectory(prefix="vk-gates-") as directory:
        try:
            for program in "strace", "valgrind":
                if not shutil.which(program):
                    raise Missing(f"{program} is not installed")
            live = Live(build, directory)
            table.head()
            with live.session:
                gates = Gates(build, live, table)
                gates.judge(live.pki)
                gates.judge_broker(live)
                gates.judge_upcalls(build, live)
        except Missing as reason:
            table.skip(reason)
    return table.end()


if __name__ == "__main__":
    # So that what was started is ended, and what was made removed.
    signal.signal(signal.SIGTERM, lambda *ignored: sys.exit(1))
    sys.exit(main())
