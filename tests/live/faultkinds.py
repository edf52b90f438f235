# SPDX-License-Identifier: MIT
"""What breaks in faults.py, one function for each kind."""

import contextlib
import os
import resource
import signal
import time

from faultworld import LIFE, MARGIN
from session import SECRET
from tap import equal

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
    world.move(boot=rng.choice([0, 1, 60, HOUR // 2, LIFE]),
               wall=rng.choice([-100 * HOUR, 0, 1, 100 * HOUR]))
    yield
    # The other way, while they run; the boot clock never goes back.
    a_moment(rng)
    world.move(boot=rng.choice([0, 1, LIFE - MARGIN]),
               wall=-world.clock.wall)
    yield


FAULTS = [nothing, fetcher_killed, fetcher_killed, fetcher_stopped,
          caller_killed, mood("hang"), mood("slow"), mood("drop", "half"),
          mood("429", "500", "503"), mood("401", "400"), server_gone,
          stopped("service"), stopped("bus"), service_killed, bus_killed,
          keyring_full, keyring_cleared, disk_full, editor_killed,
          rotation_killed, callers_starved, clock_jumps]
