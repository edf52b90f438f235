# SPDX-License-Identifier: MIT
"""Everything breaks, all the time: 'make faults'.

    FAULTS=1000 SEED=42 run.py --build DIR faults

Each round one to four callers want a token that may be there or not, and
something of what they need is killed, stopped, full or slow, before or while
they run.  Whatever they are told must be true, and once all is well again the
next caller is served.
"""

import contextlib
import json
import os
import random
import resource
import signal
import time

from faultworld import LIFE, MARGIN, TOKENS, World
from live import User
from marks import holds
from raw import context
from servers import Missing
from session import SECRET, Session
from tap import equal

ROUNDS = int(os.environ.get("FAULTS") or 30)
SEED = int(os.environ.get("SEED") or random.randrange(1 << 32))
SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT]
LIMITS = {resource.RLIMIT_NOFILE: (3, 24), resource.RLIMIT_AS: (4 << 20,
                                                               400 << 20),
          resource.RLIMIT_NPROC: (0, 3), resource.RLIMIT_FSIZE: (0, 4096),
          resource.RLIMIT_STACK: (4096, 1 << 20)}
HOUR = 3600
EXTRA = "extra"


def a_moment(rng):
    time.sleep(rng.random() * rng.choice([0.005, 0.02, 0.06]))


# Each fault: what happens before the callers start, then while they run, then
# when they have ended.  Those that callers would wait for end meanwhile.

def nothing(world, rng):
    yield
    yield


def fetcher_killed(world, rng):
    yield
    a_moment(rng)
    for pid in world.fetchers():
        world.send(pid, rng.choice(SIGNALS))
    yield


def fetcher_stopped(world, rng):
    yield
    a_moment(rng)
    found = world.fetchers()
    for pid in found:
        world.send(pid, signal.SIGSTOP)
    a_moment(rng)
    for pid in found:
        world.send(pid, rng.choice([signal.SIGCONT, signal.SIGKILL]))
    yield


def caller_killed(world, rng):
    yield
    a_moment(rng)
    victim = rng.choice(world.crowd)
    victim.send_signal(rng.choice(SIGNALS))
    world.kills += 1
    yield


def mood(*names):
    def fault(world, rng):
        world.town.mood = rng.choice(names)
        yield
        if world.town.mood == "hang":
            a_moment(rng)
            world.town.healed.set()
        yield
    fault.__name__ = "server_" + "_".join(names)
    return fault


def server_gone(world, rng):
    world.town.close_door()
    yield
    a_moment(rng)
    world.town.open_door()
    yield


def stopped(which):
    def fault(world, rng):
        process = getattr(world, which)
        process.send_signal(signal.SIGSTOP)
        yield
        a_moment(rng)
        process.send_signal(signal.SIGCONT)
        yield
    fault.__name__ = which + "_stopped"
    return fault


def service_killed(world, rng):
    is_early = rng.random() < 0.5
    if is_early:
        world.service.kill()
    yield
    a_moment(rng)
    world.service.kill()
    yield
    world.start_again()


def bus_killed(world, rng):
    if rng.random() < 0.5:
        world.bus.kill()
    yield
    a_moment(rng)
    world.bus.kill()
    yield
    world.start_again(bus=True)


def keyring_full(world, rng):
    world.fill_keyring()
    yield
    world.has_memory = False
    yield
    world.empty_keyring()


def keyring_cleared(world, rng):
    """By another program, and all that was noted with it."""
    yield
    a_moment(rng)
    world.has_memory = False
    world.empty_keyring()
    yield


def disk_full(world, rng):
    """What writes clients.conf fails, and leaves it."""
    world.fill_disk()
    yield
    name = f"{world.names['alpha']}/{EXTRA}"
    done = world.session.run("valetkey", "add", name, "--audience", "e.x",
                             "--parameter", "x=" + "y" * 8000)
    assert done.returncode, "a full disk took it"
    equal(done.stderr.count("\n"), 1)
    equal(world.read_conf(), world.conf)
    yield
    world.empty_disk()


def editor_killed(world, rng):
    """clients.conf is the old one or the new one."""
    yield
    name = f"{world.names['beta']}/{EXTRA}"
    editor = world.session.popen("valetkey", "add", name, "--audience", "e.x")
    a_moment(rng)
    editor.send_signal(rng.choice(SIGNALS))
    editor.communicate()
    text = world.read_conf()
    assert text.startswith(world.conf), text
    assert text == world.conf or b"audience = e.x" in text, text
    yield
    if text != world.conf:
        world.session.succeed("valetkey", "remove", name)
        # A blank line stays.
        equal(world.read_conf().strip(), world.conf.strip())
        world.conf = world.read_conf()
    for left in os.listdir(world.config):
        if left.startswith(".new-") or ".new-" in left:
            os.unlink(os.path.join(world.config, left))


def rotation_killed(world, rng):
    """The secret is the same one, and it stays."""
    yield
    editor = world.session.popen("valetkey", "rotate", world.names["alpha"],
                                 "--secret-stdin")
    with contextlib.suppress(BrokenPipeError):
        editor.stdin.write(SECRET + "\n")
        editor.stdin.flush()
        a_moment(rng)
    editor.send_signal(rng.choice(SIGNALS))
    editor.communicate()
    # It drops the tokens, and what was noted.
    world.has_memory = False
    yield


def callers_starved(world, rng):
    what = rng.choice(list(LIMITS))
    number = rng.randint(*LIMITS[what])
    world.more = {"preexec_fn": lambda: resource.setrlimit(
        what, (number, number))}
    world.has_memory = False
    yield
    yield


def clock_jumps(world, rng):
    world.clock.move(boot=rng.choice([0, 1, 60, HOUR // 2, LIFE]),
                     wall=rng.choice([-100 * HOUR, 0, 1, 100 * HOUR]))
    yield
    # The other way, while they run; the boot clock never goes back.
    a_moment(rng)
    world.clock.move(boot=rng.choice([0, 1, LIFE - MARGIN]),
                     wall=-world.clock.wall)
    yield


FAULTS = [nothing, fetcher_killed, fetcher_killed, fetcher_stopped,
          caller_killed, mood("hang"), mood("slow"), mood("drop", "half"),
          mood("429", "500", "503"), mood("401", "400"), server_gone,
          stopped("service"), stopped("bus"), service_killed, bus_killed,
          keyring_full, keyring_cleared, disk_full, editor_killed,
          rotation_killed, callers_starved, clock_jumps]


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
            world.clock.move(2)
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
