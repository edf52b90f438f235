# SPDX-License-Identifier: MIT
"""What no client sends, to every helper.

Each ends by itself and by no signal, with an exit status that its client
knows, and prints nothing or a whole answer; no token comes out elsewhere.
Tokens are in the cache, so they could.
"""

import os
import subprocess

from answers import PROTOCOLS
from gates import HELPERS, set_up
from servers import scripted
from suspects import ARGUMENT_MAX, Suspect, waits
from tap import equal

MIB = 1 << 20
DEEP = 10_000


def twice(good):
    """Each member or line twice, and some that nobody knows."""
    body = good.strip()
    if body.startswith(b"{"):
        inner = body[1:-1]
        return b'{%s,"unknown":{"a":[null]},%s}\n' % (inner, inner)
    return b"\n".join([body, b"unknown=1", b"unknown[]=", body]) + b"\n\n"


def deep_inside(good):
    body = good.strip()
    nest = b"[" * DEEP + b"]" * DEEP
    if body.startswith(b"{"):
        return b'{"deep":' + nest + b"," + body[1:] + b"\n"
    return nest + b"\n" + good


def bad_requests(good):
    half = len(good) // 2
    return {
        "nothing": b"",
        "a newline alone": b"\n",
        "no newline at the end": good.rstrip(b"\n"),
        "its first half": good[:half],
        "CR LF": good.replace(b"\n", b"\r\n") + b"\r\n",
        "a NUL byte inside": good[:half] + b"\0" + good[half:],
        "a NUL byte at the end": good + b"\0",
        "NUL bytes alone": bytes(64),
        "invalid UTF-8 inside": good[:half] + b"\xff\xc3(" + good[half:],
        "invalid UTF-8 alone": b"\xed\xa0\x80\xf8\x88\xfe\n",
        "escape sequences": good[:half] + b"\x1b[2J\x9b1m\x07" + good[half:],
        "1 MiB behind it": good + b"x" * MIB,
        "1 MiB before it": b"x" * MIB + good,
        "1 MiB of it": good * (MIB // max(len(good), 1)),
        "1 MiB of NUL bytes": bytes(MIB),
        "1 MiB of lines": b"a=b\n" * (MIB // 4),
        "arrays in arrays": b"[" * DEEP,
        "arrays in arrays, closed": b"[" * DEEP + b"]" * DEEP + b"\n",
        "objects in objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"\n",
        "arrays in it": deep_inside(good),
        "all twice, and more": twice(good),
        "another type": b"[1,null,true]\n",
    }


def each(cases, judge):
    """All of them, so that one that fails does not hide the others."""
    failed = []
    for name, case in cases.items():
        try:
            judge(case)
        except Exception as error:  # whatever: it is told
            failed.append(f"{name}: {type(error).__name__}: {error}")
    assert not failed, "\n".join(failed)[:4000]


def bad_words(suspect):
    words = list(suspect.words)
    cases = {"one more word": [*words, "frobnicate"],
             "one more option": [*words, "--frobnicate"],
             "an empty word": [*words, ""],
             "a long word": [*words, "x" * ARGUMENT_MAX]}
    if suspect.has_verb():
        for verb in "frobnicate", "", words[0].upper(), words[0] + "\n":
            cases[repr(verb)] = [verb, *words[1:]]
    for count in range(len(words)):
        cases[f"{count} words"] = words[:count]
    return cases


def check_words(suspect):
    usage = (0, *suspect.protocol.usage)
    each(bad_words(suspect),
         lambda words: suspect.judge(suspect.run(words), *usage))
    if suspect.has_verb():
        result = suspect.run(["frobnicate", *suspect.words[1:]])
        suspect.judge(result, *suspect.protocol.unknown)
        equal(result.out.replace(b'{"v":[1]}\n', b""), b"")


def check_verbs(suspect, refresh):
    """The token may be dropped by what looks like a good request."""
    for verb in suspect.protocol.verbs:
        words = [verb, *suspect.words[1:]]
        for case in bad_requests(suspect.good()).items():
            refresh()
            each(dict([case]), lambda text: suspect.judge(
                suspect.run_with(text, words)))


def without(fd):
    """Start it with that descriptor closed."""
    return {"preexec_fn": lambda: os.close(fd)}


def check_output(suspect):
    """Whoever is not told the answer is told by the exit status."""
    reader, writer = os.pipe()
    os.close(reader)
    with open("/dev/full", "wb") as full:
        each({"closed": without(1), "nobody reads": {"stdout": writer},
              "full": {"stdout": full}},
             lambda more: suspect.judge(suspect.run(**more), 1, 2))
    os.close(writer)


def check_input(suspect):
    with open("/dev/null", "rb") as null:
        directory = os.open("/", os.O_RDONLY)
        each({"closed": without(0), "empty": {"stdin": null},
              "a directory": {"stdin": directory}},
             lambda more: suspect.judge(suspect.run(**more)))
        os.close(directory)


def check_errors(suspect):
    """Nothing to print errors to."""
    suspect.is_served(suspect.run(stderr=subprocess.DEVNULL))
    process = suspect.start(preexec_fn=lambda: os.close(2))
    suspect.is_served(suspect.end(process, suspect.text.encode()))


def hostile_input(tap, live):
    session = live.session

    def read_conf():
        path = os.path.join(session.home, ".config/valetkey/clients.conf")
        with open(path, "rb") as file:
            return file.read()

    def has_a_row_for_each():
        equal([name for name in live.helpers
               if name not in PROTOCOLS or name not in HELPERS], [])

    def refresh():
        """Whoever asks so often looks to some like one that was refused."""
        for name in names:
            session.run("valetkey", "retry", name)
            suspect.tokens.add(session.token(name))

    def asked_nobody():
        equal(server.count(), len(names))
        equal(read_conf(), conf)

    tap.check("every helper has a row", has_a_row_for_each)
    with scripted(live.pki) as server:
        values = set_up(session, server)
        names = [values["name"], session.name("gates-host")]
        tokens, conf = set(map(session.token, names)), read_conf()
        suspects = [Suspect(live, program, values, tokens)
                    for program in live.helpers
                    if program in PROTOCOLS and program in HELPERS]
        for suspect in suspects:
            name = suspect.program
            tap.check(f"{name} serves the good request",
                      lambda: suspect.is_served(suspect.run()))
            tap.check(f"{name} waits for the end of its request",
                      lambda: waits(suspect))
            tap.check(f"{name} bears any request", lambda: each(
                bad_requests(suspect.good()),
                lambda text: suspect.judge(suspect.run_with(text))))
            tap.check(f"{name} bears any words",
                      lambda: check_words(suspect))
            tap.check(f"{name} bears any standard output",
                      lambda: check_output(suspect))
            tap.check(f"{name} bears any standard input",
                      lambda: check_input(suspect))
            tap.check(f"{name} bears any standard error",
                      lambda: check_errors(suspect))
        tap.check("nobody was asked for a token, and no file has changed",
                  asked_nobody)
        for suspect in suspects:
            tap.check(f"{suspect.program} bears any request of other verbs",
                      lambda: check_verbs(suspect, refresh))
        equal(read_conf(), conf)


GROUPS = [hostile_input]
