#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""Each test that docs/assurance.md names is there, and is run."""

import ast
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TESTS = os.path.join(TOP, "tests")
sys.path.insert(1, os.path.join(TESTS, "servers"))

from tap import Tap, equal  # noqa: E402

PAGE = os.path.join(TOP, "docs", "assurance.md")
# `word name`: title
NAMED = re.compile(r"`(unit|golden|live|check|fuzz|gates)(?: ([^`]+))?`"
                   r"(?:: (.+))?")
ANY = "\0"  # in a title: what is only known when it runs


def read(*words):
    with open(os.path.join(*words)) as file:
        return file.read()


def text_of(node):
    """A string of Python, or None; with ANY for what is put in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or ANY for part in node.values)
    return None


def titles(path):
    """The first argument of each tap.check() in a file, and the keys of
    tables, which may be given to it one after the other."""
    found = []
    for node in ast.walk(ast.parse(read(path))):
        if isinstance(node, ast.Dict):
            found += filter(None, map(text_of, node.keys))
        if (isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "check" and node.args):
            text = text_of(node.args[0])
            if text:
                found.append(text)
    return found


def has_title(path, title):
    pattern = ".+".join(re.escape(part) for part in title.split("…"))
    return any(re.fullmatch(pattern, one, re.S) for one in titles(path))


def of_unit(name, title):
    path = os.path.join(TESTS, "unit", f"test_{name}.c")
    return (title and os.path.exists(path)
            and re.search(rf"\btests/unit/test_{name}\b",
                          read(TESTS, "tests.am"))
            # Its own function, and its row in the table of tests
            and (title == "…"
                 or len(re.findall(rf"\b{title}\b", read(path))) >= 2))


def of_golden(name, title):
    return not title and os.path.exists(
        os.path.join(TESTS, "golden", "cases", f"{name}.txt"))


def of_live(name, title):
    path = os.path.join(TESTS, "live", f"{name}.py")
    return (title and os.path.exists(path)
            and (f'"{name}",' in read(TESTS, "live", "run.py")
                 or re.search(rf"\b{name}\b",
                              read(TESTS, "live", "governor.py")))
            and has_title(path, title))


def of_check(name, title):
    path = os.path.join(TESTS, f"check-{name}.py")
    runs = read(TESTS, "tests.am")
    return (title and os.path.exists(path)
            and re.search(rf"\bcheck-{name}\.py\b", runs.split(
                "EXTRA_DIST")[0])
            and has_title(path, title))


def of_fuzz(name, title):
    return (not title and re.search(rf"\btests/fuzz/fuzz_{name}\b",
                                    read(TESTS, "tests.am"))
            and os.path.isdir(os.path.join(TESTS, "fuzz", "corpus", name)))


def of_gates(name, title):
    return not name and not title


KINDS = {"unit": of_unit, "golden": of_golden, "live": of_live,
         "check": of_check, "fuzz": of_fuzz, "gates": of_gates}


def rows():
    """Promise and cell of tests, of each row that has three cells."""
    for line in read(PAGE).split("\n"):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if (line.startswith("|") and len(cells) == 3
                and cells[0] not in ("promise", "word", "---")
                and not cells[0].startswith("`")):
            yield cells[0], cells[2]


def why_not(cell):
    """What is wrong with the tests of a promise."""
    for text in cell.split("<br>"):
        named = NAMED.fullmatch(text.strip())
        if not named:
            yield f"not understood: {text}"
        elif not KINDS[named[1]](named[2], named[3]):
            yield f"not there, or not run: {text}"


def all_are_there(found):
    equal([(promise, reason) for promise, cell in found
           for reason in why_not(cell)], [])


def others_are_seen():
    for wrong in ("", "see above", "`unit url`", "`unit url`: no_such_test",
                  "`unit none`: splits_a_url_into_its_parts",
                  "`golden config/none`", "`live secrecy`",
                  "`live secrecy`: no such title",
                  "`live suspects`: …", "`check none`: no …", "`fuzz none`",
                  "`live secrecy`: no argument shows"):
        assert list(why_not(wrong)), wrong


def is_about_all_sections():
    """Where the threat model promises something, so does this page."""
    model = re.findall(r"^## (.+)$", read(TOP, "docs", "threat-model.md"),
                       re.M)
    ours = re.findall(r"^## (.+)$", read(PAGE), re.M)
    elsewhere = {"What is worth protecting", "A crash, a kill, a full disk",
                 "The token endpoint's patience", "Root, and the hardware",
                 "Told in one line each"}
    equal(set(model) - set(ours) - elsewhere, set())


def main():
    tap = Tap()
    found = list(rows())
    count = sum(len(cell.split("<br>")) for _, cell in found)
    print(f"# {len(found)} promises, {count} tests", flush=True)
    assert len(found) > 50, found
    tap.check("each test that is named is there", all_are_there, found)
    tap.check("one that is not there is seen", others_are_seen)
    tap.check("every section of the threat model has its tests",
              is_about_all_sections)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
