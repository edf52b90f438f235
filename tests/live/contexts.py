# SPDX-License-Identifier: MIT
"""The keyrings that programs are started with, and the lack of one."""

import os
import shlex
import shutil
import subprocess
import sys

from live import User
from servers import Missing, scripted
from session import Session, poll
from tap import equal

SECCOMP = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "seccomp.py")
REVOKED = 'keyctl revoke @s && exec "$@"'


def as_root(command):
    """Run by root, in root's own keyrings."""
    return subprocess.run(command, text=True, capture_output=True,
                          stdin=subprocess.DEVNULL)


def ways(session, login, first=":"):
    """Name -> how a command is started there; None where it cannot be.
    first: what root does in its own session keyring before."""
    words = [f"{name}={value}" for name, value in session.env.items()]
    become = ["setpriv", f"--reuid={login}", f"--regid={login}",
              "--init-groups", "--reset-env"]

    def here(*start):
        return lambda command: session.run(*start, *command)

    def root(*start):
        return lambda command: as_root([*start, "env", *words, *command])

    def by_su(command):
        line = shlex.join(["env", *words, *command])
        return as_root(["su", "-", login, "-c", line])

    return {
        "a login shell": by_su,
        "a cron job": root(*become),
        "sudo -u": root("sudo", "-n", "-u", login)
        if shutil.which("sudo") else None,
        "a service, whose session keyring is private":
            root(*become, "keyctl", "session", "-"),
        "a private session keyring": here("keyctl", "session", "-"),
        "a named session keyring": here("keyctl", "session", "mine"),
        "a session keyring that was revoked":
            here("keyctl", "session", "-", "sh", "-c", REVOKED, "sh"),
        "root's session keyring":
            root("keyctl", "session", "-", "sh", "-c", f'{first}; exec "$@"',
                 "sh", *become),
        "root's session keyring, revoked":
            root("keyctl", "session", "-", "sh", "-c", REVOKED, "sh",
                 *become),
    }


def said_by(done):
    """keyctl session tells of itself on standard error."""
    lines = [line for line in done.stderr.splitlines()
             if not line.startswith("Joined session keyring: ")]
    equal((done.returncode, lines), (0, []))
    return done.stdout.strip()


def keyrings(tap, live):
    def serves(run):
        def valetkey(*words):
            return said_by(run(["valetkey", *words, name]))

        session.drop(name)
        token = session.token(name)
        before = server.count()
        equal(valetkey("token"), token)
        valetkey("drop")
        another = valetkey("token")
        assert another != token
        equal(valetkey("token"), another)
        equal(session.token(name), another)
        equal(server.count(), before + 1)

    with User() as user, Session(live.programs, user) as session, \
            scripted(live.pki) as server:
        name = session.add("context", server)
        for where, run in ways(session, user.pw_name).items():
            if run:
                tap.check(f"a token in {where}", serves, run)
            else:
                tap.skip(f"a token in {where}", "it is not installed")


def planted_key(tap, live):
    """A good record that another user has put into a session keyring that
    both share."""
    def is_ignored():
        token = session.token(name)
        serial = session.succeed("keyctl", "search", "@u", "user",
                                 f"valetkey:{name}").strip()
        record = session.succeed("keyctl", "pipe", serial)
        path = os.path.join(live.directory, "planted")
        with open(path, "w") as out:
            out.write(record.replace(token, "planted"))
        session.drop(name)
        plant = f"keyctl padd user valetkey:{name} @s <{path} >/dev/null"
        run = ways(session, user.pw_name, plant)["root's session keyring"]
        found = said_by(run(["sh", "-c", "keyctl pipe $(keyctl search @s"
                                  f" user valetkey:{name}) | head -n 1"]))
        equal(found, "planted")
        another = said_by(run(["valetkey", "token", name]))
        equal(another, session.token(name))
        equal(server.count(), 2)

    with User() as user, Session(live.programs, user) as session, \
            scripted(live.pki) as server:
        name = session.add("planted", server)
        tap.check("a key planted in the session keyring", is_ignored)


def no_keyring(tap, live):
    session = live.session

    def has_token(error):
        before = server.count()
        done = session.run(sys.executable, SECCOMP, error,
                           "valetkey", "token", name)
        equal(done.returncode, 0)
        assert done.stdout.count(".") == 2, done.stdout
        equal(server.count(), before + 1)
        equal(done.stderr.count("\n"), 1)
        assert "is not cached" in done.stderr, done.stderr
        assert "kernel keyring" in done.stderr, done.stderr

    def shows_status():
        done = session.run(sys.executable, SECCOMP, "ENOSYS",
                           "valetkey", "status", name)
        equal((done.returncode, done.stderr), (0, ""))

    with scripted(live.pki) as server:
        name = session.add("container", server)
        for error in "ENOSYS", "EPERM":
            tap.check(f"a token where the keyring fails with {error}",
                      has_token, error)
        tap.check("status without a keyring", shows_status)


def fill(session):
    """Take all of the user's quota: big keys, then small ones."""
    keys = []
    for size in 4000, 400, 40, 4:
        while True:
            done = session.run("keyctl", "padd", "user",
                               f"filler:{len(keys)}", "@u", text="x" * size)
            if done.returncode:
                assert "quota" in done.stderr, done.stderr
                break
            keys.append(done.stdout.strip())
    return keys


def leave_room(session, key, uid):
    """For a link, which the quota counts, and not for a token."""
    def has_room():
        with open("/proc/key-users") as users:
            used, = [line.split()[4] for line in users
                     if line.split()[0] == f"{uid}:"]
        taken, most = map(int, used.split("/"))
        return most - taken >= 8

    session.run("keyctl", "unlink", key, "@u")
    poll(has_room, "the quota")


def edit_conf(session, old, new):
    path = os.path.join(session.home, ".config/valetkey/clients.conf")
    with open(path, "r+") as conf:
        text = conf.read().replace(old, new)
        conf.seek(0)
        conf.write(text)
        conf.truncate()


def full_keyring(tap, live):
    def has_token():
        for _ in range(2):
            before = server.count()
            done = session.run("valetkey", "token", name)
            equal(done.returncode, 0)
            equal((done.stdout.count("."), done.stderr.count("\n")), (2, 1))
            assert "is not cached" in done.stderr, done.stderr
            assert "full" in done.stderr, done.stderr
            equal(server.count(), before + 1)

    def is_cached_again():
        for key in keys:
            session.run("keyctl", "unlink", key, "@u")
        # The kernel gives the quota back in its own time.
        poll(lambda: session.run("valetkey", "token", name).stderr == "",
             "the quota")
        before = server.count()
        session.token(name)
        equal(server.count(), before)

    def is_replaced(old, new, where):
        """There is room for one key, but not for old and new together."""
        token = session.token(name)
        edit_conf(session, old, new)
        another = said_by(where(["valetkey", "token", name]))
        assert another != token
        equal(session.token(name), another)

    with User() as user, Session(live.programs, user) as session, \
            scripted(live.pki) as server:
        name = session.add("full", server, audience="one.invalid")
        keys = fill(session)
        tap.check("a token where the user's keyring is full", has_token)
        tap.check("the token is cached once there is room", is_cached_again)
        session.token(name)
        leave_room(session, fill(session)[-1], user.pw_uid)
        tap.check("a token replaces the old one in a full keyring",
                  is_replaced, "one.invalid", "two.invalid",
                  lambda command: session.run(*command))
        tap.check("the same where the keyring is not in the session's",
                  is_replaced, "two.invalid", "six.invalid",
                  ways(session, user.pw_name)["root's session keyring"])


def set_user_id(tap, live):
    def refuses(program):
        copy = shutil.copy(os.path.join(live.programs, program),
                           os.path.join(live.directory, "setuid"))
        os.chown(copy, owner.pw_uid, owner.pw_gid)
        os.chmod(copy, 0o4755)
        done = subprocess.run([copy, "get"], text=True, capture_output=True,
                              input="", user=user.pw_uid, group=user.pw_gid,
                              extra_groups=[], env={"PATH": "/usr/bin:/bin"})
        os.unlink(copy)
        equal(done.stdout, "")
        assert done.returncode in (1, 2), done.returncode
        assert done.stderr.endswith(
            ": refusing to run set-user-ID or set-group-ID\n"), done.stderr

    if os.statvfs(live.directory).f_flag & os.ST_NOSUID:
        raise Missing("temporary files are on a file system without set-uid")
    with User() as owner, User() as user:
        for program in sorted(os.listdir(live.programs)):
            tap.check(f"{program} refuses to run set-user-ID", refuses,
                      program)


GROUPS = [keyrings, planted_key, no_keyring, full_keyring, set_user_id]
