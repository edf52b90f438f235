# SPDX-License-Identifier: MIT
"""Reads case files (README.md) and compares output with what they expect."""

import calendar
import difflib
import re
import time

HEADER = re.compile(r"\[(conf|file|setup|argv|stdin|typed|stdout|stderr|"
                    r"screen|exit|after|newconf|newfile)(?: ([^]]+))?\]")
PLACEHOLDER = re.compile(r"@([A-Z]+)@")
BYTE = re.compile(rb"<0x([0-9a-f]{2})>")
END = "<EOF>"


class Wrong(Exception):
    """A case did not go as it says, or is not written as it should be."""


class Section:
    def __init__(self, kind, argument, number):
        self.kind = kind
        self.argument = argument
        self.number = number  # of its line
        self.lines = []

    def text(self):
        """The text it stands for: with a line break at its end, unless
        <EOF> says where it ends."""
        text = "\n".join(self.lines)
        if END in text:
            return text.split(END)[0]
        text = text.rstrip("\n")
        return text + "\n" if text else ""

    def rows(self):
        """Its lines, but blank ones and comments."""
        lines = (line.strip() for line in self.lines)
        return [line for line in lines if line and line[0] != "#"]


def read(path):
    """The sections of a case; what stands before the first is a comment."""
    sections = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file.read().split("\n"), 1):
            header = HEADER.fullmatch(line)
            if header:
                sections.append(Section(*header.groups(), number))
            elif sections:
                sections[-1].lines.append(line)
    if not any(section.kind == "argv" for section in sections):
        raise Wrong("there is no [argv] section")
    return sections


def fill_in(text, values):
    """Replace @NAME@; values gives what it stands for."""
    return PLACEHOLDER.sub(lambda match: values(match[1]), text)


def to_bytes(text):
    """<0x1b> stands for that byte."""
    return BYTE.sub(lambda match: bytes([int(match[1], 16)]), text.encode())


# What an expectation may leave open, and nothing else (README.md).
WILDCARD = re.compile(
    r"<(?P<name>TOKEN[1-9]?|NUMBER|UNIX|DATE|TIME|KEY|WORDS)"
    r"(?: (?P<low>\d+)\.\.(?P<high>\d+))?>")
SHAPES = {
    "TOKEN": r"[A-Za-z0-9._~+/=-]+",
    "NUMBER": r"\d+",
    "UNIX": r"\d+",
    "DATE": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "TIME": r"\d\d:\d\d:\d\d",
    "KEY": r"\d+",
    "WORDS": r"[^\n]+",
}


def date(text):
    """RFC 3339 in UTC, as a Unix time."""
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


class Expectation:
    """Text with wildcards. tokens: those that <TOKEN1> and so on have
    stood for in this case, by name."""

    def __init__(self, text, tokens):
        self.text = text
        self.tokens = tokens
        self.groups = []
        pattern, at = b"", 0
        for match in WILDCARD.finditer(text):
            pattern += re.escape(to_bytes(text[at:match.start()]))
            pattern += b"(" + SHAPES[match["name"].rstrip("123456789")
                                     ].encode() + b")"
            self.groups.append(match)
            at = match.end()
        self.pattern = pattern + re.escape(to_bytes(text[at:]))

    def check(self, what, got):
        found = re.fullmatch(self.pattern, got)
        if not found:
            raise Wrong(self.difference(what, got))
        for wildcard, value in zip(self.groups, found.groups()):
            self.check_value(what, wildcard, value.decode())

    def check_value(self, what, wildcard, value):
        name = wildcard["name"]
        if wildcard["low"]:
            base = int(time.time()) if name in ("UNIX", "DATE") else 0
            low, high = int(wildcard["low"]), int(wildcard["high"])
            number = date(value) if name == "DATE" else int(value)
            if not low <= number - base <= high:
                raise Wrong(f"{what}: {wildcard[0]} is {value}")
        if not name[-1].isdigit():
            return
        if self.tokens.setdefault(name, value) != value:
            raise Wrong(f"{what}: {name} is another token than before")
        if list(self.tokens.values()).count(value) > 1:
            raise Wrong(f"{what}: {name} is not a new token")

    def difference(self, what, got):
        want = to_bytes(self.text).decode(errors="backslashreplace")
        have = got.decode(errors="backslashreplace")
        lines = difflib.unified_diff(
            want.split("\n"), have.split("\n"), f"{what} as expected",
            f"{what} as it is", lineterm="")
        return "\n".join(lines)
