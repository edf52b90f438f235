#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""Draws what 'make bench' measured: performance.py <performance.json >SVG

Bars of medians on a logarithmic scale, that of milliseconds, and a curve of
what a warm get takes by the number of clients.  The same input gives the same
bytes.
"""

import json
import math
import sys

from drawing import Drawing

TITLE = "What valetkey takes, beside what others do"
WIDTH, LEFT, RIGHT = 900, 330, 790
ROW, GAP = 24, 74
STYLE = """
.back { fill: #fff } .ink { fill: #1b2733 } .soft { fill: #5b6875 }
.line { stroke: #d5dbe1 } .ours { fill: #1f6fb2 } .other { fill: #9aa7b4 }
.control { fill: #5e8f73 } .curve { stroke: #1f6fb2; fill: none }
.curve2 { stroke: #b85c00; fill: none } .dot2 { fill: #b85c00 }
.error { stroke: #1b2733 }
@media (prefers-color-scheme: dark) {
.back { fill: #12181f } .ink { fill: #e8edf2 } .soft { fill: #a9b5c1 }
.line { stroke: #35414d } .ours { fill: #5aa9e6 } .other { fill: #66727e }
.control { fill: #7fb898 } .curve { stroke: #5aa9e6 }
.curve2 { stroke: #f0a04b } .dot2 { fill: #f0a04b } .error { stroke: #e8edf2 }
}"""


class Charts(Drawing):
    def text(self, x, y, text, class_="ink", anchor="start", **more):
        self.add("text", text, x=x, y=y, class_=class_, text_anchor=anchor,
                 **more)

    def line(self, x1, y1, x2, y2, class_="line", **more):
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_, **more)


def short(value):
    """Three digits, and all of those before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


class Scale:
    """Logarithmic, from a power of ten to another."""

    def __init__(self, low, high, start, end):
        self.low = math.floor(math.log10(low))
        self.high = math.ceil(math.log10(high))
        self.start, self.end = start, end

    def place(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + (self.end - self.start) * share

    def marks(self):
        return [10 ** power for power in range(self.low, self.high + 1)]


def kind(name):
    if "valetkey" in name:
        return "ours"
    return "control" if name.startswith(("an empty", "the same")) else "other"


def draw_bars(out, top, title, rows, unit="ms"):
    """Give where the next may begin."""
    scale = Scale(min(row["ms"] for row in rows),
                  max(row["ms"] for row in rows), LEFT, RIGHT)
    out.text(20, top, title, font_size=15, font_weight="bold")
    out.text(20, top + 18, f"median time in {unit}, logarithmic scale:"
             " one line to the next is ten times as long", "soft",
             font_size=12)
    top += 34
    bottom = top + ROW * len(rows)
    for mark in scale.marks():
        x = scale.place(mark)
        out.line(x, top, x, bottom)
        out.text(x, bottom + 16, f"{mark:,g}", "soft", "middle", font_size=12)
    for index, row in enumerate(sorted(rows, key=lambda row: row["ms"])):
        y = top + ROW * index + 4
        x = scale.place(row["ms"])
        out.text(LEFT - 10, y + 12, row["name"], anchor="end")
        out.add("rect", x=LEFT, y=y, width=max(x - LEFT, 1), height=ROW - 8,
                class_=kind(row["name"]), rx=2)
        out.text(x + 8, y + 12, f"{short(row['ms'])} {unit}")
    return bottom + GAP


def draw_curves(out, top, curves):
    """Both axes logarithmic."""
    out.text(20, top, "A warm get by the number of clients in clients.conf",
             font_size=15, font_weight="bold")
    out.text(20, top + 18, "times an empty program, both scales logarithmic",
             "soft", font_size=12)
    top, bottom = top + 40, top + 260
    points = [(row["clients"], row["ratio"])
              for rows in curves.values() for row in rows]
    across = Scale(min(x for x, _ in points), max(x for x, _ in points),
                   100, RIGHT - 100)
    up = Scale(min(1, *[y for _, y in points]), max(y for _, y in points),
               bottom, top)
    for mark in across.marks():
        x = across.place(mark)
        out.line(x, top, x, bottom)
        out.text(x, bottom + 16, f"{mark:,g}", "soft", "middle", font_size=12)
    for mark in [1, 2, 3, 5, 10]:
        if up.low <= math.log10(mark) <= up.high:
            y = up.place(mark)
            out.line(100, y, RIGHT - 100, y)
            out.text(90, y + 4, f"{mark}", "soft", "end", font_size=12)
    for (name, rows), (line, dot) in zip(
            curves.items(), (("curve", "ours"), ("curve2", "dot2"))):
        places = [(across.place(row["clients"]), up.place(row["ratio"]), row)
                  for row in rows]
        out.add("polyline", class_=line, stroke_width=2, points=" ".join(
            f"{x:.1f},{y:.1f}" for x, y, _ in places))
        for x, y, row in places:
            out.add("circle", cx=x, cy=y, r=4, class_=dot)
        x, y, row = places[-1]
        out.text(x + 10, y + 4, f"{row['ratio']:.2f}: {name}")
    return bottom + GAP


def draw(data):
    out = Charts()
    y, parts = 36, data["parts"]
    for part in "warm", "crowd", "cold":
        if part in parts:
            title = parts[part]["title"]
            if parts[part]["trouble"]:
                title += " (INCONCLUSIVE: the machine was busy)"
            y = draw_bars(out, y, title[0].upper() + title[1:],
                          parts[part]["rows"])
    curves = {title: [row for row in parts[part]["rows"] if "clients" in row]
              for part, title in (("growth added", "by valetkey add"),
                                  ("growth imported", "by valetkey import"))
              if part in parts}
    if curves:
        y = draw_curves(out, y, curves)
    height = y - 40
    return out.svg("performance.py", WIDTH, height, TITLE, f"""\
<style>{STYLE}
</style>
<rect width="{WIDTH}" height="{height}" class="back"/>""")


if __name__ == "__main__":
    sys.stdout.buffer.write(draw(json.load(sys.stdin)).encode())
