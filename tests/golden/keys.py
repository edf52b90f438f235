# SPDX-License-Identifier: MIT
"""The kernel keyring of this user, by libkeyutils."""

import ctypes
import os
import re
import time

from servers import Missing

USER_KEYRING = -4
SESSION_KEYRING = -3
LARGE = 1 << 16


class Keys:
    """Works in a session keyring of its own, which ends with this process
    and leads to the user keyring as that of a login does."""

    def __init__(self):
        try:
            self.library = ctypes.CDLL("libkeyutils.so.1", use_errno=True)
        except OSError:
            raise Missing("libkeyutils is not installed") from None
        self.call("keyctl_join_session_keyring", None)
        self.call("keyctl_link", USER_KEYRING, SESSION_KEYRING)

    def call(self, name, *arguments):
        result = getattr(self.library, name)(*arguments)
        if result < 0:
            error = ctypes.get_errno()
            raise Missing(f"the kernel keyring: {os.strerror(error)}")
        return result

    def find(self, description):
        """The serial number, or None."""
        key = self.library.keyctl_search(
            USER_KEYRING, b"user", description.encode(), 0)
        return key if key > 0 else None

    def read(self, key):
        data = ctypes.create_string_buffer(LARGE)
        size = self.call("keyctl_read", key, data, LARGE)
        return data.raw[:size]

    def put(self, description, payload):
        """Without a timeout."""
        self.call("add_key", b"user", description.encode(), payload,
                  ctypes.c_size_t(len(payload)), USER_KEYRING)

    def edit(self, description, name, value):
        """Change a line of a token's record."""
        key = self.find(description)
        if not key:
            raise Missing(f"there is no key {description}")
        text = self.read(key).decode()
        self.put(description, re.sub(
            rf"(?m)^{name}: .*$", f"{name}: {value}", text).encode())

    def in_seconds(self, seconds):
        """That point of time on the clock that the records go by."""
        return int(time.clock_gettime(time.CLOCK_BOOTTIME)) + seconds

    def timeout(self, description):
        """Seconds until the key ends, least and most: /proc/keys rounds
        them off to a whole unit. None: it does not end."""
        units = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
        number = f"{self.find(description) or 0:08x}"
        with open("/proc/keys") as keys:
            for line in keys:
                serial, _, _, left = line.split()[:4]
                if serial == number and left[-1] in units:
                    unit = units[left[-1]]
                    least = int(left[:-1]) * unit
                    return least, least + unit - 1
        return None

    def matching(self, pattern):
        """The keys of the user keyring that are so described."""
        ring = self.read(USER_KEYRING)
        found = {}
        for at in range(0, len(ring), 4):
            key = int.from_bytes(ring[at:at + 4], "little", signed=True)
            text = ctypes.create_string_buffer(LARGE)
            if self.library.keyctl_describe(key, text, LARGE) < 0:
                continue
            description = text.value.decode().split(";", 4)[-1]
            if re.fullmatch(pattern, description):
                found[description] = key
        return found

    def drop(self, pattern):
        for key in self.matching(pattern).values():
            self.library.keyctl_unlink(key, USER_KEYRING)
