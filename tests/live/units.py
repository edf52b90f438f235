# SPDX-License-Identifier: MIT
"""LoadCredential= of systemd: valetkey systemd-socket, asked as a manager
asks."""

import contextlib
import os
import re
import secrets
import shutil
import socket
import subprocess

from governor_callers import Clock, requests
from live import User
from servers import Missing, scripted
from session import poll
from tap import equal

UNITS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     "..", "..", "systemd")
CONNECT = """
import socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.bind(sys.argv[1].replace("@", "\\0", 1))
peer.connect(sys.argv[2])
while peer.recv(4096):
    pass
"""
PASS = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=sys.argv[2])
os.execvp("valetkey", ["valetkey", "systemd-socket"])
"""


def peer_name(unit, credential):
    """As the manager binds itself before it connects (systemd.exec(5))."""
    return f"\0{secrets.token_hex(8)}/unit/{unit}/{credential}"


@contextlib.contextmanager
def listener(session):
    """A socket as systemd listens on it: the connections are passed."""
    path = os.path.join(session.directory, "credentials.sock")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        yield listening
    os.unlink(path)


def connect(listening, name):
    """Both ends; None is a peer that has no name."""
    near = socket.socket(socket.AF_UNIX)
    if name is not None:
        near.bind(name)
    near.connect(listening.getsockname())
    return near, listening.accept()[0]


def read_all(near):
    with near:
        return b"".join(iter(lambda: near.recv(4096), b"")).decode()


def systemd_socket(tap, live):
    session = live.session

    def answer(unit, credential, command=("valetkey", "systemd-socket"),
               name=None, run=session, **more):
        """What the manager reads, exit status, what the journal shows."""
        near, far = connect(listening, name or peer_name(unit, credential))
        with far:
            process = run.popen(*command, stdin=far, **more)
        said = read_all(near)
        out, errors = process.communicate()
        equal(out, "")
        return said, process.returncode, errors

    def is_given(unit, credential, **more):
        token = session.token(credential.replace("@", "/"))
        equal(answer(unit, credential, **more), (token, 0, ""))

    def is_refused(status, pattern, unit, credential, **more):
        said, returned, errors = answer(unit, credential, **more)
        equal((said, returned), ("", status))
        assert re.fullmatch(f"valetkey: {pattern}\n", errors), errors

    def allow(*lines, section=None):
        """Put lines into the section of the client, or of a token."""
        path = os.path.join(session.home, ".config/valetkey/clients.conf")
        with open(path) as conf:
            text = re.sub(r"(?m)^unit = .*\n", "", conf.read())
        header = section or f"[client {name}]"
        added = "".join(f"unit = {line}\n" for line in lines)
        with open(path, "w") as conf:
            conf.write(text.replace(header + "\n", header + "\n" + added))

    def units():
        allow("app.service", "job@.service", "one@a.service")
        for unit in ("app.service", "job@.service", "job@1.service",
                     "job@a.b.service", "one@a.service"):
            is_given(unit, name)
        for unit in ("app2.service", "xapp.service", "app.socket",
                     "app@1.service", "job.service", "job@1.socket",
                     "one@b.service", "one@.service"):
            is_refused(4, f"'{unit}' may not have the token of '{name}'; .*",
                       unit, name)

    def nobody_unless_named():
        allow()
        is_refused(4, f"'app.service' may not .*; 'unit = app.service' .*",
                   "app.service", name)

    def tokens():
        """A token inherits what it does not set."""
        allow("app.service")
        is_given("app.service", f"{name}@more")
        allow("other.service", section=f"[token {name}/more]")
        is_given("other.service", f"{name}@more")
        is_refused(4, ".*", "app.service", f"{name}@more")
        is_refused(4, ".*", "other.service", name)

    def unknown():
        for credential in "nobody", f"{name}@none", f"{name}@more@more", "@":
            is_refused(3, "'app.service' wants '.*': there is no client .*",
                       "app.service", credential)

    def other_peers():
        for peer in ("\0x/unit/app.service", "\0x/user/app.service/" + name,
                     "\0/unit/app.service/" + name,
                     "\0x/unit/app/" + name, "\0x/unit//" + name,
                     "\0x/unit/app.service/", "\0x",
                     f"\0x/unit/app.service/{name}/more",
                     os.path.join(session.directory, "named")):
            is_refused(4, "refusing a peer that names no unit and credential"
                       ".*", None, None, name=peer)
        near, far = connect(listening, None)
        with far:
            done = subprocess.run(["valetkey", "systemd-socket"], stdin=far,
                                  env=session.env, capture_output=True)
        equal((read_all(near), done.returncode), ("", 4))

    def another_user():
        allow("app.service")
        with User() as user:
            for path in os.path.dirname(listening.getsockname()), \
                    listening.getsockname():
                os.chmod(path, 0o777)
            peer = peer_name("app.service", name).replace("\0", "@")
            asking = subprocess.Popen(
                ["python3", "-c", CONNECT, peer, listening.getsockname()],
                env=session.env, user=user.pw_uid, group=user.pw_gid, extra_groups=[])
            with listening.accept()[0] as far:
                done = session.popen("valetkey", "systemd-socket", stdin=far)
            _, errors = done.communicate()
            equal((asking.wait(), done.returncode), (0, 4))
            equal(errors, f"valetkey: refusing process {asking.pid} of user"
                          f" {user.pw_uid}: only a service manager may"
                          " ask\n")
            os.chmod(os.path.dirname(listening.getsockname()), 0o700)

    def passed_descriptor():
        """As with StandardInput=null: descriptor 3 and LISTEN_FDS."""
        allow("app.service")
        token = session.token(name)
        for count, want in (1, (token, 0)), (2, ("", 2)):
            near, far = connect(listening, peer_name("app.service", name))
            with far:
                process = session.popen(
                    "python3", "-c", PASS, str(far.fileno()), str(count),
                    pass_fds=[far.fileno()], stdin=subprocess.DEVNULL)
            equal((read_all(near), process.wait()), want)
            process.communicate()

    def no_connection():
        session.fail(2, "valetkey", "systemd-socket")
        done = session.popen("valetkey", "systemd-socket", stdin=listening)
        equal((done.communicate()[0], done.returncode), ("", 2))

    def is_told_of_failure():
        allow("app.service", section=f"[client {bad}]")
        said, status, errors = answer("app.service", bad)
        equal((said, status), ("", 4))
        assert errors.endswith(
            f"valetkey: 'app.service' gets an empty credential '{bad}'\n")
        assert "refuses the credential" in errors, errors

    def is_fetched():
        allow("app.service")
        session.drop(name)
        with requests(server, 1):
            said, status, errors = answer("app.service", name)
            equal((said, status, errors), (session.token(name), 0, ""))

    def hangs_up():
        near, far = connect(listening, peer_name("app.service", name))
        near.close()
        with far:
            process = session.popen("valetkey", "systemd-socket", stdin=far)
        equal(process.communicate()[1], "valetkey: cannot answer"
                                        " 'app.service': Broken pipe\n")
        equal(process.returncode, 1)

    def waits_for_a_renewal():
        """The manager is answered at once; the service ends after it."""
        clock = Clock(live)
        old = clock.session.token(name)
        clock.move(80000)
        near, far = connect(listening, peer_name("app.service", name))
        server.mode("slow:700")
        with requests(server, 1), far:
            process = clock.session.popen("valetkey", "systemd-socket",
                                          stdin=far)
            equal(read_all(near), old)
            equal(process.poll(), None)
            process.communicate()
        assert clock.session.token(name) != old

    with scripted(live.pki) as server, listener(session) as listening:
        name, bad = session.add("unit", server), session.add(
            "bad-unit", server, url=server.token_url("401-invalid-client"))
        session.succeed("valetkey", "add", f"{name}/more", "--audience", "m")
        tap.check("a unit gets what it is allowed", units)
        tap.check("no unit is allowed unless it is named",
                  nobody_unless_named)
        tap.check("a token has units of its own, or the client's", tokens)
        tap.check("what there is not is not given", unknown)
        tap.check("a peer that is no manager's is refused", other_peers)
        tap.check("the connection can be descriptor 3", passed_descriptor)
        tap.check("without a connection there is only a message",
                  no_connection)
        tap.check("a failure is told, and gives an empty credential",
                  is_told_of_failure)
        tap.check("a token that is not there is fetched", is_fetched)
        tap.check("a manager that hangs up is an error", hangs_up)
        tap.check("a renewal is not cut off", waits_for_a_renewal)
        if os.geteuid() == 0:
            tap.check("another user is refused", another_user)
        else:
            tap.skip("another user is refused", "only root can make users")


def systemd_units(tap, live):
    """They are what systemd understands, for both kinds of managers."""
    session = live.session
    if not shutil.which("systemd-analyze"):
        raise Missing("systemd-analyze is not installed")

    def verify(kind, edit=lambda text: text):
        """What systemd says of the units; it says so and ends with 0."""
        path = os.path.join(session.make_dir(f"units-{secrets.token_hex(4)}"),
                            "valetkey-credentials")
        shutil.copy(os.path.join(UNITS, kind, "valetkey-credentials.socket"),
                    path + ".socket")
        with open(os.path.join(UNITS, kind,
                               "valetkey-credentials@.service.in")) as unit:
            text = edit(unit.read().replace("@bindir@", live.programs))
        for name in "@.service", "@1.service":
            with open(path + name, "w") as out:
                out.write(text)
        done = session.run("systemd-analyze", "verify", "--man=no",
                           f"--{kind}", path + ".socket",
                           path + "@1.service")
        equal((done.returncode, done.stdout), (0, ""))
        return done.stderr

    def is_understood(kind):
        equal(verify(kind), "")

    def mistakes_are_seen(kind):
        said = verify(kind, lambda text: text.replace("UMask", "Mask"))
        assert "Unknown key 'Mask'" in said or "Unknown key name" in said, said

    for kind in "system", "user":
        tap.check(f"the units of the {kind} manager", is_understood, kind)
        tap.check(f"a mistake in those of the {kind} manager is seen",
                  mistakes_are_seen, kind)


GROUPS = [systemd_socket, systemd_units]
