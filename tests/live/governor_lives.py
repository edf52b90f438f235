# SPDX-License-Identifier: MIT
"""A token's life: renewed early, never handed out dead, whatever the clocks
do and whatever the server says of its end."""

from governor_callers import (HOUR, Clock, all_are_held, ask, at_work, end,
                              gaps, held_for, note, requests, settle, start)
from servers import scripted
from session import poll
from tap import equal

SECONDS = 1000  # in milliseconds
LIFE = 300

# What the server says -> seconds for which the token is handed out
LIVES = {
    "ttl:5": 4,
    "ttl:20": 16,
    "ttl:35": 28,
    "ttl:86400": 86340,
    "ttl:58847": 58787,
    "expires-missing": 240,
    "expires:null": 240,
    'expires-string': 3540,
    "expires:3600.5": 3540,
    "opaque+expires:1e12": 86340,
    "jwt-exp:100": 80,
    "date-skew:-7200+jwt-exp:100": 80,
    "date-skew:7200+jwt-exp:100": 80,
    "opaque+ttl:100": 80,
}
DEAD = ["expires:0", "expires:-5", "jwt-past", "date-skew:-7200+jwt-past",
        "expires:soon"]


def early_renewal(tap, live):
    clock = Clock(live)
    session = clock.session

    def add(word, mode):
        """A token of 300 s, and how the server goes on."""
        name = session.add(word, server)
        server.mode(f"ttl:{LIFE},{mode}")
        clock.move(2)
        return name, session.token(name)

    def is_in_the_background():
        name, token = add("early", "slow:1500")
        clock.move(0.70 * LIFE)
        with requests(server, 0):
            equal(session.token(name), token)
            settle(session)
        with requests(server, 1):
            before = server.count()
            clock.move(0.04 * LIFE)
            equal(session.token(name), token)
            clock.move(0.02 * LIFE)
            equal(ask(session, name, 20), [(0, token, "")] * 20)
            # They were answered before the server has.
            equal([entry["closed"] for entry in server.log()[before:]
                   if entry["closed"]], [])
            poll(lambda: server.count() > before, "the renewal")
            settle(session)
            assert session.token(name) != token

    def is_of_no_use():
        """An issuer gives the same token until that ends: it is asked early
        once, then when it must be."""
        long = 4000
        name = session.add("same", server)
        server.mode(f"same-token:{long}")
        clock.move(2)
        tokens = {session.token(name)}
        before = server.count()
        counts = []
        for left in range(long, 0, -40):
            server.mode(f"same-token:{long}+expires:{left}")
            tokens.add(session.token(name))
            settle(session)
            counts.append(server.count() - before)
            clock.move(40)
        equal(len(tokens), 1)
        equal(counts[70], 0)
        equal(counts[80:97], [1] * 17)
        assert counts[-1] <= 5, counts

    def may_fail():
        """Then it is tried again after the hold, and not before."""
        name, token = add("early-fails", "500")
        clock.move(0.76 * LIFE)
        with requests(server, 1):
            equal(session.token(name), token)
            settle(session)
            for _ in range(5):
                equal(session.token(name), token)
                equal(at_work(session), [])
        another = session.add("early-held", server)
        with requests(server, 0):
            assert held_for(session, another) == 1
        with requests(server, 1):
            poll(lambda: is_tried_again(name, token), "the next renewal")
        clock.move(60)

    def is_tried_again(name, token):
        before = server.count()
        equal(session.token(name), token)
        settle(session)
        return server.count() > before

    with scripted(live.pki) as server:
        tap.check("callers at 74 % and 76 % of a token's life: one request,"
                  " nobody waits", is_in_the_background)
        tap.check("one that fails leaves the token, and holds", may_fail)
        tap.check("the same token again: not asked in a loop", is_of_no_use)


def erase(session, word, token):
    session.succeed(
        "git-credential-valetkey", "erase",
        text=f"protocol=https\nhost={word}.invalid\nusername=u\n"
             f"password={token}\n\n")


def in_real_time(tap, live):
    """Tokens of 8 s, which are used for 6 or 7, and one that is erased."""
    session = live.session

    def is_renewed():
        token = session.token(good)
        poll(lambda: session.token(good) and server.count() == 2,
             "the renewal")
        # The server is still at it.
        equal(session.token(good), token)
        equal(server.log()[1]["closed"], None)
        poll(lambda: session.token(good) != token, "the next token")
        equal(server.count(), 2)
        # Three quarters of its life, less up to a second each for the
        # answer's age and for a clock of whole seconds.
        assert gaps(server)[0] >= 4 * SECONDS, gaps(server)

    def ends_in_an_outage():
        """The token that is there is served, then there is none."""
        seen = set()
        poll(lambda: seen.add(session.run("valetkey", "token", bad).stdout)
             or "" in seen, "the end of the token")
        assert seen <= {first + "\n", ""}, seen
        assert 2 <= failing.count() <= 4, failing.count()

    def is_waited_for():
        answers = {end(process) for process in crowd}
        equal(answers, {(0, session.token(erased), "")})
        equal(refusing.count(), 2)
        assert gaps(refusing)[0] >= 5 * SECONDS, gaps(refusing)

    with scripted(live.pki, mode="ttl:8,slow:1500+ttl:8") as server, \
            scripted(live.pki, mode="ttl:8,500") as failing, \
            scripted(live.pki) as refusing:
        good = session.add("real-good", server)
        bad = session.add("real-bad", failing)
        erased = session.add("real-erased", refusing,
                             serves="https://real-erased.invalid")
        session.token(good)
        first = session.token(bad)
        erase(session, "real-erased", session.token(erased))
        crowd = [start(session, erased, "--timeout", "20") for _ in range(5)]
        tap.check("a token of 8 s is renewed without a pause", is_renewed)
        tap.check("a token of 8 s ends, the server being down",
                  ends_in_an_outage)
        tap.check("a token just made is erased: the next one waits 5 s",
                  is_waited_for)


def refused_tokens(tap, live):
    clock = Clock(live)

    def add(session, word, server):
        return session.add(word, server, serves=f"https://{word}.invalid")

    def are_spaced():
        """By 5 s, doubled to 300, and from 5 s again after a good while."""
        session = clock.session
        name = add(session, "erase-row", server)
        for seconds in 5, 10, 20, 40, 80, 160, 300, 300, 300, 300:
            clock.move(2)
            with requests(server, 1):
                erase(session, "erase-row", session.token(name))
            with requests(server, 0):
                left = held_for(session, name)
                assert seconds - 1 <= left <= seconds, (left, seconds)
                clock.move(left - 3)
                all_are_held(ask(session, name, 5))
            clock.move(3)
        clock.move(HOUR)
        erase(session, "erase-row", session.token(name))
        assert held_for(session, name) <= 5
        clock.move(5)

    def may_be_old():
        """Of a minute; and another token than ours is not ours to drop."""
        session = clock.session
        name = add(session, "erase-old", server)
        token = session.token(name)
        erase(session, "erase-old", token + "x")
        clock.move(70)
        with requests(server, 1):
            equal(session.token(name), token)
            erase(session, "erase-old", token)
            assert session.token(name) != token

    def may_be_retried():
        session = live.session
        with scripted(live.pki) as server:
            name = add(session, "erase-retry", server)
            token = session.token(name)
            erase(session, "erase-retry", token)
            held_for(session, name)
            session.succeed("valetkey", "retry", name)
            assert session.token(name) != token
            equal(server.count(), 2)

    tap.check("a token just made is erased, and retried at once",
              may_be_retried)
    with scripted(live.pki) as server:
        tap.check("tokens just made are erased, ten times", are_spaced)
        tap.check("a token of 70 s is erased", may_be_old)


def odd_lives(tap, live):
    clock = Clock(live)
    session = clock.session

    def lasts(mode, seconds):
        """The server fails afterwards, so that nothing is renewed."""
        name = session.add(f"life-{list(LIVES).index(mode)}", server)
        server.mode(f"{mode},500")
        clock.move(61)
        token = session.token(name)
        # The answer's own age counts, a second; another may go by.
        clock.move(seconds - 3)
        equal(session.token(name), token)
        settle(session)
        clock.move(3)
        for status, out, _ in ask(session, name, 3):
            assert status in (5, 6), status
            equal(out, "")

    def is_refused(mode):
        name = session.add(f"dead-{DEAD.index(mode)}", server)
        server.mode(mode)
        clock.move(61)
        with requests(server, 1):
            text = session.fail(6, "valetkey", "token", name)
            assert "answered 200" in text, text
            held_for(session, name)
        equal(note(session, f"valetkey:{name}"), None)

    with scripted(live.pki) as server:
        for mode, seconds in LIVES.items():
            tap.check(f"{mode}: handed out for {seconds} s", lasts, mode,
                      seconds)
        for mode in DEAD:
            tap.check(f"{mode}: no token", is_refused, mode)


GROUPS = [early_renewal, in_real_time, refused_tokens, odd_lives]
