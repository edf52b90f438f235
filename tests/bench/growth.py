# SPDX-License-Identifier: MIT
"""A warm get by the number of clients in clients.conf, two kinds of them."""

import os

from gates import client_sections
from peers import Case

COUNTS = [1, 10, 100, 1000, 10000]


def added(number):
    """A client as 'valetkey add' makes it."""
    return (f"[client team-{number}]\n"
            "token-url = https://login.example.com/oauth/token\n"
            f"client-id = team-{number}\n"
            f"serves = https://team-{number}.example.com\n\n")


# 'valetkey import' makes five tokens of a client.
KINDS = {"added": added, "imported": client_sections}


def write(directory, kind, count, sections):
    """A home of configuration; the client that is asked for stands last."""
    home = os.path.join(directory, f"{kind}-{count}")
    path = os.path.join(home, "valetkey")
    os.makedirs(path, mode=0o700)
    with open(os.path.join(path, "clients.conf"), "w") as conf:
        for number in range(count - 1):
            conf.write(KINDS[kind](number))
        conf.write(sections)
    return home, os.path.getsize(os.path.join(path, "clients.conf"))


def cases(bench, kind, sections, url):
    """And {name: (clients, bytes)}"""
    program = bench.program("docker-credential-valetkey")
    out, sizes = [], {}
    for count in COUNTS:
        home, size = write(bench.directory, kind, count, sections)
        name = f"{count} {kind}"
        out.append(Case(name, program, "get", text=url,
                        env={"XDG_CONFIG_HOME": home}))
        sizes[name] = (count, size)
    return out, sizes
