#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""run.py --build DIR --library FAULT.SO [JOB...]: library calls that fail.

Each job is run once for each call that one of its programs makes, which fails
there (fault.c) or is killed.  No program may crash, hang or say a secret; what
it calls a success is one; what it was to change is as before or as it should
be; and the next run works.  --every N takes every N-th call only, from the
one after --skip on.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", name)
                 for name in ("servers", "live")]

from issuer import Issuer  # noqa: E402
from jobs import JOBS  # noqa: E402
from live import Live  # noqa: E402
from servers import Missing  # noqa: E402
from session import Session  # noqa: E402
from tap import Tap  # noqa: E402
from world import World  # noqa: E402

LONGEST = 60
MEMORY = ["malloc", "calloc", "realloc"]
WIPING = ["valetkey-fetch", "valetkey-store"]


class Fault:
    """One call that fails, or none where number is 0."""

    def __init__(self, library, directory, program, number=0, how="once"):
        self.log = os.path.join(directory, "fault.log")
        self.program, self.number, self.how = program, number, how
        self.env = {"LD_PRELOAD": library, "FAULT_PROGRAM": program,
                    "FAULT_AT": str(number), "FAULT_HOW": how,
                    "FAULT_LOG": self.log}

    def run(self, world, command, text):
        if os.path.exists(self.log):
            os.unlink(self.log)
        return subprocess.run(
            command, input=text, text=True, capture_output=True,
            cwd=world.session.directory, timeout=LONGEST,
            env={**world.session.env, **self.env})

    def calls(self):
        if not os.path.exists(self.log):
            return []
        with open(self.log) as log:
            return log.read().splitlines()

    def hit(self):
        return [line for line in self.calls() if line.endswith("fails")]

    def is_memory(self):
        return self.program in WIPING and any(
            line.split()[1] in MEMORY for line in self.hit())

    def __str__(self):
        hit = self.hit()
        return (f"{self.how} at call {self.number} of {self.program}"
                f" ({hit[0] if hit else 'not reached'})")


def check_said(job, fault, done):
    """What holds whatever fails."""
    assert "crash" not in fault.calls(), "a crash"
    if fault.how == "once" and not fault.is_memory():
        assert done.returncode >= 0, f"signal {-done.returncode}"
        assert "was killed" not in done.stderr or \
            "cannot wait" in done.stderr, done.stderr
    for text in job.hidden():
        assert text not in done.stderr, done.stderr
        assert done.returncode == 0 or text not in done.stdout, done.stdout
    if done.returncode > 0 and fault.how == "once":
        assert done.stderr.strip(), "a failure in silence"


def attempt(world, job, fault):
    job.prepare()
    try:
        done = fault.run(world, job.command, job.text)
    except subprocess.TimeoutExpired:
        raise AssertionError("it hangs") from None
    try:
        check_said(job, fault, done)
        job.judge(done.returncode == 0, done)
        job.go_on()
    except AssertionError as error:
        raise AssertionError(
            f"{error}; status {done.returncode}, said {done.stdout!r},"
            f" told {done.stderr!r}") from error
    return done


def numbers(world, job, options, program):
    """The calls to try: all, but of a wiping program's for memory, of which
    most are other libraries', every tenth."""
    fault = Fault(options.library, world.directory, program)
    done = attempt(world, job, fault)
    assert done.returncode == 0, done
    calls = [line.split() for line in fault.calls()]
    memory = [int(number) for number, name in calls if name in MEMORY]
    if program in WIPING:
        memory = memory[::10]
    others = [int(number) for number, name in calls
              if name not in MEMORY and name not in job.excused]
    return sorted(memory + others)[options.skip::options.every]


def try_all(world, job, options, program, how):
    failures, tried = [], numbers(world, job, options, program)
    for number in tried:
        fault = Fault(options.library, world.directory, program, number, how)
        try:
            attempt(world, job, fault)
        except AssertionError as error:
            failures.append(f"{fault}: {error}")
            job.mend()
    assert not failures, "\n".join(
        [f"{len(failures)} of {len(tried)}"] + failures)
    print(f"# {len(tried)} calls", flush=True)


def try_job(tap, live, options, name, how):
    """With a Secret Service of its own: hundreds of clients that are killed
    in the middle of a word have stopped one before."""
    with Session(live.programs) as session, Issuer() as issuer:
        world = World(session, issuer, live.directory)
        job = JOBS[name](world)
        for program in job.programs:
            tap.check(f"{name}: {program}, {how}", try_all, world, job,
                      options, program, how)
        job.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--library", required=True)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--how", default="once,from,kill")
    parser.add_argument("job", nargs="*", help=", ".join(JOBS))
    options = parser.parse_args()
    options.library = os.path.abspath(options.library)
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="vk-fault-") as directory:
        try:
            live = Live(options.build, directory)
            for name in options.job or JOBS:
                for how in options.how.split(","):
                    try_job(tap, live, options, name, how)
        except Missing as reason:
            tap.skip("everything", reason)
    return tap.end()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *ignored: sys.exit(1))
    sys.exit(main())
