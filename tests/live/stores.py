# SPDX-License-Identifier: MIT
"""A Secret Service that is locked, silent, or not there."""

import os
import signal
import time

from crowd import is_running, start_fetch
from servers import scripted
from session import SECRET, Session, poll
from tap import equal

LOCK = ["dbus-send", "--session", "--print-reply",
        "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets",
        "org.freedesktop.Secret.Service.Lock",
        "array:objpath:/org/freedesktop/secrets/collection/login"]


def secret_store(tap, live):
    def cold(session, name, env=None):
        session.drop(name)
        text = session.fail(7, "valetkey", "token", name, env=env)
        assert SECRET not in text

    def no_bus(session, name):
        cold(session, name, env={
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={session.directory}/none"})

    def warm(session, name):
        token = session.token(name)
        session.daemons[0].kill()
        equal(session.token(name), token)

    def locked(session, name):
        session.succeed(*LOCK)
        cold(session, name)

    def silent(session, name):
        """It takes the call and does not answer.  The caller's time is up
        before it is known why; the fetcher gives up when the bus does."""
        bus, service = session.daemons
        service.send_signal(signal.SIGSTOP)
        session.drop(name)
        caller, fetcher = start_fetch(session, name, "--timeout", "2")
        out, errors = caller.communicate()
        equal((caller.returncode, out, errors.count("\n")), (6, "", 1))
        bus.kill()
        poll(lambda: not is_running(fetcher), "the fetcher's end")

    def gone_in_mid_call(session, name, moment):
        bus, service = session.daemons
        service.send_signal(signal.SIGSTOP)
        session.drop(name)
        caller, _ = start_fetch(session, name)
        time.sleep(moment / 1000)
        bus.kill()
        out, errors = caller.communicate()
        equal((caller.returncode, out, errors.count("\n")), (7, "", 1))

    def run(test, *arguments):
        """In a session of its own, which the test may break."""
        with Session(live.programs, tag=f"{os.getpid()}-store") as session:
            name = session.add("store", server)
            session.token(name)
            before = server.count()
            try:
                test(session, name, *arguments)
            finally:
                session.daemons[1].send_signal(signal.SIGCONT)
            equal(server.count(), before)

    with scripted(live.pki) as server:
        tap.check("a token in the cache needs no session bus", run, warm)
        tap.check("there is no session bus", run, no_bus)
        tap.check("the keyring is locked", run, locked)
        tap.check("the Secret Service does not answer", run, silent)
        for moment in 0, 10, 300:
            tap.check(f"the session bus ends after {moment} ms", run,
                      gone_in_mid_call, moment)


GROUPS = [secret_store]
