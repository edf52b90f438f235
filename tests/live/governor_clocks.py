# SPDX-License-Identifier: MIT
"""The wall clock is set back or forward by a day; the boot clock decides.

What programs read of the clocks is moved here, not what the kernel has: the
timeouts of its keys follow the machine's real wall clock, where a step forward
drops a token early (it is fetched again) and a step back keeps its key for
longer (it is not handed out, by boot-expires).  That a test cannot move.
"""

from governor_callers import (DAY, Clock, ask, end, gaps, held_for, requests,
                              settle, start)
from servers import scripted
from tap import equal

SECONDS = 1000  # in milliseconds
LIFE = 300
STEPS = {"forward": DAY, "back": -DAY}


def clocks(tap, live):
    clock = Clock(live)
    session = clock.session

    def add(what, step, mode):
        name = session.add(f"{what}-{step}", server,
                           serves=f"https://{what}-{step}.invalid")
        server.mode(mode)
        clock.move(5)
        return name

    def fails(name, status):
        session.fail(status, "valetkey", "token", name)

    def token_lives(step):
        """As long as it should, and no longer."""
        name = add("token", step, f"ttl:{LIFE},500")
        token = session.token(name)
        with requests(server, 0):
            clock.move(0.7 * LIFE, STEPS[step])
            equal(session.token(name), token)
            settle(session)
        clock.move(0.3 * LIFE)
        for status, out, _ in ask(session, name, 3):
            equal((status in (5, 6), out), (True, ""))
        clock.move(60, -STEPS[step])
        fails(name, 6)

    def token_is_made(step):
        """While the wall clock is wrong, which is then put right."""
        name = add("made", step, f"ttl:{LIFE},500")
        clock.move(0, STEPS[step])
        token = session.token(name)
        with requests(server, 0):
            for moved in 0, 0.7 * LIFE:
                clock.move(moved)
                equal(session.token(name), token)
            clock.move(0, -STEPS[step])
            equal(session.token(name), token)
            settle(session)
        clock.move(0.3 * LIFE)
        fails(name, 6)

    def renewal_comes(step):
        name = add("renew", step, f"ttl:{LIFE}")
        token = session.token(name)
        clock.move(0.7 * LIFE, STEPS[step])
        with requests(server, 0):
            equal(session.token(name), token)
            settle(session)
        clock.move(0.06 * LIFE)
        with requests(server, 1):
            equal(session.token(name), token)
            settle(session)
        assert session.token(name) != token
        clock.move(0, -STEPS[step])

    def hold_lasts(step, mode):
        name = add("hold" + mode[3:-3], step, mode + ",ok")
        fails(name, 5)
        clock.move(0, STEPS[step])
        with requests(server, 0):
            assert 50 <= held_for(session, name) <= 60
            clock.move(50)
            assert 0 < held_for(session, name) <= 10
        clock.move(11)
        with requests(server, 1):
            session.token(name)
        clock.move(0, -STEPS[step])

    def quarantine_lasts(step):
        name = add("bad", step, "401-auth0")
        fails(name, 4)
        clock.move(290, STEPS[step])
        with requests(server, 0):
            fails(name, 4)
        clock.move(11)
        with requests(server, 1):
            fails(name, 4)
        clock.move(0, -STEPS[step])

    def erased_token_holds(step):
        name = add("erase", step, "ok")
        session.succeed(
            "git-credential-valetkey", "erase",
            text=f"protocol=https\nhost=erase-{step}.invalid\nusername=u\n"
                 f"password={session.token(name)}\n\n")
        clock.move(0, STEPS[step])
        assert 3 <= held_for(session, name) <= 5
        clock.move(5)
        with requests(server, 1):
            session.token(name)
        clock.move(0, -STEPS[step])

    def wait_ends(step):
        """The clock is set while a caller waits, in real time."""
        with scripted(live.pki, mode="429:2,ok") as other:
            name = session.add(f"wait-{step}", other)
            fails(name, 5)
            caller = start(session, name, "--timeout", "20")
            clock.move(0, STEPS[step])
            equal(end(caller), (0, session.token(name), ""))
            assert gaps(other)[0] >= 2 * SECONDS, gaps(other)
        clock.move(0, -STEPS[step])

    with scripted(live.pki) as server:
        for step in STEPS:
            for what, test, more in [
                    ("a token has the life it should", token_lives, []),
                    ("so has one that is made then", token_is_made, []),
                    ("it is renewed in time", renewal_comes, []),
                    ("429:60 holds for 60 s", hold_lasts, ["429:60"]),
                    ("a date is the server's", hold_lasts, ["429-date:60"]),
                    ("a quarantine lasts", quarantine_lasts, []),
                    ("an erased token holds", erased_token_holds, []),
                    ("a caller's wait ends in time", wait_ends, [])]:
                tap.check(f"a day {step}: {what}", test, step, *more)


GROUPS = [clocks]
