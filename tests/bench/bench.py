#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""bench.py --build DIR: what valetkey takes, beside what people use today.

Everything in one run, in a new random order in each round, so that whatever
else the machine does meets all alike.  The figure is the median of the ratios
to a control in the same round, with an interval by bootstrap.  The control is
listed twice; where it is too uneven, or not the same as itself, the part is
measured again, and in the end INCONCLUSIVE.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[1:1] = [os.path.join(TESTS, name)
                 for name in ("servers", "live", "gates")]

import cold  # noqa: E402
import figures  # noqa: E402
import growth  # noqa: E402
import peers  # noqa: E402
import report  # noqa: E402
import upcall  # noqa: E402
from endpoint import TOKEN, Endpoint  # noqa: E402
from gates import compile  # noqa: E402
from live import Live  # noqa: E402
from peers import Case  # noqa: E402
from servers import Missing  # noqa: E402

EMPTY, AGAIN, STATIC = "an empty program", "the same again", "an empty static"
URL, GIT = "https://bench.invalid", "protocol=https\nhost=bench.invalid\n\n"
SECRET_SERVICE = "docker-credential-secretservice get"
OURS = "docker-credential-valetkey get"
BUILDS = {"static": f"{OURS}, static glibc", "musl": f"{OURS}, static musl"}
REPEATS = 3
TRIES = 4  # of each, before it is inconclusive
CROWD = 200
PAUSE = 3  # seconds, after each repeat
WARM_UP = 5


class Bench:
    def __init__(self, options, live):
        self.live, self.session = live, live.session
        self.session.enders = []
        self.scale, self.more, self.seed = options.scale, {}, 0
        self.build = options.build
        self.directory = os.path.join(live.directory, "bench")
        os.mkdir(self.directory)
        self.is_trusted = cold.trust(live)
        self.empty = compile(self.build, "empty", self.directory)
        self.empty_static = compile(self.build, "empty", self.directory,
                                    "-static-pie")
        self.runner = os.path.join(self.directory, "runner")
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", self.runner,
                        os.path.join(HERE, "runner.c")], check=True)
        self.skipped = {}
        for kind in BUILDS:
            self.take_build(kind, getattr(options, kind))

    def take_build(self, kind, build):
        path = build and os.path.join(
            build, "helpers", "docker-credential-valetkey")
        if path and os.path.exists(path):
            self.more[kind] = shutil.copy(
                path, os.path.join(self.directory, f"docker-{kind}"))
        else:
            self.skip(BUILDS[kind], "it was not built")

    def skip(self, name, reason):
        self.skipped[name] = reason
        print(f"skipped: {name}: {reason}", flush=True)

    def program(self, name):
        return os.path.join(self.live.programs, name)

    def controls(self):
        return [Case(EMPTY, self.empty, wanted=""),
                Case(AGAIN, self.empty, wanted="")]

    def try_cases(self, cases, rounds, crowd, seed):
        """What the runner prints; None if one failed."""
        plan = "".join(case.line(self.directory) for case in cases)
        done = self.session.run(self.runner, str(rounds), str(crowd),
                                str(seed), text=plan)
        if done.returncode:
            print(done.stderr.strip(), flush=True)
        return done.stdout if done.returncode == 0 else None

    def run_cases(self, cases, rounds=1, crowd=1, seed=1):
        said = self.try_cases(cases, rounds, crowd, seed)
        assert said is not None
        return said

    def read_cases(self, cases, rounds, crowd, seed):
        """Their times; None if one failed, or had to fetch."""
        self.session.token(self.client)
        asked = self.endpoint.count()
        for case in cases:
            case.restore()
        said = self.try_cases(cases, rounds, crowd, seed)
        if said is None or self.endpoint.count() != asked:
            return None
        return figures.read(said, cases)

    def measure(self, what, cases, rounds, crowd=1):
        """The times of REPEATS quiet repeats, and why they count for nothing
        or None."""
        rounds = max(int(rounds * self.scale), 8)
        self.try_cases(cases, WARM_UP if crowd == 1 else 1, crowd, 0)
        return self.repeats(what, EMPTY, lambda seed: self.read_cases(
            cases, rounds, crowd, seed))

    def repeats(self, what, control, read):
        runs = [self.repeat(f"{what}, repeat {number + 1}", control, read)
                for number in range(REPEATS)]
        why = next((trouble for _, trouble in runs if trouble), None)
        return figures.merge([times for times, _ in runs]), why

    def repeat(self, what, control, read):
        times = None
        for _ in range(TRIES):
            self.seed += 1
            now = read(self.seed)
            if now is None:
                trouble = "a token was not there"
            else:
                times = now
                trouble = figures.noise(times, control, AGAIN)
            print(f"{what}: {trouble or 'quiet'}", flush=True)
            # And so that others of the machine get at their work.
            time.sleep(PAUSE)
            if trouble is None:
                break
        assert times is not None, what
        return times, trouble

    # The parts

    def ours(self):
        name = "docker-credential-valetkey"
        return [
            Case(OURS, self.program(name), "get", text=URL),
            Case("git-credential-valetkey get",
                 self.program("git-credential-valetkey"), "get", text=GIT),
            Case("valetkey token", self.program("valetkey"), "token",
                 self.client),
            *[Case(BUILDS[kind], path, "get", text=URL)
              for kind, path in self.more.items()]]

    def warm_cases(self, endpoint):
        static = Case(STATIC, self.empty_static, wanted="")
        return [*self.controls(), static, *self.ours(),
                *peers.set_up(self.session, endpoint, self.skip)]

    def warm(self, cases):
        times, trouble = self.measure("warm get", cases, 300)
        return cases, times, trouble

    def crowd(self, cases):
        names = [EMPTY, AGAIN, STATIC, OURS, *BUILDS.values(), SECRET_SERVICE]
        cases = [case for case in cases if case.name in names]
        times, trouble = self.measure(f"{CROWD} at once", cases, 20, CROWD)
        return cases, times, trouble

    def growth(self, kind):
        path = os.path.join(self.session.home, ".config/valetkey/clients.conf")
        with open(path) as conf:
            sections = conf.read()
        cases, sizes = growth.cases(self, kind, sections, URL)
        times, trouble = self.measure(f"growth, {kind}",
                                      [*self.controls(), *cases], 100)
        return cases, times, trouble, sizes

    def cold(self):
        with cold.Cold(self) as part:
            rounds = max(int(60 * self.scale), 10)
            for _ in range(TRIES):
                times = part.run(rounds)
                trouble = figures.noise(times, EMPTY, AGAIN)
                print(f"cold get: {trouble or 'quiet'}", flush=True)
                if trouble is None:
                    break
            return times, trouble, part.split(max(rounds // 3, 5))

    def beside_peers(self, parts, out):
        try:
            cases = self.warm_cases(self.endpoint)
            if "warm" in parts:
                out.warm(*self.warm(cases))
            if "crowd" in parts:
                out.crowd(*self.crowd(cases), CROWD)
        finally:
            peers.end(self.session)

    def upcalls(self, out):
        """As the machine is, and with the keys of many users more."""
        rounds = max(int(upcall.ROUNDS * self.scale), 10)
        with upcall.Upcalls(self) as part:
            for kind in upcall.KINDS:
                part.prepare(kind)
                times, trouble = self.repeats(
                    kind, upcall.TRIVIAL, lambda seed: part.read(rounds))
                out.upcall(kind, times, trouble, upcall.keys())

    def run(self, parts, out):
        with Endpoint(self.live.pki) as endpoint:
            self.endpoint = endpoint
            self.client = self.session.add("bench", endpoint, serves=URL)
            self.session.token(self.client)
            if "upcall" in parts:
                try:
                    self.upcalls(out)
                except Missing as reason:
                    self.skip("upcalls", str(reason))
            if "growth" in parts:
                for kind in growth.KINDS:
                    out.growth(kind, *self.growth(kind))
            if {"warm", "crowd"}.intersection(parts):
                self.beside_peers(parts, out)
            if "cold" in parts:
                out.cold(*self.cold())
        out.skipped(self.skipped)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--static", help="one with --enable-static-helpers")
    parser.add_argument("--musl", help="the same with CC=musl-gcc")
    parser.add_argument("--scale", type=float, default=1,
                        help="so many times the rounds")
    parser.add_argument("--parts", default="upcall,growth,warm,crowd,cold")
    parser.add_argument("--json", help="a file for the figures")
    options = parser.parse_args()
    out = report.Report(len(TOKEN))
    with tempfile.TemporaryDirectory(prefix="vk-bench-") as directory:
        try:
            live = Live(options.build, directory)
            bench = Bench(options, live)
            with live.session:
                bench.run(options.parts.split(","), out)
        except Missing as reason:
            print(f"skipped: {reason}")
            return 0
    out.end()
    if options.json:
        with open(options.json, "w") as file:
            json.dump(out.data, file, indent=1)
            file.write("\n")
    return 0


if __name__ == "__main__":
    # So that what was started is ended, and what was made removed.
    signal.signal(signal.SIGTERM, lambda *ignored: sys.exit(1))
    sys.exit(main())
