# SPDX-License-Identifier: MIT
"""A secret that the server refuses is not sent again, and what ends that."""

import os

from governor_callers import (Clock, add_token, all_are_held, ask, end,
                              held_for, requests, settle, start)
from live import SAMPLE_ID, SAMPLE_SECRET, write_sample
from servers import scripted
from session import SECRET
from tap import equal

WRONG = "Another.Secret~_-not.real"
REFUSED = "refuses the credential"
MINUTE = 60
PROBES = [5, 10, 20, 40, 60, 60]  # minutes
DIALECTS = ["401-auth0", "401-keycloak", "400-identityserver",
            "403-glewlwyd", "401-tarpit:100"]
CLIENTS = {"demo": SECRET, SAMPLE_ID: SAMPLE_SECRET}


def all_are_refused(answers):
    for status, out, errors in answers:
        equal((status, out, errors.count("\n")), (4, "", 1))
        assert REFUSED in errors, errors
        assert WRONG not in errors, errors


def quarantine(tap, live):
    """In real time."""
    session = live.session

    def is_sent_once(mode, callers):
        with scripted(live.pki, mode=mode) as server:
            name = session.add(f"bad-{mode}", server, secret=WRONG)
            session.fail(4, "valetkey", "token", name)
            all_are_refused(ask(session, name, callers))
            equal(server.count(), 1)

    def is_sent_once_for_two():
        """Tokens of one client, asked for together; the refusal takes longer
        than the second one would have to wait for its place."""
        with scripted(live.pki, mode="slow:1300+401-auth0") as server:
            name = session.add("bad-two", server, secret=WRONG)
            two = [name, add_token(session, name, "more", audience="more.x")]
            crowd = [start(session, token) for token in two * 5]
            all_are_refused([end(process) for process in crowd])
            equal(server.count(), 1)

    def is_revoked():
        """A secret that was good before: the second token's request waits
        for its place when the first one is refused."""
        with scripted(live.pki, mode="ok,401-auth0") as server:
            name = session.add("bad-revoked", server)
            token = session.token(name)
            two = [add_token(session, name, word, audience=word)
                   for word in ("one", "two")]
            crowd = [start(session, more) for more in two]
            all_are_refused([end(process) for process in crowd])
            equal(session.token(name), token)
            equal(server.count(), 2)

    def holds_nobody_else():
        with scripted(live.pki, CLIENTS) as server:
            bad = session.add("bad-one", server, secret=WRONG)
            good = session.add("bad-other", server)
            session.fail(4, "valetkey", "token", bad)
            session.token(good)
            session.fail(4, "valetkey", "token", bad)
            equal(server.count(), 2)

    def outlasts_a_caller():
        """The tar pit is deeper than the caller is patient."""
        with scripted(live.pki, mode="401-tarpit:1200") as server:
            name = session.add("bad-tarpit", server, secret=WRONG)
            session.fail(4, "valetkey", "token", name)
            session.succeed("valetkey", "retry", name)
            text = session.fail(6, "valetkey", "token", name, "--timeout",
                                "2")
            assert "in time" in text, text
            settle(session)
            all_are_refused(ask(session, name, 10))
            equal(server.count(), 2)

    for mode, callers in ("401-auth0", 100), ("400-identityserver", 30):
        tap.check(f"{mode}: sent once, for {callers} callers", is_sent_once,
                  mode, callers)
    tap.check("sent once for two tokens of a client", is_sent_once_for_two)
    tap.check("sent once if it was good before", is_revoked)
    tap.check("another client of the endpoint is not held",
              holds_nobody_else)
    tap.check("a tar pit: the refusal is remembered all the same",
              outlasts_a_caller)


def probes(tap, live):
    clock = Clock(live)
    session = clock.session

    def fall_due(mode):
        """A hundred callers between and at the probes."""
        name = session.add(f"probe-{DIALECTS.index(mode)}", server,
                           secret=WRONG)
        server.mode(mode)
        clock.move(2)
        with requests(server, 1):
            all_are_refused(ask(session, name, 5))
        for minutes in PROBES:
            clock.move((minutes - 1) * MINUTE)
            with requests(server, 0):
                answers = ask(session, name, 13)
                all_are_refused(answers)
                for _, _, text in answers:
                    assert text.endswith("; not asked again for 1 min\n"), text
            clock.move(MINUTE)
            with requests(server, 1):
                all_are_refused(ask(session, name, 3))

    def may_succeed():
        """The administrator has put it right at the server's side.  Another
        refusal, later, is the first of a row."""
        name = session.add("probe-good", server)
        server.mode("401-auth0,ok,401-auth0")
        clock.move(2)
        session.fail(4, "valetkey", "token", name)
        clock.move(5 * MINUTE)
        with requests(server, 1):
            equal(session.token(name), session.token(name))
        session.drop(name)
        clock.move(2)
        with requests(server, 1):
            all_are_refused(ask(session, name, 3))
            clock.move(4 * MINUTE)
            all_are_refused(ask(session, name, 3))
        clock.move(MINUTE)
        with requests(server, 1):
            all_are_refused(ask(session, name, 3))

    with scripted(live.pki) as server:
        for mode in DIALECTS:
            tap.check(f"{mode}: asked again after 5, 10, 20 ... 60 min",
                      fall_due, mode)
        tap.check("a probe that succeeds ends it", may_succeed)


def new_secrets(tap, live):
    clock = Clock(live)
    session = clock.session

    def rotate(name, secret):
        session.succeed("valetkey", "rotate", name, "--secret-stdin",
                        text=secret + "\n")

    def replace(name, secret):
        session.succeed(
            "valetkey", "add", name, "--replace", "--secret-stdin",
            "--token-url", server.token_url(), "--client-id", "demo",
            "--ca-file", live.ca, text=secret + "\n")

    def store(name, secret):
        """Behind our back: its hash is another one."""
        session.succeed(os.path.join(live.programs, "valetkey-store"), "put",
                        name, "demo", server.token_url(), text=secret)

    def is_tried_at_once(change):
        name = session.add(f"new-{change.__name__}", server, secret=WRONG)
        for secret in "First.wrong~not.real", "Second.wrong~not.real":
            with requests(server, 1):
                clock.move(2)
                all_are_refused(ask(session, name, 3))
            change(name, secret)
        with requests(server, 1):
            clock.move(2)
            all_are_refused(ask(session, name, 3))
        change(name, SECRET)
        with requests(server, 1):
            clock.move(2)
            session.token(name)

    def is_imported():
        name = session.name("new-import")
        path = write_sample(session, server)
        with open(path) as file:
            text = file.read()
        for wrong in True, False:
            with open(path, "w") as file:
                file.write(text.replace(SAMPLE_SECRET, WRONG)
                           if wrong else text)
            done = session.run("valetkey", "import", path, "--name", name,
                               "--ca-file", live.ca, "--replace")
            equal((done.returncode, done.stderr), (0, ""))
            with requests(server, 1):
                for _ in range(3):
                    clock.move(2)
                    equal(session.run("valetkey", "token", name).returncode,
                          4 if wrong else 0)

    def is_retried():
        name = session.add("new-retry", server, secret=WRONG)
        for _ in range(3):
            clock.move(2)
            with requests(server, 1):
                all_are_refused(ask(session, name, 3))
            session.succeed("valetkey", "retry", name)

    with scripted(live.pki, CLIENTS) as server:
        for change in rotate, replace, store:
            tap.check(f"{change.__name__}: a new secret is tried at once",
                      is_tried_at_once, change)
        tap.check("import: a new secret is tried at once", is_imported)
        tap.check("retry: the same secret is tried again", is_retried)


def wrong_requests(tap, live):
    """The secret is good, what is asked for is not."""
    clock = Clock(live)
    session = clock.session

    def is_held_like_a_failure(error):
        """It alone: the client's other tokens are not."""
        name = session.add(f"ask-{error.replace('_', '-')}", server)
        other = add_token(session, name, "other", audience="other.x")
        server.mode(f"err:{error}")
        left = 0
        for seconds in 1, 2, 4, 8:
            clock.move(left + 2)
            with requests(server, 1):
                text = session.fail(2, "valetkey", "token", name)
                assert error in text and REFUSED not in text, text
                left = held_for(session, name)
                assert seconds - 1 <= left <= seconds, (left, seconds)
                if left > 2:
                    all_are_held(ask(session, name, 3))
        server.mode("ok")
        with requests(server, 2):
            clock.move(2)
            session.token(other)
            held_for(session, name)
            clock.move(8)
            session.token(name)

    def is_not_the_secrets_fault(mode):
        """An audience that a proven client has no right to."""
        name = session.add("ask-" + mode, server)
        other = add_token(session, name, "other", audience="other.x")
        server.mode(f"ok,{mode},ok")
        clock.move(2)
        session.token(name)
        session.drop(name)
        clock.move(2)
        with requests(server, 2):
            session.fail(4, "valetkey", "token", other)
            clock.move(290)
            session.token(name)
            assert {status for status, _, _ in ask(session, other, 3)} <= {
                4, 5}
        clock.move(11)
        with requests(server, 1):
            session.token(other)

    with scripted(live.pki) as server:
        for mode in "403-auth0-grant", "403-auth0-service":
            tap.check(f"{mode}: the client's other tokens are not held",
                      is_not_the_secrets_fault, mode)
        for error in ("invalid_scope", "invalid_target",
                      "unsupported_grant_type"):
            tap.check(f"{error}: a message of its own, held 1, 2, 4 ... s",
                      is_held_like_a_failure, error)


GROUPS = [quarantine, probes, new_secrets, wrong_requests]
