# SPDX-License-Identifier: MIT
"""As faults.py, for a client of the machine: the upcall, what fetches for it
and the user's own part are killed and stopped while users ask."""

import contextlib
import os
import random
import signal
import time

from faultkinds import SIGNALS, a_moment, mood, nothing, server_gone
from faults import ROUNDS_WANTED, SEED
from faultworld import FILL, LIFE, MARGIN, Town
from live import User
from machine import Machine
from marks import holds
from raw import context
from session import SECRET, poll
from tap import equal

ROUNDS = int(ROUNDS_WANTED or 15)
ENDPOINTS = 8  # asked in turn, so that nobody waits for the pace of one


class MachineWorld:
    """One client in turn; town is its endpoint."""

    def __init__(self, live, machine, users):
        self.machine, self.users = machine, users
        self.towns = [Town(live.pki, context(live.pki), boot)
                      for _ in range(ENDPOINTS)]
        self.names, self.at = [], 0
        self.kills, self.has_memory = 0, True

    def __enter__(self):
        allow = ",".join(user.pw_name for user in self.users)
        for number, town in enumerate(self.towns):
            town.__enter__()
            name = self.machine.add(f"fault-{number}", town, allow=allow,
                                    audience=f"a{number}.x")
            self.names.append(name)
        with open(os.path.join(self.machine.etc, "clients.conf")) as file:
            self.conf = file.read()
        return self

    def __exit__(self, *ignored):
        for town in self.towns:
            town.healed.set()
            town.__exit__()

    @property
    def town(self):
        return self.towns[self.at]

    @property
    def name(self):
        return self.names[self.at]

    def ours(self, *parts):
        """Processes of the machine's, by what is in their words."""
        return [pid for pid, words in self.machine.processes().items()
                if any(part in " ".join(words) for part in parts)
                and "valetkey" in " ".join(words)]

    def send(self, pid, signo):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signo)
            self.kills += 1

    def settle(self):
        poll(lambda: not self.ours("valetkey"), "the end of all upcalls")
        self.town.settle()


def boot():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


PARTS = {"upcall": ["valetkey-upcall"], "broker": ["--timeout-ms"],
         "exchange": ["--exchange"]}


def killed(part):
    def fault(world, rng):
        yield
        a_moment(rng)
        for pid in world.ours(*PARTS[part]):
            world.send(pid, signal.SIGKILL)
        yield
    fault.__name__ = f"{part}_killed"
    return fault


def stopped(part):
    def fault(world, rng):
        yield
        a_moment(rng)
        found = world.ours(*PARTS[part])
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        a_moment(rng)
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        yield
    fault.__name__ = f"{part}_stopped"
    return fault


def caller_killed(world, rng):
    yield
    a_moment(rng)
    rng.choice(world.crowd).send_signal(rng.choice(SIGNALS))
    yield


def keyring_full(world, rng):
    world.machine.run(world.users[0], "/usr/bin/python3", "-c", FILL)
    yield
    yield
    world.machine.clear(world.users[0])


def dropped(world, rng):
    """By root, while they ask: the next one may fetch again."""
    yield
    a_moment(rng)
    world.kills += 1
    world.machine.system("drop", world.name)
    yield


def cleared(world, rng):
    yield
    a_moment(rng)
    for user in world.users:
        world.machine.clear(user)
    yield


def secret_missing(world, rng):
    """As on a disk that is gone for a moment."""
    path = os.path.join(world.machine.etc, "secrets", f"{world.name}.cred")
    os.rename(path, path + ".away")
    yield
    a_moment(rng)
    yield
    os.rename(path + ".away", path)


FAULTS = [nothing, killed("upcall"), killed("broker"), killed("exchange"),
          stopped("upcall"), stopped("broker"), stopped("exchange"),
          caller_killed, keyring_full, dropped, cleared, secret_missing,
          mood("hang"), mood("drop", "half"), mood("429", "500", "401"),
          server_gone]


def judge(world, process):
    out, errors = process.communicate()
    equal(holds(out + errors, [SECRET]), [])
    if process.returncode:
        equal(out, "")
        assert process.returncode < 0 or errors.count("\n") == 1, errors
        return 0
    audience, born = world.town.minted[out.strip()]
    equal(audience, f"a{world.at}.x")
    assert process.began < born + LIFE - MARGIN, "a dead token"
    return 1


def play(world, rng, fault):
    machine = world.machine
    world.kills = 0
    if rng.random() < 0.7:
        machine.system("drop", world.name)
    for user in world.users:
        if rng.random() < 0.7:
            machine.clear(user)
    world.town.asked = []
    steps = fault(world, rng)
    next(steps)
    world.crowd = []
    for _ in range(rng.randint(1, 4)):
        began = boot()
        process = machine.popen(rng.choice(world.users), "valetkey", "token",
                                world.name)
        process.began = began
        world.crowd.append(process)
    next(steps)
    served = sum(judge(world, process) for process in world.crowd)
    next(steps, None)
    world.town.heal()
    world.settle()
    assert len(world.town.asked) <= 1 + world.kills, (
        world.town.asked, world.kills)
    equal(world.town.wrong, 0)
    return served


def recover(world):
    """Each user has the same token again, once root has said 'retry'."""
    machine = world.machine
    # The kernel may keep "no key" of a caller that was killed.
    for user in world.users:
        machine.clear(user)
    equal(machine.system("retry", world.name).returncode, 0)
    tokens = {machine.token(user, world.name) for user in world.users}
    equal(len(tokens), 1)
    audience, born = world.town.minted[tokens.pop()]
    equal(audience, f"a{world.at}.x")
    assert boot() < born + LIFE - MARGIN, "a dead token"
    with open(os.path.join(machine.etc, "clients.conf")) as file:
        equal(file.read(), world.conf)


def faults_machine(tap, live):
    rng = random.Random(SEED)
    seen = {}

    def survive(number):
        fault = rng.choice(FAULTS)
        world.at = number % ENDPOINTS
        try:
            served = play(world, random.Random(f"{SEED}/{number}"), fault)
            recover(world)
        except Exception:
            print(f"# round {number}: {fault.__name__}", flush=True)
            raise
        known = seen.setdefault(fault.__name__, [0, 0])
        known[0] += 1
        known[1] += served

    def survive_all():
        for number in range(ROUNDS):
            survive(number)

    print(f"# SEED={SEED}", flush=True)
    with Machine(live) as machine, User() as alice, User() as bob, \
            MachineWorld(live, machine, [alice, bob]) as world:
        tap.check(f"server: {ROUNDS} rounds of faults", survive_all)
    for name, (times, served) in sorted(seen.items()):
        print(f"# {name}: {times} times, {served} served", flush=True)


GROUPS = [faults_machine]
