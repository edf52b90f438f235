# SPDX-License-Identifier: MIT
"""The kernel keys, as valetkey-keys(7) promises them to other programs."""

import os
import re

from servers import scripted
from session import poll
from tap import equal

LIFE = 4000
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def seconds_left(serial):
    """What /proc/keys says of a key: in its largest unit, rounded down."""
    with open("/proc/keys") as keys:
        for line in keys:
            number, _, _, timeout = line.split()[:4]
            if int(number, 16) == int(serial):
                return int(timeout[:-1]) * UNITS[timeout[-1]]
    raise AssertionError(f"{serial} is not in /proc/keys")


def interface(tap, live):
    session = live.session

    def request():
        return session.succeed("keyctl", "request", "user",
                               f"valetkey:{name}").strip()

    def is_found():
        equal(request(), session.succeed(
            "keyctl", "search", "@u", "user", f"valetkey:{name}").strip())

    def holds_the_token():
        first, *rest = session.succeed(
            "keyctl", "pipe", request()).splitlines()
        equal(first, token)
        fields = dict(line.split(": ", 1) for line in rest)
        equal(fields["type"], "Bearer")
        for name_ in "expires", "refresh", "boot-expires":
            int(fields[name_])
        assert len(fields["config"]) == 16

    def belongs_to_the_user():
        kind, uid, _, _, description = session.succeed(
            "keyctl", "rdescribe", request()).strip().split(";")
        equal((kind, int(uid), description),
              ("user", os.geteuid(), f"valetkey:{name}"))

    def ends_by_itself():
        """A token of 4000 s ends 60 s early: more than an hour is left."""
        left = seconds_left(request())
        assert 0 < left < LIFE, left
        equal(left, 3600)

    def is_short_lived():
        short = session.add("short", server,
                            url=server.token_url("ttl:20"))
        session.token(short)
        serial = session.succeed("keyctl", "request", "user",
                                 f"valetkey:{short}").strip()
        assert 0 <= seconds_left(serial) <= 16

    def is_gone_when_dropped():
        session.succeed("valetkey", "drop", name)
        equal(session.run("keyctl", "request", "user",
                          f"valetkey:{name}").returncode, 1)

    def another_payload(text):
        session.succeed("keyctl", "update", request(), text)
        before = server.count()
        assert session.token(name) not in text
        equal(server.count(), before + 1)

    with scripted(live.pki, ttl=LIFE) as server:
        name = session.add("keys", server)
        token = session.token(name)
        tap.check("keyctl request finds the key in @u", is_found)
        tap.check("its first line is the token", holds_the_token)
        tap.check("it belongs to the user", belongs_to_the_user)
        tap.check("it has a timeout before the token's end", ends_by_itself)
        tap.check("a token of 20 s ends after 16", is_short_lived)
        tap.check("a key that is no record is a miss", another_payload,
                  "planted")
        tap.check("a record of another configuration is a miss",
                  another_payload, f"{token}\ntype: Bearer\n"
                  "expires: 99999999999\nrefresh: 99999999998\n"
                  "boot-expires: 99999999999\nlife: 86400\n"
                  "config: 0123456789abcdef\n")
        tap.check("a dropped key is gone", is_gone_when_dropped)


def renewal(tap, live):
    session = live.session

    def make_due(name):
        """As if three quarters of its life were over."""
        serial = session.succeed("keyctl", "search", "@u", "user",
                                 f"valetkey:{name}").strip()
        text = session.succeed("keyctl", "pipe", serial)
        session.succeed("keyctl", "update", serial, re.sub(
            "refresh: .*", "refresh: 1", text))

    def is_in_the_background():
        """Nobody waits for it, and it is done once."""
        name = session.add("renewed", server)
        token = session.token(name)
        server.reset()
        server.mode("slow:500")
        make_due(name)
        equal(session.token(name), token)
        poll(server.count, "the renewal")
        equal(session.token(name), token)
        poll(lambda: session.token(name) != token, "the new token")
        equal(server.count(), 1)

    def may_fail():
        name = session.add("not-renewed", server)
        token = session.token(name)
        server.reset()
        server.mode("500")
        make_due(name)
        for _ in range(3):
            equal(session.token(name), token)
        poll(server.count, "the renewal")
        for _ in range(3):
            equal(session.token(name), token)
        equal(server.count(), 1)

    with scripted(live.pki) as server:
        tap.check("a token is renewed early, in the background",
                  is_in_the_background)
    with scripted(live.pki) as server:
        tap.check("while the renewal fails the old token is served", may_fail)


GROUPS = [interface, renewal]
