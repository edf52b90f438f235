#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""docs/performance.md says what performance.json has, and the drawings are what
their programs draw."""

import json
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, os.path.join(TOP, "tests", "servers"))

from tap import Tap, equal  # noqa: E402

DOCS = os.path.join(TOP, "docs")


def read(name):
    with open(os.path.join(DOCS, name), encoding="utf-8") as file:
        return file.read()


def interval(figures, middle):
    return (f"{figures[middle]:.2f} ({figures['low']:.2f} to"
            f" {figures['high']:.2f})")


def is_drawn(name):
    with open(os.path.join(DOCS, "performance.json")) as data:
        drawn = subprocess.run(
            [sys.executable, "-B", os.path.join(DOCS, name + ".py")],
            stdin=data, capture_output=True, check=True).stdout
    equal(drawn.decode(), read(name + ".svg"))


def has_goals(page, goals):
    for goal in goals:
        bound = "most" if goal["at most"] else "least"
        line = (f"| {goal['name']} | at {bound} {goal['limit']} |"
                f" {interval(goal, 'middle')} | {goal['verdict']} |\n")
        assert line in page, line


def has_rows(page, rows):
    for row in rows:
        if "clients" in row:
            name = f"{row['clients']:,}"
            text = f"| {interval(row, 'ratio')}, {row['bytes']:,} bytes |"
        else:
            ms = f"{row['ms']:.1f}" if row["ms"] >= 10 else f"{row['ms']:.2f}"
            name, text = row["name"], f"| {ms} | {interval(row, 'ratio')} |"
        assert any(line.startswith(f"| {name} |") and text in line
                   for line in page.splitlines()), (name, text)


def main():
    tap, data = Tap(), json.loads(read("performance.json"))
    page = read("performance.md")
    for name in "governor", "performance":
        tap.check(f"{name}.svg is what {name}.py draws", is_drawn, name)
    tap.check("performance.md has the goals", has_goals, page, data["goals"])
    for name, part in data["parts"].items():
        # Growth has its controls beside it, which are those of the others.
        tap.check(f"performance.md has the figures of '{name}'", has_rows,
                  page, [row for row in part["rows"]
                         if "clients" in row or "growth" not in name])
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
