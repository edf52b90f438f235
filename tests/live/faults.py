# SPDX-License-Identifier: MIT
"""Everything breaks, all the time: 'make chaos'.

    ROUNDS=1000 SEED=42 run.py --build DIR faults

Each round one to four callers want a token that may be there or not, and
something of what they need is killed, stopped, full or slow, before or while
they run.  Whatever they are told must be true, and once all is well again the
next caller is served.
"""

import contextlib
import json
import os
import random

from faultkinds import FAULTS, disk_full
from faultworld import LIFE, MARGIN, TOKENS, World
from live import User
from marks import holds
from raw import context
from servers import Missing
from session import SECRET, Session
from tap import equal

ROUNDS_WANTED = os.environ.get("ROUNDS")
ROUNDS = int(ROUNDS_WANTED or 30)
SEED = int(os.environ.get("SEED") or random.randrange(1 << 32))


class Round:
    def __init__(self, world, rng, fault):
        self.world, self.rng, self.fault = world, rng, fault

    def call(self, word):
        """How one asks by URL, by name, and as git does."""
        world = self.world
        way = self.rng.choice(["docker", "git", "token"])
        words, text = {
            "docker": (["docker-credential-valetkey", "get"],
                       f"https://{word}.invalid"),
            "git": (["git-credential-valetkey", "get"],
                    f"protocol=https\nhost={word}.invalid\n\n"),
            "token": (["valetkey", "token", world.names[word]], "")}[way]
        try:
            process = world.session.popen(*words, **world.more)
        except Exception:  # its limits do not even let it start
            return None
        process.text, process.way, process.word = text, way, word
        process.began = world.now()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(text)
            process.stdin.close()
        process.stdin = None
        return process

    def token(self, process, out):
        if process.way == "docker":
            return json.loads(out)["Secret"]
        if process.way == "git":
            return dict(line.split("=", 1) for line in out.splitlines()
                        if "=" in line).get("password")
        return out.strip()

    def judge(self, process):
        """A token that is right and lives, or no part of one."""
        out, errors = process.communicate()
        world = self.world
        equal(holds(out + errors, [SECRET]), [])
        is_ours = process.returncode >= 0 and not world.more
        if process.returncode or "quit=1" in out:
            for token in world.town.minted:
                assert token not in out + errors, "a token of a failure"
            if is_ours and process.returncode == 1 and process.way == "token":
                assert "killed" in errors or "ended" in errors, errors
            assert not is_ours or errors or out, "no word"
            return False
        token = self.token(process, out)
        audience, born = world.town.minted[token]
        equal(audience, f"{process.word}.x")
        # Asked for while it lived, by the boot clock.
        assert process.began < born + LIFE - MARGIN + 1, "a dead token"
        return True

    def play(self):
        world, rng = self.world, self.rng
        world.kills, world.has_memory, world.more = 0, True, {}
        for word in TOKENS:
            if rng.random() < 0.6:
                world.drop(word)
        world.town.asked = []
        fault = self.fault(world, rng)
        next(fault)
        world.crowd = [self.call(rng.choice(TOKENS))
                       for _ in range(rng.randint(1, 4))]
        world.crowd = [process for process in world.crowd if process]
        with world.hurry():
            if world.crowd:
                next(fault)
            served = [self.judge(process) for process in world.crowd]
        next(fault, None)
        world.town.heal()
        world.settle()
        self.count()
        return sum(served)

    def count(self):
        """A request for each token, and another for who was killed; where
        nothing can be kept, one for each caller."""
        world = self.world
        asked = world.town.asked
        for word in TOKENS:
            most = 1 + world.kills if world.has_memory else 9
            assert asked.count(f"{word}.x") <= most, (asked, world.kills)
        equal(world.town.wrong, 0)

    def recover(self):
        """Nothing is left that stands in anybody's way."""
        world, rng = self.world, self.rng
        world.forgive()
        for word in TOKENS:
            if rng.random() < 0.3:
                world.drop(word)
            name = world.names[word]
            token = world.session.token(name, "--timeout", "20")
            audience, born = world.town.minted[token]
            equal(audience, f"{word}.x")
            assert world.now() < born + LIFE - MARGIN + 1, "a dead token"
            world.move(2)
        equal(world.read_conf(), world.conf)
        equal(set(os.listdir(world.config)) - {".lock", "clients.conf"},
              set())


def faults(tap, live):
    rng = random.Random(SEED)
    seen = {}

    def survive(number):
        """One that fails is told with all that is needed to see it again."""
        fault = rng.choice(usable)
        try:
            this = Round(world, random.Random(f"{SEED}/{number}"), fault)
            served = this.play()
            this.recover()
        except Exception:
            print(f"# round {number}: {fault.__name__}", flush=True)
            raise
        known = seen.setdefault(fault.__name__, [0, 0])
        known[0] += 1
        known[1] += served

    def survive_all():
        for number in range(ROUNDS):
            survive(number)

    if os.geteuid() != 0:
        raise Missing("only root can be another user")
    print(f"# SEED={SEED}", flush=True)
    with User() as user, Session(live.programs, user) as session, \
            World(live, session, live.pki, context(live.pki)) as world:
        usable = [fault for fault in FAULTS
                  if world.disk or fault is not disk_full]
        if not world.disk:
            print("# no disk that is full: mount(8) is not allowed here")
        tap.check(f"{ROUNDS} rounds of faults", survive_all)
    for name, (times, served) in sorted(seen.items()):
        print(f"# {name}: {times} times, {served} served", flush=True)


GROUPS = [faults]
