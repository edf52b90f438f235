# SPDX-License-Identifier: MIT
"""A cold get, its stages, and the naive program for comparison.

The governor leaves 1.1 seconds between two requests to one endpoint, so there
are several endpoints, and each has its client.  What is trusted is what the
machine trusts, and the test's CA with it: root can have that in a mount
namespace of his own, others name it by ca-file.
"""

import contextlib
import ctypes
import os
import random
import shutil
import statistics
import subprocess
import time

from endpoint import Endpoint
from peers import Case

ENDPOINTS = 8
PACE = 1.2  # seconds
CERTS = "/etc/ssl/certs"
BUNDLE = "ca-certificates.crt"
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000
HERE = os.path.dirname(os.path.abspath(__file__))

OURS = "docker-credential-valetkey get, cold"
NAIVE = "naive: libsecret, libcurl, CA bundle"
PARTS = {
    "naive, only loading": "load",
    "naive, only loading and the secret": "secret",
    "naive, only loading and the request": "https",
}

# (program, stage) reached -> what was done until then
STAGES = {
    ("valetkey-fetch", "loaded"):
        "the helper finds nothing and starts valetkey-fetch, which is loaded",
    ("valetkey-fetch", "secret-asked"):
        "clients.conf is checked, D-Bus connected",
    ("valetkey-fetch", "secret-read"): "the secret, by libsecret",
    ("valetkey-fetch", "request-starts"): "the governor; libcurl is prepared",
    ("valetkey-fetch", "request-ended"): "TCP, TLS, the request, the answer",
    ("valetkey-fetch", "ended"): "the token is put into the keyring",
    ("docker-credential-valetkey", "ended"):
        "valetkey-fetch ends; the helper answers",
}


def trust(live):
    """Give whether the test's CA is among those of the machine; then for this
    process and its children only."""
    if os.geteuid() != 0 or not os.path.exists(f"{CERTS}/{BUNDLE}"):
        return False
    certs = os.path.join(live.directory, "certs")
    shutil.copytree(CERTS, certs, symlinks=True)
    with open(live.ca) as source, open(f"{certs}/{BUNDLE}", "a") as bundle:
        bundle.write(source.read())
    shutil.copy(live.ca, f"{certs}/vk-bench.pem")
    shown = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in",
                            live.ca], capture_output=True, text=True)
    os.symlink("vk-bench.pem", f"{certs}/{shown.stdout.strip()}.0")
    os.chmod(certs, 0o755)
    libc = ctypes.CDLL(None)
    return (libc.unshare(CLONE_NEWNS) == 0 and
            libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0 and
            libc.mount(certs.encode(), CERTS.encode(), None, MS_BIND,
                       None) == 0)


def compile_with(bench, out, source, packages, *more):
    path = os.path.join(bench.directory, out)
    said = subprocess.run(["pkg-config", "--cflags", "--libs", *packages],
                          check=True, capture_output=True, text=True)
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", path,
                    os.path.join(HERE, source), *more, *said.stdout.split(),
                    "-lkeyutils"], check=True)
    return path


class Cold:
    def __init__(self, bench):
        self.bench, self.session = bench, bench.live.session
        self.stack = contextlib.ExitStack()
        self.used = {}
        self.naive = compile_with(bench, "naive", "naive.c",
                                  ["libsecret-1", "libcurl", "json-c"])
        self.stages = compile_with(bench, "stages.so", "stages.c",
                                   ["libsecret-1", "libcurl"], "-shared",
                                   "-fPIC")

    def __enter__(self):
        options = {"ca_file": None} if self.bench.is_trusted else {}
        self.ends = [self.stack.enter_context(Endpoint(self.bench.live.pki))
                     for _ in range(ENDPOINTS)]
        self.names = [
            self.session.add(f"cold-{i}", end, **options,
                             serves=f"https://cold-{i}.invalid")
            for i, end in enumerate(self.ends)]
        return self

    def __exit__(self, *ignored):
        self.stack.close()

    def naive_case(self, number, name, part):
        ca = "-" if self.bench.is_trusted else self.bench.live.ca
        has_answer = part in ("all", "https")
        return Case(name, self.naive, part, self.names[number],
                    self.ends[number].token_url(), ca,
                    **({} if has_answer else {"wanted": ""}))

    def ours(self, number, **env):
        return Case(OURS, self.bench.program("docker-credential-valetkey"),
                    "get", text=f"https://cold-{number}.invalid", env=env)

    def cases(self, number):
        parts = [self.naive_case(number, name, part)
                 for name, part in PARTS.items()]
        return [*self.bench.controls(), self.ours(number),
                self.naive_case(number, NAIVE, "all"), *parts]

    def next(self, number):
        """The endpoint of a round, made cold, when it may be asked."""
        which = number % ENDPOINTS
        self.session.drop(self.names[which])
        left = self.used.get(which, 0) + PACE - time.monotonic()
        if left > 0:
            time.sleep(left)
        return which

    def run(self, rounds):
        """{name: {round: nanoseconds}}"""
        times = {}
        before = sum(end.count() for end in self.ends)
        for number in range(rounds):
            which = self.next(number)
            cases = self.cases(which)
            random.shuffle(cases)
            for case in cases:
                said = self.bench.run_cases([case])
                times.setdefault(case.name, {})[number] = int(said.split()[2])
            self.used[which] = time.monotonic()
        asked = sum(end.count() for end in self.ends) - before
        # Ours, and two of the naive ones: each run was a cold one.
        assert asked == 3 * rounds, (asked, rounds)
        return {case.name: times[case.name] for case in self.cases(0)}

    def split(self, rounds):
        """[(stage, milliseconds)]: medians of what lies between."""
        path = os.path.join(self.bench.directory, "stages")
        spans = {}
        for number in range(rounds):
            which = self.next(number)
            open(path, "w").close()
            self.bench.run_cases([self.ours(
                which, LD_PRELOAD=self.stages, STAGES=path)])
            self.used[which] = time.monotonic()
            with open(path) as lines:
                words = [line.split() for line in lines]
            last = int(words[0][2])
            for program, stage, moment in words:
                if (program, stage) in STAGES:
                    spans.setdefault((program, stage), []).append(
                        int(moment) - last)
                    last = int(moment)
        return [(STAGES[key], statistics.median(values) / 1e6)
                for key, values in spans.items()]
