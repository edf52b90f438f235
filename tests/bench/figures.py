# SPDX-License-Identifier: MIT
"""From the runner's lines to figures, and what they are worth."""

import random
import statistics

RESAMPLES = 1000
# What the control must be like for the others to count
SPREAD, SKEW, SAME = 1.5, 1.15, 0.03


def read(text, cases):
    """{name: {round: nanoseconds}}"""
    times = {case.name: {} for case in cases}
    for line in text.splitlines():
        number, case, time = map(int, line.split())
        times[cases[case].name][number] = time
    return times


def merge(runs):
    """Several readings as one: the rounds are numbered on."""
    out = {}
    for number, times in enumerate(runs):
        for name, rounds in times.items():
            out.setdefault(name, {}).update(
                {(number, key): value for key, value in rounds.items()})
    return out


def ratios(times, name, other):
    """Of the rounds in which both took part."""
    return [time / times[other][key] for key, time in times[name].items()
            if key in times[other]]


class Ratio:
    """The median of pairwise ratios, and its interval: 95 % by bootstrap."""

    def __init__(self, times, name, other):
        values = ratios(times, name, other)
        chance = random.Random(1)
        medians = sorted(
            statistics.median(chance.choices(values, k=len(values)))
            for _ in range(RESAMPLES))
        self.middle = statistics.median(values)
        self.low = medians[RESAMPLES * 25 // 1000]
        self.high = medians[RESAMPLES * 975 // 1000 - 1]

    def invert(self):
        """Of what is said as 'times faster'."""
        self.middle = 1 / self.middle
        self.low, self.high = 1 / self.high, 1 / self.low
        return self

    def __str__(self):
        return f"{self.middle:.2f} ({self.low:.2f} to {self.high:.2f})"

    def judge(self, goal, at_most=True):
        """met, missed, or open where the goal is inside the interval."""
        if not at_most:
            return ("met" if self.low >= goal else
                    "missed" if self.high < goal else "open")
        return ("met" if self.high <= goal else
                "missed" if self.low > goal else "open")


def median_ms(times, name):
    return statistics.median(times[name].values()) / 1e6


def noise(times, control, again):
    """Why these times are worth nothing, or None."""
    values = list(times[control].values())
    tenths = statistics.quantiles(values, n=10)
    spread, skew = tenths[8] / tenths[0], tenths[4] / tenths[0]
    same = statistics.median(ratios(times, again, control))
    if spread > SPREAD:
        return f"the control's times spread by {spread:.2f}, over {SPREAD}"
    if skew > SKEW:
        return f"the control's median is {skew:.2f} of its least, over {SKEW}"
    if abs(same - 1) > SAME:
        return f"the control is {same:.3f} times itself"
    return None
