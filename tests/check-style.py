#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""What the C code does not use, and the first line that every file has."""

import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, os.path.join(TOP, "tests", "servers"))

from tap import Tap, equal  # noqa: E402

PRODUCT = ["base", "keyring", "oauth", "server", "helpers", "cli"]
BANNED = ["sprintf", "vsprintf", "strcpy", "stpcpy", "strcat", "strncat",
          "strtok", "atoi", "atol", "atoll", "sscanf", "gets", "system",
          "popen", "alloca", "realloc", "strdup", "strndup"]
# It is where the fetcher's own realloc() is defined, which wipes.
EXCEPT = {"realloc": ["oauth/wipe.c"]}
FIRST_LINE = "/* SPDX-License-Identifier: MIT */"

# A comment, a string or a character constant
NO_CODE = re.compile(
    r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)


def sources(directories):
    """Path below the top, and text."""
    for directory in directories:
        for parent, _, names in os.walk(os.path.join(TOP, directory)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    path = os.path.join(parent, name)
                    with open(path) as file:
                        yield os.path.relpath(path, TOP), file.read()


def blank(match):
    """White space in its place, so that lines keep their numbers."""
    return re.sub(r"[^\n]", " ", match[0])


def uses(pattern):
    """Where the product's code matches it, as FILE:LINE."""
    found = []
    for path, text in sources(PRODUCT):
        code = NO_CODE.sub(blank, text)
        for match in re.finditer(pattern, code):
            line = code.count("\n", 0, match.start()) + 1
            found.append(f"{path}:{line}")
    return found


def is_not_used(name, pattern):
    equal([place for place in uses(pattern)
           if place.split(":")[0] not in EXCEPT.get(name, [])], [])


def begins_right():
    equal([path for path, text in sources([*PRODUCT, "tests"])
           if "node_modules" not in path
           and text.split("\n", 1)[0] != FIRST_LINE], [])


def finds_what_it_looks_for():
    text = 'x = strcpy(a, b); /* strcpy( */ puts("strcpy(");\n'
    equal(len(re.findall(r"\bstrcpy\s*\(", NO_CODE.sub(blank, text))), 1)
    assert uses(r"\bmemcpy\s*\(")


def main():
    tap = Tap()
    for name in BANNED:
        tap.check(f"no {name}", is_not_used, name, rf"\b{name}\s*\(")
    tap.check("no goto", is_not_used, "goto", r"\bgoto\b")
    tap.check(f"every C file begins with {FIRST_LINE}", begins_right)
    tap.check("this checker finds what it looks for",
              finds_what_it_looks_for)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
