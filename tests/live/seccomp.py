#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""seccomp.py ERROR COMMAND...: run COMMAND where the system calls of the
kernel keyring fail with ERROR (ENOSYS, EPERM), as containers do it."""

import ctypes
import errno
import os
import platform
import struct
import sys

# machine: add_key, request_key, keyctl
CALLS = {"x86_64": (248, 249, 250), "aarch64": (217, 218, 219)}

PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERROR = 0x7fff0000, 0x00050000


class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


def program(error):
    """Classic BPF: the number of the call against each of ours."""
    calls = CALLS[platform.machine()]
    lines = [(LOAD, 0, 0, 0)]
    for index, call in enumerate(calls):
        lines.append((JUMP_IF_EQUAL, len(calls) - index, 0, call))
    lines += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, ERROR | error)]
    return b"".join(struct.pack("HBBI", *line) for line in lines), len(lines)


def main():
    code, length = program(getattr(errno, sys.argv[1]))
    buffer = ctypes.create_string_buffer(code)
    filter = Filter(length, ctypes.addressof(buffer))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    zero = ctypes.c_ulong(0)
    if (prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero) or
            prctl(PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER),
                  ctypes.byref(filter), zero, zero)):
        sys.exit(f"seccomp: {os.strerror(ctypes.get_errno())}")
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
