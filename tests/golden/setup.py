# SPDX-License-Identifier: MIT
"""What [setup] of a case can say: a function for each verb."""

import os
import re
import shutil
import subprocess

from casefile import Wrong
from desktop import wait_for
from process import Command
from servers import Missing

SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "../samples/camunda")
UNOWNED = 54321  # a user ID that nobody has


def run(world, text, *arguments, stdin=b""):
    """A command that only prepares; it must succeed."""
    command = Command(world, text)
    command.argv += arguments
    command.run(stdin, None)
    if command.exit != "0":
        raise Wrong(f"{text}: {command.stderr.decode()}")


def from_conf(world, client, key):
    with open(world.conf) as file:
        section = file.read().split(f"[client {client}]")[1].split("\n[")[0]
    return re.search(rf"(?m)^{key}\s*= ?(.*)$", section)[1]


# [setup]: files

def setup_sample(world, name, to=None):
    with open(os.path.join(SAMPLES, name), "rb") as file:
        world.write(to or name, file.read())


def setup_big(world, name, size):
    """Lines that look like those of a credentials file."""
    line = b"export ZEEBE_CLIENT_SECRET='big.not.real'\n"
    world.write(name, (line * (int(size) // len(line) + 1))[:int(size)])


def setup_mkdir(world, name):
    os.makedirs(world.path(name), mode=0o700)


def setup_chmod(world, mode, name):
    os.chmod(world.path(name), int(mode, 8))


def setup_chown(world, name):
    """To a user who is neither root nor the one who runs this."""
    if os.getuid() != 0:
        raise Missing("only root can give a file away")
    os.chown(world.path(name), UNOWNED, -1)


def setup_symlink(world, to, name):
    os.makedirs(os.path.dirname(world.path(name)), exist_ok=True)
    os.symlink(to, world.path(name))


def setup_move(world, name, to):
    os.rename(world.path(name), world.path(to))


def setup_fifo(world, name):
    os.makedirs(os.path.dirname(world.path(name)), exist_ok=True)
    os.mkfifo(world.path(name), 0o600)


def setup_remove(world, name):
    os.unlink(world.path(name))


def mount(world, path, options):
    """A small file system of its own, with what is there now."""
    if os.getuid() != 0:
        raise Missing("only root can mount a file system")
    if "VK_GOLDEN_MOUNTS" not in os.environ:
        raise Missing("there is no mount namespace")
    aside = path + ".aside"
    os.rename(path, aside)
    os.mkdir(path, 0o700)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"mode=700,{options}", "none", path],
        capture_output=True)
    if made.returncode != 0:
        raise Missing("no file system can be mounted")
    world.mounts.append(path)
    for name in os.listdir(aside):
        shutil.copy2(os.path.join(aside, name), path)
    shutil.rmtree(aside)


def setup_full_disk(world, name):
    path = world.path(name)
    mount(world, path, f"size={4 * os.sysconf('SC_PAGE_SIZE')}")
    with open(os.path.join(path, "filler"), "wb", buffering=0) as filler:
        try:
            while filler.write(bytes(512)):
                pass
        except OSError:
            pass


def setup_read_only(world, name):
    path = world.path(name)
    mount(world, path, "size=1m")
    subprocess.run(["mount", "-o", "remount,ro", path], check=True)


def setup_file_size(world, limit):
    """The next command cannot write a file that is larger."""
    world.next["file-size"] = int(limit)


# [setup]: the next command

def setup_needs(world, program):
    if not shutil.which(program):
        raise Missing(f"{program} is not installed")


def setup_stdin(world, how):
    world.next["stdin"] = how


def setup_stdout(world, how):
    world.next["stdout"] = how


def setup_stderr(world, how):
    world.next["stderr"] = how


def setup_env(world, name, value=None):
    if value is None:
        world.environment.pop(name, None)
    else:
        world.environment[name] = value


# [setup]: secrets

def service_unlocked(world):
    if not world.desktop:
        world.use_desktop(world.shared.desktop())


def service_locked(world):
    if not world.own_desktop:
        raise Wrong("'service own' must come first")
    world.desktop.lock()


def service_frozen(world):
    world.desktop.freeze()


def service_killed(world):
    """The bus ends as soon as the next command has connected to it."""
    desktop = world.desktop

    def kill(process, before):
        """Connections of earlier commands may still be ending."""
        seen = [before]

        def is_connected():
            seen.append(desktop.connections())
            return seen[-1] > min(seen)

        wait_for(lambda: is_connected() or process.poll() is not None,
                 "nobody connects to the bus")
        desktop.bus.kill()

    world.next.update(before=desktop.connections, during=kill)


SERVICES = {
    "unlocked": service_unlocked,
    "own": lambda world: world.start_own_desktop(),
    "locked": service_locked,
    "frozen": service_frozen,
    "killed": service_killed,
    "missing": lambda world: world.start_own_desktop(with_service=False),
    "dead": lambda world: setup_env(
        world, "DBUS_SESSION_BUS_ADDRESS", f"unix:path={world.home}/bus"),
    "none": lambda world: setup_env(world, "DBUS_SESSION_BUS_ADDRESS"),
}


def setup_service(world, state):
    SERVICES[state](world)


def setup_secret(world, client, value):
    service_unlocked(world)
    run(world, "valetkey-store put", client,
        from_conf(world, client, "client-id"),
        from_conf(world, client, "token-url"), stdin=value.encode())


# [setup]: the server and the kernel keyring

def setup_mode(world, modes):
    world.server().mode(modes)


def setup_token(world, name):
    """Fetch one; it does not count as a request of the case."""
    server = world.server()
    run(world, "valetkey token", name)
    server.reset()


def setup_key(world, name, field, value):
    """Change a line of a cached token: a relative time is from now."""
    keys = world.keys()
    if value[0] in "+-":
        value = keys.in_seconds(int(value))
    keys.edit(f"valetkey:{name}", field, value)


def setup_hold(world, seconds):
    """Let the holds of the governor last so long from now: the case does
    not depend on how fast the machine is. A note begins with the time in
    milliseconds."""
    keys = world.keys()
    until = str(keys.in_seconds(int(seconds)) * 1000).encode()
    ours = keys.matching(world.shared.key_pattern())
    for name, key in ours.items():
        if name.startswith(("valetkey.hold:", "valetkey.drop:")):
            _, rest = keys.read(key).split(b" ", 1)
            keys.put(name, until + b" " + rest)


def setup_payload(world, name, *words):
    """Put anything in the place of a cached token."""
    world.keys().put(f"valetkey:{name}", " ".join(words).encode())
