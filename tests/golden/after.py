# SPDX-License-Identifier: MIT
"""What [after] of a case can check: a function for each verb."""

import os
import stat

from casefile import Wrong


def require(truth, message):
    if not truth:
        raise Wrong(message)


def after_requests(world, number):
    count = world.server().count()
    require(count == int(number), f"{count} token requests")


def last_request(world):
    log = world.server().log(raw=True)
    require(log, "nothing was sent")
    return log[-1]


def after_sent(world, *words):
    name, value = " ".join(words).split("=", 1)
    got = last_request(world)["params"].get(name)
    require(got == value, f"{name} was sent as {got!r}")


def after_not_sent(world, name):
    params = last_request(world)["params"]
    require(name not in params, f"{name} was sent")


def after_sent_as(world, kind):
    got = last_request(world)["content_type"]
    require(got == kind, f"it was sent as {got}")


def after_sent_basic(world, client, secret):
    got = last_request(world)["basic"]
    require(got == {"id": client, "secret": secret}, f"Basic was {got}")


def after_conf(world, state):
    """unchanged: as it was when the command started; gone."""
    if state == "gone":
        require(not os.path.lexists(world.conf), "there is a clients.conf")
        return
    with open(world.conf, "rb") as file:
        require(file.read() == world.put[world.conf],
                "clients.conf has changed")


def after_secrets(world, client, number):
    found = len(world.desktop.items(client))
    require(found == int(number), f"{found} secrets of '{client}'")


def after_key(world, name, state):
    there = world.keys().find(f"valetkey:{name}") is not None
    require(there == (state == "present"),
            f"there is {'a' if there else 'no'} key of '{name}'")


def after_timeout(world, name, span):
    low, high = (int(part) for part in span.split(".."))
    got = world.keys().timeout(f"valetkey:{name}")
    require(got and got[0] <= high and got[1] >= low,
            f"the key of '{name}' ends in {got} s")


def after_gone(world, name):
    require(not os.path.lexists(world.path(name)), f"'{name}' is there")


def after_untouched(world, name):
    path = world.path(name)
    with open(path, "rb") as file:
        require(file.read() == world.put[path], f"'{name}' has changed")


def after_link(world, name, to):
    got = os.readlink(world.path(name))
    require(got == to, f"'{name}' leads to {got}")


def after_owner(world, name, owner):
    got = os.stat(world.path(name)).st_uid
    require(got == int(owner), f"'{name}' belongs to {got}")


def after_mode(world, name, mode):
    got = stat.S_IMODE(os.stat(world.path(name)).st_mode)
    require(got == int(mode, 8), f"'{name}' has mode {got:04o}")
