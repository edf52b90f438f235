# SPDX-License-Identifier: MIT
"""Whose turn it is: one request for all, one after another, no longer than a
caller wants to wait, and whoever is killed blocks nobody."""

import contextlib
import json
import os
import signal
import time

from crowd import (CALLERS, callers, fetcher_of, have_files, process_stat,
                   start_fetch)
from governor_callers import (Clock, add_token, end, gaps, note, requests,
                              settle, start)
from servers import scripted
from session import poll
from tap import equal

PACE = 1100  # milliseconds between two requests to one server
WORDS = ["a", "b", "c", "d", "e"]
# Milliseconds after the start
MOMENTS = [0, 1, 2, 4, 8, 16, 32]


def one_at_a_time(tap, live):
    session = live.session

    def share_the_error(mode, text):
        word = "one-" + mode.split("+")[-1]
        with scripted(live.pki, mode=mode) as server:
            session.add(word, server, serves=f"https://{word}.invalid")
            answers = set(callers(session, f"https://{word}.invalid"))
            equal(server.count(), 1)
        equal(len(answers), 1)
        status, out, errors = answers.pop()
        equal((status, errors.count("\n")), (1, 1))
        assert text in out, out

    def share_the_token():
        """Whichever protocol they speak."""
        url = "https://one-token.invalid"
        name = session.add("one-token", server, serves=url)
        server.mode("slow:500")
        commands = [(["valetkey", "token", name], ""),
                    (["valetkey", "header", name], ""),
                    (["docker-credential-valetkey", "get"], url),
                    (["git-credential-valetkey", "get"],
                     "protocol=https\nhost=one-token.invalid\n\n")] * 5
        with requests(server, 1):
            crowd = [(session.popen(*words), text) for words, text in commands]
            outs = []
            for process, text in crowd:
                out, errors = process.communicate(text)
                equal((process.returncode, errors), (0, ""))
                outs.append(out)
            token = session.token(name)
        assert all(token in out for out in outs), outs

    def count_is_shown():
        clock = Clock(live)
        name = session.add("one-count", server)
        server.mode("ok")
        for _ in range(2):
            clock.move(2)
            clock.session.token(name)
            session.drop(name)
        shown = json.loads(session.succeed(
            "valetkey", "status", name, "--json"))[0]
        equal(shown["client_requests"], 2)

    have_files()
    for mode, text in [("slow:1000+500", "500"),
                       ("slow:1000+reset", "broke the connection off")]:
        tap.check(f"{CALLERS} callers, one request, one error: {mode}",
                  share_the_error, mode, text)
    with scripted(live.pki) as server:
        tap.check("callers by all protocols, one request, one token",
                  share_the_token)
        tap.check("status shows how many requests were made", count_is_shown)


def pace(tap, live):
    session = live.session

    def client(word, server, count):
        name = session.add(word, server)
        return name, [add_token(session, name, token, audience=f"{token}.x")
                      for token in WORDS[:count]]

    def is_in_the_order_of_asking():
        """Nobody else has to wait meanwhile, but in the same queue."""
        with scripted(live.pki) as server, scripted(live.pki) as another:
            name, tokens = client("pace-order", server, 5)
            other = session.add("pace-other", another)
            place = f"valetkey.pace:localhost:{server.port}"
            crowd, seen = [], None
            for token in tokens:
                crowd.append(start(session, token))
                seen = poll(lambda: changed(place, seen), "a place")
            assert "turn" in session.fail(
                5, "valetkey", "token", name, "--timeout", "1")
            session.token(other)
            assert server.count() < 5
            answers = [end(process) for process in crowd]
            equal([(status, errors) for status, _, errors in answers],
                  [(0, "")] * 5)
            equal(len({out for _, out, _ in answers}), 5)
            equal([entry["params"]["audience"] for entry in server.log()],
                  [f"{word}.x" for word in WORDS])
            assert min(gaps(server)) >= PACE, gaps(server)

    def changed(place, seen):
        text = note(session, place)
        return text if text != seen else None

    def is_one_for_all_clients():
        with scripted(live.pki) as server:
            tokens = client("pace-one", server, 2)[1]
            tokens += client("pace-two", server, 1)[1]
            crowd = [start(session, token) for token in tokens]
            for process in crowd:
                status, _, errors = end(process)
                equal((status, errors), (0, ""))
            equal(len(gaps(server)), 2)
            assert min(gaps(server)) >= PACE, gaps(server)

    def ends_with_a_hold():
        """Who already has a place does not go out after another was told
        to wait."""
        clock = Clock(live)
        with scripted(live.pki, mode="ok,429:60") as server:
            name, tokens = client("pace-held", server, 5)
            clock.session.token(name)
            crowd = [start(clock.session, token) for token in tokens]
            poll(lambda: note(session,
                              f"valetkey.hold:localhost:{server.port}"),
                 "the hold")
            clock.move(10)
            equal([end(process)[0] for process in crowd], [5] * 5)
            equal(server.count(), 2)

    tap.check("five audiences at once: in order, 1.1 s apart",
              is_in_the_order_of_asking)
    tap.check("two clients of one endpoint: 1.1 s apart",
              is_one_for_all_clients)
    tap.check("a hold ends the queue", ends_with_a_hold)


def interrupt(process):
    """As Ctrl-C does it: everything in the foreground gets it."""
    os.killpg(process.pid, signal.SIGINT)
    equal(end(process)[0], -signal.SIGINT)


def deadline(tap, live):
    session = live.session

    def is_short():
        """The one who came second ends first."""
        with scripted(live.pki, mode="hang") as server:
            name = session.add("late-hang", server)
            first = start(session, name, "--timeout", "2")
            poll(server.count, "the request")
            text = session.fail(5, "valetkey", "token", name, "--timeout",
                                "1")
            assert "another process is still fetching it" in text, text
            equal(first.poll(), None)
            status, out, errors = end(first)
            equal((status, out), (6, ""))
            assert "in time" in errors, errors
            equal(server.count(), 1)
        settle(session)

    def leaves_the_fetch():
        with scripted(live.pki, mode="slow:1300") as server:
            name = session.add("late-slow", server)
            session.fail(6, "valetkey", "token", name, "--timeout", "1")
            session.token(name)
            equal(server.count(), 1)

    def interrupts_a_fetch():
        with scripted(live.pki, mode="slow:1000") as server:
            name = session.add("stop-fetch", server)
            caller = start(session, name, start_new_session=True)
            poll(server.count, "the request")
            waiter = start(session, name, start_new_session=True)
            for process in caller, waiter:
                interrupt(process)
            equal(server.log()[0]["closed"], None)
            poll(lambda: note(session, f"valetkey:{name}"), "the token")
            session.token(name)
            equal(server.count(), 1)

    def interrupts_a_wait():
        """For the end of a hold."""
        with scripted(live.pki, mode="429:60") as server:
            name = session.add("stop-wait", server)
            session.fail(5, "valetkey", "token", name)
            caller = start(session, name, "--timeout", "90",
                           start_new_session=True)
            poll(lambda: process_stat(caller.pid)[1] == "S",
                 "the caller's sleep")
            interrupt(caller)
            equal(server.count(), 1)

    tap.check("--timeout ends the wait for a server, and for its turn",
              is_short)
    tap.check("--timeout leaves the fetch to go on", leaves_the_fetch)
    tap.check("Ctrl-C ends the caller at once, the fetch goes on",
              interrupts_a_fetch)
    tap.check("Ctrl-C ends the wait for a hold at once", interrupts_a_wait)


def killed(tap, live):
    clock = Clock(live)
    session = clock.session

    def nobody_is_blocked(who, moment):
        name = session.add(f"kill-{who}-{moment}", server)
        caller = start(session, name)
        if who == "fetcher":
            victim = poll(lambda: fetcher_of(caller), "the fetcher")
        else:
            victim = caller.pid
        time.sleep(moment / 1000)
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        end(caller)
        clock.move(5)
        session.token(name, "--timeout", "5")

    def in_the_queue(word, is_proven):
        """The second of three.  Before the server has accepted the secret
        they wait for the first one, and then each for its place."""
        name = session.add(word, server)
        tokens = [add_token(session, name, token, audience=token)
                  for token in WORDS[:3]]
        if is_proven:
            session.token(name)
        crowd = [start_fetch(session, token) for token in tokens]
        os.kill(crowd[1][1], signal.SIGKILL)
        clock.move(5)
        equal([end(caller)[0] for caller, _ in crowd], [0, 1, 0])
        with requests(server, 1):
            session.token(tokens[1], "--timeout", "5")

    def both():
        name = session.add("kill-both", server)
        server.mode("hang")
        caller, fetcher = start_fetch(session, name)
        before = server.count()
        poll(lambda: server.count() > before, "the request")
        os.kill(caller.pid, signal.SIGKILL)
        os.kill(fetcher, signal.SIGKILL)
        end(caller)
        server.mode("ok")
        clock.move(5)
        session.token(name, "--timeout", "5")

    with scripted(live.pki) as server:
        for who in "caller", "fetcher":
            for moment in MOMENTS:
                tap.check(f"the {who} is killed after {moment} ms",
                          nobody_is_blocked, who, moment)
        server.mode("slow:100")
        tap.check("a fetcher in the queue is killed", in_the_queue,
                  "kill-new", False)
        tap.check("the same, with a secret that was accepted before",
                  in_the_queue, "kill-proven", True)
        tap.check("caller and fetcher are killed", both)
    settle(session)


GROUPS = [one_at_a_time, pace, deadline, killed]
