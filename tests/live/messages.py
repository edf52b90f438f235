# SPDX-License-Identifier: MIT
"""Whatever fails, and however the server repeats what it was sent: no line
that is printed, kept or logged has a part of the secret or of a token."""

import base64
import json
import os
import re
import shutil
import urllib.parse

from endpoints import HOUR, TOKEN, chunk, grant
from gates import BARE_HOST, HELPERS, HOST, PATH
from governor_callers import Clock
from live import User
from machine import Machine
from marks import MARKER, holds
from raw import RawServer, context, response
from servers import Missing
from session import poll
from tap import equal

JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ0ZXN0In0.c2lnbmF0dXJlLW9mLWEtdGVzdA"


def error(status, **members):
    return response(json.dumps(members), status=f"{status} No")


def page(status, text, *headers):
    return response(f"<html><body>{text}</body></html>", *headers,
                    "Content-Type: text/html", status=status)


# How a server repeats (name -> what it answers): body is what it was sent,
# basic the same in an Authorization header, whether or not it was one.
PERCENT = urllib.parse.quote(MARKER, safe="")
LINE = MARKER.replace("\\", "/")
ECHOES = {
    "the body": lambda body, basic: error(
        401, error="access_denied", error_description=body),
    "the secret": lambda body, basic: error(
        401, error="invalid_client", error_description=MARKER),
    "a part of it": lambda body, basic: error(
        401, error="invalid_client",
        error_description=f"not '{MARKER[3:18]}'"),
    "the secret as the error's name": lambda body, basic: error(
        400, error=MARKER),
    "it percent-encoded": lambda body, basic: error(
        400, error="invalid_request", error_description=PERCENT),
    "it in Basic": lambda body, basic: error(
        401, error="access_denied", error_description=basic),
    "it in a page": lambda body, basic: page("403 No", body + MARKER),
    "it with a failure": lambda body, basic: page("500 No", body + basic),
    "it with a wait": lambda body, basic: page(
        "429 No", body, f"Retry-After: {LINE}"),
    "it in a redirect": lambda body, basic: page(
        "302 No", body, f"Location: https://localhost/?{PERCENT}"),
    "it in the status": lambda body, basic: page(f"401 {LINE}", ""),
    "it for a status": lambda body, basic: (
        f"HTTP/1.1 {LINE}\r\n\r\n{LINE}").encode(),
    "it for a version": lambda body, basic: f"{LINE} 200\r\n\r\n".encode(),
    "it for a header": lambda body, basic: page("200 OK", "", f"{LINE}: x"),
    "it for a length": lambda body, basic: page(
        "200 OK", "", f"Content-Length: {LINE}"),
    "it for a coding": lambda body, basic: page(
        "200 OK", "", f"Transfer-Encoding: {LINE}"),
    "it for a token's type": lambda body, basic: response(
        grant(JWT, token_type=MARKER)),
    "it for a life": lambda body, basic: response(
        grant(JWT, expires_in=MARKER)),
    "a token of another type": lambda body, basic: response(
        grant(JWT, token_type="MAC")),
    "a token that has ended": lambda body, basic: response(
        grant(JWT, expires_in=-1)),
    "a token of two lines": lambda body, basic: response(
        grant(f"{JWT}\n{TOKEN}")),
    "half a token": lambda body, basic: response(grant(JWT)[:60]),
    "a token in a chunk that is cut": lambda body, basic: (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
        chunk(grant(JWT))[:-20]),
    "a token that is refused": lambda body, basic: error(
        401, error="invalid_client", error_description=grant(
            MARKER, access_token=PERCENT)),
}
COMMANDS = {
    "valetkey token": ["valetkey", "token", "{name}"],
    "valetkey token --json": ["valetkey", "token", "{name}", "--json"],
    "valetkey header": ["valetkey", "header", "{name}"],
    "valetkey curl-config": ["valetkey", "curl-config", "{name}"],
    "valetkey run": ["valetkey", "run", "{name}", "--env", "T", "--", "true"],
    "valetkey-fetch": ["valetkey-fetch", "{name}"],
}
# They ask nobody, and show what was kept.
AFTERWARDS = [["valetkey", "status"], ["valetkey", "list", "--json"],
              ["valetkey", "status", "{name}"], ["valetkey", "doctor"]]


class Parrot:
    """A script that answers by one of the ECHOES."""

    def __init__(self):
        self.echo = None

    def __call__(self, peer):
        data = peer.read().decode("latin-1")
        basic = re.search(r"Authorization: Basic (\S+)", data, re.I)
        body = urllib.parse.unquote(data.partition("\r\n\r\n")[2])
        pair = base64.b64encode(f"demo:{PERCENT}".encode()).decode()
        peer.send(self.echo(body, basic[1] if basic else pair))


def has_none(*texts):
    for text in texts:
        equal(holds(text, [MARKER, JWT, TOKEN]), [])


def desktop_messages(tap, live):
    session = (clock := Clock(live)).session

    def notes():
        return [session.run("keyctl", "pipe", serial).stdout
                for serial, description in session.keys().items()
                if any(mark in description for mark in session.marks)]

    def fails(words, text="", env=None):
        """It asks the server, and fails."""
        clock.move(2 * HOUR)
        server.forget()
        done = session.run(*words, text=text, env=env)
        assert done.returncode or "quit=1" in done.stdout or (
            '"Err"' in done.stdout), done
        server.settle()
        equal(server.count(), 1)
        has_none(done.stdout, done.stderr)

    def repeats(echo):
        parrot.echo = echo
        for program in HELPERS:
            helper = HELPERS[program].fill(**values)
            fails([program, *helper.words], helper.text, helper.env)
        for words in COMMANDS.values():
            fails([word.format(**values) for word in words])
        for words in AFTERWARDS:
            if words[-1] == "doctor":
                clock.move(2 * HOUR)
            done = session.run(*[word.format(**values) for word in words])
            has_none(done.stdout, done.stderr)
        has_none(*notes())

    parrot = Parrot()
    with RawServer(live.pki, parrot, context(live.pki)) as server:
        name = session.add("parrot", server, secret=MARKER, serves=(
            f"https://{HOST}/{PATH}, https://{BARE_HOST}"))
        values = {"host": HOST, "path": PATH, "bare_host": BARE_HOST,
                  "name": name}
        count = len(HELPERS) + len(COMMANDS)
        for word, echo in ECHOES.items():
            tap.check(f"a server repeats {word}: {count} failures tell"
                      " nobody", repeats, echo)
        print(f"# {count * len(ECHOES)} failures", flush=True)


def machine_messages(tap, live):
    """What the users are told, and what goes to the log."""
    def repeats(number, echo):
        """Each at a port of its own: nothing is held back."""
        parrot = Parrot()
        parrot.echo = echo
        with RawServer(live.pki, parrot, context(live.pki)) as server:
            name = machine.add(f"parrot-{number}", server, secret=MARKER,
                               allow=alice.pw_name)
            done = machine.run(alice, "valetkey", "token", name)
            poll(lambda: not machine.processes(), "the end of the upcall")
            equal(server.count(), 1)
        assert done.returncode and not done.stdout, done
        status = machine.system("status", name)
        with open(log) as file:
            logged = file.read()
        assert f"name={name} outcome=E" in logged, logged
        has_none(done.stderr, status.stdout, status.stderr, logged)

    if not shutil.which("strace"):
        raise Missing("strace is not installed")
    with Machine(live) as machine, User() as alice:
        log = os.path.join(machine.directory, "logged")
        machine.run_upcall_by("strace", "-f", "-s", "4096", "-e",
                              "trace=sendto", "-o", log)
        for number, (word, echo) in enumerate(ECHOES.items()):
            tap.check(f"server: one repeats {word}, nobody is told",
                      repeats, number, echo)


GROUPS = [desktop_messages, machine_messages]
