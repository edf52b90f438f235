#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""Draws governor.svg: python3 docs/governor.py >docs/governor.svg

Four lanes, each to its own scale of time.  The same input gives the same
bytes: tests/check-figures.py compares them with the file.
"""

import sys

from drawing import Drawing

WIDTH = 900
LEFT, RIGHT = 128, 876  # where the time begins and ends in every lane

INK, SOFT, FAINT = "#1b2733", "#5b6875", "#d5dbe1"
BLUE, GREEN, ORANGE, RED = "#1f6fb2", "#2e7d4f", "#b85c00", "#b3261e"
PALE = {BLUE: "#d6e6f5", GREEN: "#d5ecdd", ORANGE: "#fbe3c6", RED: "#f8d7d4"}

TITLE = "When valetkey asks a token endpoint, and when not"
DESC = """\
Four timelines: a token is renewed once in the background at \
three quarters of its life; after a 429 no request goes out for as long as \
Retry-After says; a refused secret is tried again after 5, 10, 20, 40 and 60 \
minutes only; five requests to one endpoint leave 1.15 seconds apart."""

# Seconds, but for the probes
LIFE, REFRESH, MARGIN = 300, 225, 240
RETRY_AFTER = 7
PROBES = [0, 5, 15, 35, 75, 135]  # minutes; 5, 10, 20, 40, 60 between them
PACE = 1.15


class Timelines(Drawing):
    def text(self, x, y, text, color=INK, anchor="start", **more):
        self.add("text", text, x=x, y=y, fill=color, text_anchor=anchor,
                 **more)

    def line(self, x1, y1, x2, y2, color=SOFT, **more):
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=color, **more)

    def bar(self, x, y, width, color, height=20, **more):
        self.add("rect", x=x, y=y, width=width, height=height,
                 fill=PALE.get(color, color), stroke=color, **more)


class Lane:
    """A title, rows below it, and a scale of time."""

    def __init__(self, out, top, title, end):
        self.out, self.top, self.end = out, top, end
        out.text(20, top, title, font_size=15, font_weight="bold")

    def x(self, time):
        return LEFT + (RIGHT - LEFT) * time / self.end

    def row(self, offset, name):
        """Its middle; the name stands left of it."""
        y = self.top + offset
        self.out.text(LEFT - 12, y + 4, name, SOFT, "end")
        return y

    def asked(self, times, y, color=BLUE):
        """Answered from the keyring."""
        for time in times:
            self.out.line(self.x(time), y - 8, self.x(time), y + 8, color,
                          stroke_width=2)

    def told(self, times, y, color):
        """Told at once that there is no token: a ring on the line."""
        for time in times:
            x = self.x(time)
            self.out.line(x, y - 2, x, y + 8, color, stroke_width=2)
            self.out.add("circle", cx=x, cy=y - 5, r=3, fill="#fff",
                         stroke=color, stroke_width=1.6)

    def waits(self, start, end, y, text):
        self.out.add("rect", x=self.x(start), y=y - 8,
                     width=self.x(end) - self.x(start), height=16,
                     fill="#eceff2")
        self.out.text((self.x(start) + self.x(end)) / 2, y + 4, text, SOFT,
                      "middle", font_size=12)

    def request(self, time, y, color, width=8.0):
        self.out.add("rect", x=self.x(time), y=y - 9, width=width, height=18,
                     fill=color, rx=1.5)

    def leads(self, time, y1, y2, color=INK):
        """From a caller down to the request that it starts."""
        self.out.line(self.x(time), y1, self.x(time), y2, color,
                      stroke_dasharray="2 3")

    def scale(self, offset, marks, unit):
        y = self.top + offset
        self.out.line(LEFT, y, RIGHT, y)
        for time in marks:
            x = self.x(time)
            self.out.line(x, y, x, y + 5)
            self.out.text(x, y + 18, f"{time:g}", SOFT, "middle",
                          font_size=12)
        self.out.text(LEFT - 12, y + 18, unit, SOFT, "end", font_size=12)


def legend(out, y):
    sample = Lane(out, y, "", RIGHT - LEFT)
    sample.asked([20 - LEFT + 3], y - 4)
    out.text(34, y, "answered from the keyring")
    sample.told([230 - LEFT], y - 4, ORANGE)
    out.text(242, y, "told at once why there is no token")
    sample.request(490 - LEFT, y - 4, GREEN)
    out.text(506, y, "request, a token came")
    sample.request(672 - LEFT, y - 4, RED)
    out.text(688, y, "request, no token came")


def draw_life(out, top):
    lane = Lane(out, top, "Early renewal: a token of 300 s that is in use",
                360)
    y = lane.row(34, "callers")
    first = 229
    lane.leads(0, y + 8, y + 108)
    lane.leads(first, y + 8, y + 108)
    lane.asked([0, 14, 31, 38, 60, 72, 91, 99, 118, 131, 150, 158, 171, 190,
                204, 216, first, 233, 237, 246, 255, 262, 281, 290, 304, 318,
                322, 340, 351], y)
    y = lane.row(70, "token")
    lane.out.bar(lane.x(1), y - 10, lane.x(REFRESH) - lane.x(1), BLUE)
    lane.out.bar(lane.x(REFRESH), y - 10, lane.x(MARGIN) - lane.x(REFRESH),
                 GREEN)
    lane.out.bar(lane.x(MARGIN), y - 10, lane.x(LIFE) - lane.x(MARGIN), FAINT)
    out.text((lane.x(0) + lane.x(REFRESH)) / 2, y + 4,
             "handed out", anchor="middle")
    out.text((lane.x(MARGIN) + lane.x(LIFE)) / 2, y + 4,
             "margin: not used", SOFT, "middle", font_size=12)
    y = lane.row(98, "next token")
    lane.out.bar(lane.x(231), y - 10, lane.x(360) - lane.x(231), BLUE)
    out.text((lane.x(231) + lane.x(360)) / 2, y + 4, "handed out",
             anchor="middle")
    y = lane.row(132, "requests")
    lane.request(0, y, GREEN)
    lane.request(first, y, GREEN)
    out.text(lane.x(8), y + 4, "one, however many asked")
    out.text(lane.x(first) + 16, y + 4, "one, in the background: nobody waits")
    lane.scale(152, [0, 60, 120, 180, REFRESH, MARGIN, LIFE, 360], "s")
    y = lane.top + 186
    for time, text, anchor, shift in (
            (REFRESH, "75 %: due for renewal", "end", 4),
            (MARGIN, "margin begins", "start", -4),
            (LIFE, "ends", "middle", 0)):
        out.text(lane.x(time) + shift, y, text, SOFT, anchor, font_size=12)


def draw_hold(out, top):
    lane = Lane(out, top, "Hold: the server answers 429 with Retry-After: 7",
                10)
    reply = 0.3
    free = reply + RETRY_AFTER
    y = lane.row(34, "callers")
    lane.leads(0, y + 8, y + 96)
    lane.told([0, 0.8, 1.1, 1.5, 2.3, 2.6, 3.3, 3.4, 4.9, 5.1, 5.8, 6.2, 6.6,
               7.0], y, ORANGE)
    lane.asked([7.8, 8.1, 8.2, 8.8, 9.1, 9.5], y)
    y = lane.row(60, "--timeout 10")
    lane.leads(free, y + 8, y + 70)
    lane.waits(4.2, free, y, "waits for the end of the hold")
    lane.asked([free + 0.3], y)
    y = lane.row(90, "endpoint")
    out.bar(lane.x(reply), y - 10, lane.x(free) - lane.x(reply), ORANGE)
    out.text((lane.x(reply) + lane.x(free)) / 2, y + 4,
             "held back: no request of any client, token or tool",
             anchor="middle")
    y = lane.row(124, "requests")
    lane.request(0, y, RED, lane.x(reply) - LEFT)
    lane.request(free, y, GREEN, lane.x(reply) - LEFT)
    out.text(lane.x(reply) + 8, y + 4, "429")
    out.text(lane.x(free) + 31, y + 4, "200")
    lane.scale(144, range(11), "s")


def draw_quarantine(out, top):
    lane = Lane(out, top, "Refused secret: tried again after 5, 10, 20, 40"
                " and then every 60 minutes", 190)
    rotated = 160
    y = lane.row(34, "callers")
    for time in PROBES + [rotated]:
        lane.leads(time, y + 8, y + 70)
    lane.told(PROBES + [2, 3, 8, 11, 12, 19, 22, 27, 31, 40, 46, 52, 53, 61,
                        66, 70, 80, 88, 93, 97, 104, 110, 119, 126, 131, 140,
                        144, 151], y, RED)
    lane.asked([rotated, 165, 169, 174, 178, 183, 187], y)
    y = lane.row(66, "secret")
    for start, end in zip(PROBES, PROBES[1:] + [rotated]):
        out.bar(lane.x(start), y - 10, lane.x(end) - lane.x(start), RED)
        wait = end - start
        if end != rotated:
            out.text((lane.x(start) + lane.x(end)) / 2, y + 4,
                     f"{wait} min" if wait > 10 else str(wait),
                     anchor="middle")
    out.text((lane.x(PROBES[-1]) + lane.x(rotated)) / 2, y + 4, "60 min ...",
             anchor="middle")
    out.bar(lane.x(rotated), y - 10, lane.x(190) - lane.x(rotated), GREEN)
    out.text((lane.x(rotated) + lane.x(190)) / 2, y + 4, "new secret",
             anchor="middle")
    y = lane.row(100, "requests")
    for time in PROBES:
        lane.request(time, y, RED)
    lane.request(rotated, y, GREEN)
    out.text(lane.x(35) + 16, y + 4, "401 each time")
    out.text(lane.x(rotated) + 16, y + 4, "valetkey rotate")
    lane.scale(120, PROBES + [rotated], "min")


def draw_pace(out, top):
    lane = Lane(out, top, "Pace: five tokens of one client, asked for at the"
                " same moment", 6)
    names = ["prod", "prod/operate", "prod/tasklist", "prod/optimize",
             "prod/secrets"]
    for i, name in enumerate(names):
        y = lane.row(30 + 25 * i, name)
        start = i * PACE
        if i > 0:
            lane.waits(0, start, y, "waits for its turn")
        lane.request(start, y, GREEN, lane.x(0.35) - LEFT)
        out.text(lane.x(start + 0.35) + 8, y + 4, "answered", font_size=12)
    lane.scale(152, [0] + [i * PACE for i in range(1, 5)] + [6], "s")


def draw():
    out = Timelines()
    legend(out, 32)
    tops = [80, 312, 514, 692]
    for paint, top in zip((draw_life, draw_hold, draw_quarantine, draw_pace),
                          tops):
        paint(out, top)
    height = tops[-1] + 188
    return out.svg("governor.py", WIDTH, height, TITLE, f"""\
<rect width="{WIDTH}" height="{height}" fill="#fff"/>""", DESC)


if __name__ == "__main__":
    sys.stdout.buffer.write(draw().encode())
