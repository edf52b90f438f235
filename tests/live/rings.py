# SPDX-License-Identifier: MIT
"""What a user can do with keyrings of his own, in a process of its own.

    rings.py maze WIDTH DESCRIPTION     asks from a session keyring that takes
                                        long to search; prints how long, and
                                        at the end the errno
    rings.py hoard COUNT DESCRIPTION    so many ask at once, each for a keyring
                                        of its own; prints "asked", and after
                                        a line of input how many can read
"""

import ctypes
import os
import sys
import time

lib = ctypes.CDLL("libkeyutils.so.1", use_errno=True)
for function in "add_key", "request_key", "keyctl_read", "keyctl_search":
    getattr(lib, function).restype = ctypes.c_long
PROCESS, SESSION, USER = -2, -3, -4
DEPTH = 5  # the kernel goes one deeper


def keyring(name, where):
    key = lib.add_key(b"keyring", name.encode(), None, 0, where)
    assert key >= 0, os.strerror(ctypes.get_errno())
    return ctypes.c_int32(key)


def maze(width, description):
    """Each keyring leads to all of the next level: width ** DEPTH ways."""
    lib.keyctl_join_session_keyring(None)
    hold = keyring("hold", PROCESS)
    below = []
    for level in range(DEPTH):
        rings = [keyring(f"{level}-{n}", hold) for n in range(width)]
        for ring in rings:
            for other in below:
                assert lib.keyctl_link(other, ring) == 0
        below = rings
    for ring in below:
        lib.keyctl_link(ring, SESSION)
    lib.keyctl_unlink(hold, PROCESS)
    began = time.monotonic()
    lib.keyctl_search(SESSION, b"user", b"none", 0)
    print(time.monotonic() - began, flush=True)
    lib.keyctl_link(USER, PROCESS)
    key = lib.request_key(b"user", description.encode(), b"", USER)
    print(0 if key >= 0 else ctypes.get_errno())


def keep(number, description, asked, look, seen):
    lib.keyctl_join_session_keyring(None)
    ring = keyring(f"hoard{number}", SESSION)
    key = lib.request_key(b"user", description.encode(), b"", ring)
    os.write(asked, b"x")
    os.read(look, 1)
    text = ctypes.create_string_buffer(32768)
    if key >= 0 and lib.keyctl_read(ctypes.c_int32(key), text, len(text)) > 0:
        os.write(seen, b"x")
    os._exit(0)


def hoard(count, description):
    asked, look, seen = os.pipe(), os.pipe(), os.pipe()
    for number in range(count):
        if os.fork() == 0:
            os.close(look[1])
            keep(number, description, asked[1], look[0], seen[1])
    for _ in range(count):
        os.read(asked[0], 1)
    print("asked", flush=True)
    sys.stdin.readline()
    os.close(look[1])
    for _ in range(count):
        os.wait()
    os.write(seen[1], b"-")
    print(len(os.read(seen[0], count + 1)) - 1)


if __name__ == "__main__":
    {"maze": maze, "hoard": hoard}[sys.argv[1]](int(sys.argv[2]), sys.argv[3])
