# SPDX-License-Identifier: MIT
"""The table, the goals, and both as data for JSON."""

import os
import platform
import statistics

import upcall
from figures import Ratio, median_ms

EMPTY = "an empty program"
OURS = "docker-credential-valetkey get"
STATIC, MUSL = f"{OURS}, static glibc", f"{OURS}, static musl"
SECRET_SERVICE = "docker-credential-secretservice get"
CACHE, OIDC = "git credential-cache get", "oidc-token"
COLD, NAIVE = ("docker-credential-valetkey get, cold",
               "naive: libsecret, libcurl, CA bundle")
HIT, REFUSAL, TRIVIAL = upcall.HIT, upcall.REFUSAL, upcall.TRIVIAL
ROW = "{:46} {:>9} {:>26}"

# name, of which part, program, other, limit, whether it is the most
GOALS = [
    ("warm get, to an empty program", "warm", OURS, EMPTY, 1.2, True),
    ("warm get, times faster than docker-credential-secretservice", "warm",
     OURS, SECRET_SERVICE, 15, False),
    ("warm get, to git credential-cache", "warm", OURS, CACHE, 0.5, True),
    ("warm get, to oidc-token", "warm", OURS, OIDC, 0.5, True),
    ("warm get of static glibc, to an empty dynamic program", "warm", STATIC,
     EMPTY, 0.9, True),
    ("warm get of static musl, to an empty dynamic program", "warm", MUSL,
     EMPTY, 0.3, True),
    ("200 warm gets at once, throughput to the empty program", "crowd",
     EMPTY, OURS, 0.8, False),
    ("200 warm gets at once, throughput to docker-credential-secretservice",
     "crowd", SECRET_SERVICE, OURS, 15, False),
    ("cold get, to the naive program", "cold", COLD, NAIVE, 0.5, True),
    ("warm get, 10,000 clients to 1 (valetkey add)", "growth added",
     "10000 added", "1 added", 3, True),
    ("warm get, 10,000 clients to 1 (valetkey import)", "growth imported",
     "10000 imported", "1 imported", 3, True),
]
GOALS += [(f"{what} in broker mode{more}, to a trivial upcall", kind, name,
           TRIVIAL, 1.5, True)
          for kind, more in zip(upcall.KINDS,
                                ["", f", {upcall.USERS:,} users more"])
          for what, name in [("registry hit", HIT), ("refusal", REFUSAL)]]
FASTER = "times faster"


def cpu():
    with open("/proc/cpuinfo") as info:
        lines = dict(line.partition(":")[::2] for line in info if ":" in line)
    fields = {key.strip(): value.strip() for key, value in lines.items()}
    return {"model": fields.get("model name", platform.machine()),
            "count": os.cpu_count(),
            "virtual": "hypervisor" in fields.get("flags", "").split()}


class Report:
    def __init__(self, token_bytes):
        self.data = {
            "machine": {"cpu": cpu(), "kernel": platform.release(),
                        "libc": " ".join(platform.libc_ver()),
                        "load before": os.getloadavg()[0]},
            "token bytes": token_bytes, "parts": {}, "goals": []}

    def head(self, title, control, trouble):
        print(f"\n{title}" + (f": INCONCLUSIVE, {trouble}" if trouble else ""))
        print(ROW.format("", "ms", f"to {control}"))

    def part(self, part, title, names, times, trouble, more=None,
             control=EMPTY):
        """Print it, keep it, and look at its goals."""
        self.head(title, control, trouble)
        rows = []
        for name in names:
            ratio = Ratio(times, name, control)
            row = {"name": name, "ms": round(median_ms(times, name), 4),
                   "ratio": round(ratio.middle, 4),
                   "low": round(ratio.low, 4), "high": round(ratio.high, 4),
                   "runs": len(times[name]), **((more or {}).get(name, {}))}
            rows.append(row)
            print(ROW.format(name, f"{row['ms']:.3f}", str(ratio)))
        self.data["parts"][part] = {"title": title, "trouble": trouble,
                                    "rows": rows}
        self.judge(part, times, trouble)

    def judge(self, part, times, trouble):
        for name, where, program, other, limit, at_most in GOALS:
            if where != part:
                continue
            if program not in times or other not in times:
                self.goal(name, limit, at_most, None, "not measured")
                continue
            ratio = Ratio(times, program, other)
            if FASTER in name:
                ratio.invert()
            verdict = ratio.judge(limit, at_most)
            self.goal(name, limit, at_most, ratio,
                      "INCONCLUSIVE" if trouble else verdict)

    def goal(self, name, limit, at_most, ratio, verdict):
        goal = {"name": name, "limit": limit,
                "at most": at_most, "verdict": verdict}
        if ratio:
            goal.update(middle=round(ratio.middle, 3),
                        low=round(ratio.low, 3), high=round(ratio.high, 3))
        self.data["goals"].append(goal)

    def warm(self, cases, times, trouble):
        self.part("warm", "warm get", [case.name for case in cases], times,
                  trouble)

    def crowd(self, cases, times, trouble, crowd):
        names = [case.name for case in cases]
        more = {name: {"per second": round(
            crowd * 1e9 / statistics.median(times[name].values()))}
            for name in names}
        self.part("crowd", f"{crowd} at once", names, times, trouble, more)

    def growth(self, kind, cases, times, trouble, sizes):
        self.part(f"growth {kind}", f"warm get by clients, {kind}",
                  [EMPTY, *[case.name for case in cases]], times, trouble,
                  {name: {"clients": count, "bytes": size}
                   for name, (count, size) in sizes.items()})

    def cold(self, times, trouble, split):
        self.part("cold", "cold get", list(times), times, trouble)
        print("\nstages of a cold get, ms, with what it takes to look at them")
        for stage, ms in split:
            print(f"{ms:9.3f}  {stage}")
        self.data["parts"]["cold"]["stages"] = [
            {"name": stage, "ms": round(ms, 3)} for stage, ms in split]

    def upcall(self, kind, times, trouble, keys):
        self.part(kind, f"{kind}, {keys} keys on the machine", list(times),
                  times, trouble, control=TRIVIAL)
        self.data["parts"][kind]["keys"] = keys

    def skipped(self, skipped):
        self.data["skipped"] = skipped

    def end(self):
        self.data["machine"]["load after"] = os.getloadavg()[0]
        print("\ngoals")
        for goal in self.data["goals"]:
            bound = "at most" if goal["at most"] else "at least"
            have = (f"{goal['middle']:.2f} ({goal['low']:.2f} to"
                    f" {goal['high']:.2f})" if "middle" in goal else "-")
            print(f"{goal['name']}: {bound} {goal['limit']}: {have}:"
                  f" {goal['verdict']}")
