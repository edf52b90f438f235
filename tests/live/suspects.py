# SPDX-License-Identifier: MIT
"""A helper that is given what no client sends, and what is asserted of it."""

import fcntl
import os
import struct
import subprocess
import termios

from answers import BLANK_LINE, LINE, NOTHING, PROTOCOLS
from gates import HELPERS
from session import poll
from tap import equal

PART = 16  # bytes of a token that must not come out
ARGUMENT_MAX = 100_000  # the kernel takes 128 KiB


class Result:
    def __init__(self, status, out=b"", err=b""):
        self.status, self.out, self.err = status, out, err


class Suspect:
    """A helper with its good request, which others are made of."""

    def __init__(self, live, program, values, tokens):
        raw = HELPERS[program]
        good = raw.fill(**values)
        self.live, self.program, self.tokens = live, program, tokens
        self.protocol = PROTOCOLS[program]
        self.words, self.text, self.env = good.words, good.text, good.env
        self.is_read = self.protocol.ends != NOTHING
        # Where the request is, if not on standard input
        self.variable = next(iter(good.env), None)
        self.place = next((i for i, word in enumerate(raw.words)
                           if "{" in word), None)

    def good(self):
        if self.is_read:
            return self.text.encode()
        if self.variable:
            return self.env[self.variable].encode()
        return self.words[self.place].encode()

    def has_verb(self):
        return self.words and self.place != 0

    def start(self, words=None, env=None, **more):
        path = os.path.join(self.live.programs, self.program)
        for stream in "stdin", "stdout", "stderr":
            more.setdefault(stream, subprocess.PIPE)
        return subprocess.Popen(
            [path, *(self.words if words is None else words)],
            env={**self.live.session.env, **self.env, **(env or {})},
            cwd=self.live.session.directory, **more)

    def end(self, process, text=b""):
        out, err = process.communicate(text)
        return Result(process.returncode, out or b"", err or b"")

    def run(self, words=None, env=None, text=None, **more):
        if text is None:
            text = self.text.encode() if self.is_read else b""
        return self.end(self.start(words, env, **more), text)

    def run_with(self, request, words=None):
        """request in the place of the good one."""
        words = list(self.words if words is None else words)
        if self.is_read:
            return self.run(words, text=request)
        request = request.replace(b"\0", b"\1")[:ARGUMENT_MAX]
        if self.variable:
            return self.run(words, env={self.variable: request})
        words[self.place] = request
        return self.run(words)

    # What is asserted

    def judge(self, result, *statuses):
        assert result.status in (statuses or (0, *self.protocol.usage)), (
            result.status, result.out[:300], result.err[:2000])
        self.judge_messages(result.err.decode())
        said = result.out.decode()
        if result.status and not self.protocol.tells:
            equal(said.replace('{"v":[1]}\n', "").replace("quit=1\n", ""), "")
        elif said and not result.status:
            self.protocol.is_answer(said)
        if result.status:
            self.has_no_token(said)

    def judge_messages(self, text):
        """Lines of ours, each of bearable length, and then maybe usage."""
        self.has_no_token(text)
        assert text.replace("\n", "").isprintable(), text[:2000]
        lines = text.partition("usage: ")[0].splitlines()
        for line in lines:
            assert line.startswith(self.program + ": "), text[:2000]
            assert len(line) < 1100, len(line)
        # One for each request
        assert len(lines) < 5 or self.protocol.ends == LINE, text[:2000]

    def has_no_token(self, text):
        for token in self.tokens:
            for at in range(0, max(1, len(token) - PART), PART // 2):
                assert token[at:at + PART] not in text, "a part of a token"

    def is_served(self, result):
        self.judge(result, 0)
        assert any(token.encode() in result.out for token in self.tokens), (
            result.out, result.err)


def reads_standard_input(process):
    """Is it in a read() of descriptor 0, and has it said nothing so far?"""
    with open(f"/proc/{process.pid}/syscall") as file:
        words = file.read().split()
    assert process.poll() is None, "it has not waited"
    return len(words) > 1 and words[1] == "0x0"


def unread(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD,
                                          b"\0\0\0\0"))[0]


def write(process, text):
    """It has taken all of it, and wants more."""
    process.stdin.write(text)
    process.stdin.flush()
    poll(lambda: not unread(process.stdin) and reads_standard_input(process),
         "a read of standard input")


def has_said(process, text=b""):
    """What it has printed so far, once it waits."""
    equal(unread(process.stdout), len(text))
    equal(os.read(process.stdout.fileno(), len(text)) if text else b"", text)


def waits(suspect):
    """For the end, however long it takes; git's is a blank line, cargo's
    the line."""
    ends = suspect.protocol.ends
    process = suspect.start()
    if ends == NOTHING:
        # Its client may have left it a terminal: nothing is read.
        equal(process.wait(), 0)
        suspect.is_served(suspect.end(process))
        return
    greeting = b'{"v":[1]}\n' if ends == LINE else b""
    body = suspect.good().rstrip(b"\n")
    write(process, body[:1])
    has_said(process, greeting)
    write(process, body[1:])
    has_said(process)
    answer = b""
    if ends == BLANK_LINE:
        process.stdin.write(b"\n\n")
        process.stdin.flush()
        equal(process.wait(), 0)
    elif ends == LINE:
        write(process, b"\n")
        answer = os.read(process.stdout.fileno(), 1 << 16)
    result = suspect.end(process)
    result.out = greeting + answer + result.out
    suspect.is_served(result)
