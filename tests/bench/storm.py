#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""storm.py --build DIR: many cold callers at once, against several endpoints.

Each caller is a docker helper that has started and waits for the end of its
input; then all are let go.  In the comparison of cold with warm ones each is a
'valetkey token', from its start.  Only the requests and the answers are
judged; the times depend on the machine and are printed.
"""

import argparse
import os
import resource
import selectors
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[1:1] = [os.path.join(TESTS, "servers"), os.path.join(TESTS, "live")]

from live import Live  # noqa: E402
from servers import Missing, scripted  # noqa: E402
from session import poll  # noqa: E402

CALLERS = [1, 10, 100, 1000]
FILES_EACH = 3
WAITING = ["docker-credenti", "sh"]  # as the kernel cuts names
# What the endpoint does -> its mode, and what callers get
ENDPOINTS = {
    "good": ("ok", 0),
    "slow (2 s)": ("slow:2000", 0),
    "failing (500)": ("500", 1),
    "rate-limiting (429)": ("429:60", 1),
    "refusing (401)": ("401-auth0", 1),
}
COMPARED = 200
LATENCY = 200  # milliseconds that the endpoint takes there
COLUMNS = "{:20} {:>7} {:>8} {:>14} {:>13}  {}"


def now():
    """Milliseconds."""
    return time.monotonic() * 1000


class Storm:
    """requests that it made; when all were answered and how long the one who
    waited longest did, in milliseconds; and whether all got what they
    should.  let_go lets callers go, and gives when it did."""

    def __init__(self, server, crowd, let_go, status):
        for caller in crowd:
            poll(lambda: is_waiting(caller), "a caller")
        before = server.count()
        starts = let_go(crowd)
        ends = wait(crowd)
        self.requests = server.count() - before
        self.time = max(ends) - starts[0]
        self.worst = max(end - begin for begin, end in zip(starts, ends))
        self.answered = {caller.wait() for caller in crowd} == {status}


def is_waiting(caller):
    """It reads its standard input: it sleeps, and is no copy of us."""
    with open(f"/proc/{caller.pid}/stat") as stat:
        name, _, rest = stat.read().partition("(")[2].rpartition(")")
    return name in WAITING and rest.split()[0] == "S"


def helpers(session, url, count):
    crowd = [session.popen("docker-credential-valetkey", "get",
                           stderr=subprocess.STDOUT) for _ in range(count)]
    for caller in crowd:
        caller.stdin.write(url)
        caller.stdin.flush()

    def let_go(crowd):
        starts = []
        for caller in crowd:
            starts.append(now())
            caller.stdin.close()
        return starts

    return crowd, let_go


def commands(session, name, count):
    """They start when a pipe that they all read is closed."""
    gate, opener = os.pipe()
    crowd = [session.popen("sh", "-c", 'read -r x; exec valetkey token "$1"',
                           "sh", name, stdin=gate, stderr=subprocess.STDOUT)
             for _ in range(count)]
    os.close(gate)

    def let_go(crowd):
        start = now()
        os.close(opener)
        return [start] * len(crowd)

    return crowd, let_go


def wait(crowd):
    """When each of them closed its standard output."""
    ends = [0] * len(crowd)
    with selectors.DefaultSelector() as selector:
        for number, caller in enumerate(crowd):
            selector.register(caller.stdout, selectors.EVENT_READ, number)
        while selector.get_map():
            for key, _ in selector.select():
                if not os.read(key.fd, 65536):
                    ends[key.data] = now()
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
    return ends


def raise_limit(count):
    """Of open files; give how many callers there can be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need = FILES_EACH * count + 100
    if hard != resource.RLIM_INFINITY and hard < need:
        need = hard
    if soft != resource.RLIM_INFINITY and soft < need:
        resource.setrlimit(resource.RLIMIT_NOFILE, (need, hard))
    return (need - 100) // FILES_EACH


class Bench:
    def __init__(self, live):
        self.live = live
        self.session = live.session
        self.clients = 0
        self.failed = 0

    def add(self, server):
        """A client that is cold, and a URL that it serves."""
        self.clients += 1
        url = f"https://storm-{self.clients}.invalid"
        name = self.session.add(f"storm-{self.clients}", server, serves=url)
        return name, url

    def storm(self, what, mode, status, count):
        with scripted(self.live.pki, mode=mode) as server:
            _, url = self.add(server)
            storm = Storm(server, *helpers(self.session, url, count), status)
        good = storm.requests == 1 and storm.answered
        self.failed += not good
        print(COLUMNS.format(what, count, storm.requests,
                             f"{storm.time:.0f} ms", f"{storm.worst:.0f} ms",
                             "ok" if good else "FAILED"), flush=True)

    def compare(self):
        """200 cold callers, and 200 warm ones."""
        with scripted(self.live.pki, mode=f"slow:{LATENCY}") as server:
            name, _ = self.add(server)
            cold, warm = [
                Storm(server, *commands(self.session, name, COMPARED), 0)
                for _ in range(2)]
        good = (cold.requests, warm.requests) == (1, 0)
        good = good and cold.answered and warm.answered
        self.failed += not good
        goal = 2 * warm.time + LATENCY
        print(f"\n{COMPARED} warm callers: {warm.time:.0f} ms; cold, of an"
              f" endpoint that takes {LATENCY} ms: {cold.time:.0f} ms\n"
              f"goal, twice the warm ones and the endpoint: {goal:.0f} ms,"
              f" {'reached' if cold.time <= goal else 'missed'};"
              f" requests {cold.requests} and {warm.requests}:"
              f" {'ok' if good else 'FAILED'}", flush=True)

    def run(self, most):
        print(COLUMNS.format("endpoint", "callers", "requests",
                             "all answered", "worst caller", "").rstrip())
        for what, (mode, status) in ENDPOINTS.items():
            for count in CALLERS:
                if count <= most:
                    self.storm(what, mode, status, count)
        if most >= COMPARED:
            self.compare()
        return 1 if self.failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True)
    build = parser.parse_args().build
    most = raise_limit(max(CALLERS))
    if most < max(CALLERS):
        print(f"skipped: more than {most} callers, for lack of open files")
    with tempfile.TemporaryDirectory(prefix="vk-storm-") as directory:
        try:
            live = Live(build, directory)
            with live.session:
                return Bench(live).run(most)
        except Missing as reason:
            print(f"skipped: {reason}")
            return 0


if __name__ == "__main__":
    # So that what was started is ended, and what was made removed.
    signal.signal(signal.SIGTERM, lambda *ignored: sys.exit(1))
    sys.exit(main())
