# SPDX-License-Identifier: MIT
"""What a server that asks to wait, fails or is not there brings about."""

import re
import time

from governor_callers import (DAY, HELD, Clock, add_token, all_are_held, ask,
                              end, gaps, held_for, requests, settle, start)
from servers import NodeServer, scripted
from session import poll
from tap import equal

SECONDS = 1000  # in milliseconds
# What a server says -> how long nothing goes out, in seconds
TOLD = {
    "429:60": (60, 60),
    "503:60": (60, 60),
    "429-date:60": (59, 60),
    "503-date:60": (59, 60),
    "date-skew:7200+429-date:60": (59, 60),
    "date-skew:-7200+503-date:60": (59, 60),
    "429-none": (5, 6),
    "503": (5, 6),
    "429-auth0": (5, 6),
    "429:0": (1, 1),
    "429:soon": (5, 6),
    "429:999999": (DAY, DAY),
}


def hold(tap, live):
    session = live.session

    def fifty_callers(mode, seconds):
        """They come all the time that the hold lasts."""
        with scripted(live.pki, mode=f"{mode}:{seconds},ok") as server:
            name = session.add(f"hold-{mode}", server)
            session.fail(5, "valetkey", "token", name)
            for _ in range(5):
                all_are_held(ask(session, name, 10))
                time.sleep(seconds / 10)
            equal(server.count(), 1)
            poll(lambda: is_over(name), "the end of the hold")
            equal(server.count(), 2)
            assert gaps(server)[0] >= seconds * SECONDS, gaps(server)

    def is_over(name):
        done = session.run("valetkey", "token", name)
        assert done.returncode == 0 or HELD.fullmatch(done.stderr), done
        return done.returncode == 0

    def waits(mode):
        """Five callers who can, and one who cannot."""
        with scripted(live.pki, mode=f"{mode}:2,ok") as server:
            name = session.add(f"wait-{mode}", server)
            session.fail(5, "valetkey", "token", name)
            crowd = [start(session, name, "--timeout", "20")
                     for _ in range(5)]
            held_for(session, name, "--timeout", "1")
            answers = {end(process) for process in crowd}
            equal(len(answers), 1)
            equal(answers.pop(), (0, session.token(name), ""))
            equal(server.count(), 2)
            # A date has no fractions of a second.
            least = 1 if mode.endswith("date") else 2
            assert gaps(server)[0] >= least * SECONDS, gaps(server)

    for mode, seconds in ("429", 2), ("503", 1):
        tap.check(f"{mode}:{seconds}, fifty callers all the time",
                  fifty_callers, mode, seconds)
    for mode in "429", "503-date":
        tap.check(f"{mode}: --timeout reaches past it", waits, mode)


def long_holds(tap, live):
    clock = Clock(live)
    session = clock.session

    def lasts(mode, least, most):
        name = session.add(f"long-{list(TOLD).index(mode)}", server)
        server.mode(f"{mode},ok")
        clock.move(5)
        with requests(server, 1):
            text = session.fail(5, "valetkey", "token", name)
            assert "the authorization server asked to wait" in text, text
            left = held_for(session, name)
            assert least <= left <= most, left
            if left > 3:
                clock.move(left - 3)
                all_are_held(ask(session, name, 5))
        clock.move(4)
        with requests(server, 1):
            session.token(name)

    def doubles():
        """To 300 s, each up to a tenth longer; a token ends the row."""
        name = session.add("long-row", server)
        server.mode("429-none")
        for seconds in 5, 10, 20, 40, 80, 160, 300, 300:
            clock.move(2)
            with requests(server, 1):
                session.fail(5, "valetkey", "token", name)
                left = held_for(session, name)
            assert seconds <= left <= seconds * 1.1 + 1, (left, seconds)
            clock.move(left)
        server.mode("ok,429-none")
        session.token(name)
        session.drop(name)
        clock.move(2)
        session.fail(5, "valetkey", "token", name)
        assert 5 <= held_for(session, name) <= 6
        clock.move(10)

    def is_waited_for():
        """The clock is moved while the caller sleeps."""
        name = session.add("long-wait", server)
        server.mode("429:600,ok")
        session.fail(5, "valetkey", "token", name)
        with requests(server, 1):
            caller = start(session, name, "--timeout", "3600")
            clock.move(590)
            held_for(session, name)
            equal(caller.poll(), None)
            clock.move(11)
            equal(end(caller), (0, session.token(name), ""))

    def is_everybodys():
        """But another endpoint's."""
        one = session.add("long-one", server)
        token = add_token(session, one, "more", audience="more.invalid")
        two = session.add("long-two", server, serves="https://two.invalid")
        with scripted(live.pki) as another:
            other = session.add("long-other", another)
            server.mode("429:60,ok")
            clock.move(5)
            session.fail(5, "valetkey", "token", one)
            with requests(server, 0):
                for name in token, two:
                    assert held_for(session, name) > 50
                is_told_to_tools()
                is_shown(two)
            session.token(other)
            with requests(server, 1):
                session.succeed("valetkey", "retry", two)
                session.token(two)

    def is_told_to_tools():
        done = session.run("docker-credential-valetkey", "get",
                           text="https://two.invalid")
        equal((done.returncode, done.stderr.count("\n")), (1, 1))
        assert "held back until" in done.stdout, done.stdout
        done = session.run("git-credential-valetkey", "get",
                           text="protocol=https\nhost=two.invalid\n\n")
        equal((done.returncode, done.stdout), (1, "quit=1\n"))
        assert "held back until" in done.stderr, done.stderr

    def is_shown(name):
        text = session.succeed("valetkey", "status", name)
        assert re.search(r"not before \d\d:\d\d:\d\d \(in .+\)", text), text
        assert "asked to wait" in text, text

    def names_the_time():
        name = session.add("long-time", server)
        server.mode("429:7000")
        clock.move(5)
        session.fail(5, "valetkey", "token", name)
        before = time.time()
        told = HELD.fullmatch(session.fail(5, "valetkey", "token", name))
        after = time.time()
        assert told[1] in [time.strftime("%H:%M:%S", time.localtime(
            at + int(told[2]) + more))
            for at in (before, after) for more in (-1, 0, 1)], told[0]

    with scripted(live.pki) as server:
        for mode, (least, most) in TOLD.items():
            tap.check(f"{mode}: {least} to {most} s", lasts, mode, least,
                      most)
        tap.check("without a time: 5 s, doubled up to 300 s", doubles)
        tap.check("a caller waits for a hold of ten minutes", is_waited_for)
        tap.check("a hold is for all clients of the endpoint", is_everybodys)
        tap.check("the message names the time of day", names_the_time)


def outage(tap, live):
    def comes_back():
        """The server is gone, and started again at the same port."""
        session = live.session
        with scripted(live.pki) as server:
            name = session.add("out-real", server)
            token = session.token(name)
            server.stop()
            equal(session.token(name), token)
            session.drop(name)
            text = session.fail(6, "valetkey", "token", name)
            assert "nothing answers" in text, text
            equal(held_for(session, name), 1)
            session.fail(6, "valetkey", "token", name, "--timeout", "20")
            assert 1 <= held_for(session, name) <= 2
            with NodeServer("scripted.mjs", live.pki, None,
                            ["--port", str(server.port)], {}) as again:
                assert session.token(name, "--timeout", "20") != token
                equal(again.count(), 1)

    def steps(mode):
        """A crowd for each step; it may come as it likes."""
        name = session.add(f"out-{mode}", server)
        server.mode(mode)
        for seconds in 1, 2, 4, 8, 16, 32, 60, 60:
            clock.move(2)
            with requests(server, 1):
                answers = ask(session, name, 4)
                assert {status for status, _, _ in answers} <= {5, 6}
                left = held_for(session, name)
                assert seconds - 1 <= left <= seconds, (left, seconds)
                if left > 2:
                    clock.move(left - 2)
                    all_are_held(ask(session, name, 3))
        server.mode("ok")
        clock.move(60)
        session.token(name)

    def is_bridged(mode):
        """A token of 300 s is handed out for 240; the server fails from the
        180th second on."""
        name = session.add(f"bridge-{mode}", server)
        server.mode("ttl:300")
        clock.move(5)
        token = session.token(name)
        server.mode(mode)
        before = server.count()
        clock.move(180)
        equal(session.token(name), token)
        equal(server.count(), before)
        for _ in range(5):
            clock.move(11)
            for _ in range(3):
                equal(session.token(name), token)
            settle(session)
        assert before < server.count() <= before + 5
        clock.move(5)
        for _ in range(3):
            for status, out, errors in ask(session, name, 3):
                assert status in (5, 6), status
                equal((out, errors.count("\n")), ("", 1))
            clock.move(300)
        server.mode("ok")
        assert session.token(name) != token

    tap.check("a server that is gone, and comes back", comes_back)
    clock = Clock(live)
    session = clock.session
    with scripted(live.pki) as server:
        for mode in "500", "html":
            tap.check(f"{mode}: one request after 1, 2, 4 ... 60 s", steps,
                      mode)
        for mode in "500", "reset":
            tap.check(f"{mode}: a token is served up to its margin",
                      is_bridged, mode)


GROUPS = [hold, long_holds, outage]
