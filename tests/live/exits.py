#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""What is in the memory of programs when they end.

    exits.py TEXTS REPORT COMMAND...

runs COMMAND and stops each process of it, and of what it starts, after its
last instruction and before the kernel takes its memory away (ptrace(2),
PTRACE_EVENT_EXIT).  TEXTS is a file with a JSON object of texts by name;
REPORT gets a line of JSON for each process: its command line, where each of
the texts was found, and the most memory that it had (KiB).
"""

import ctypes
import json
import os
import re
import signal
import sys

SEIZE, CONT, LISTEN = 0x4206, 7, 0x4208
TRACE_FORK, TRACE_VFORK, TRACE_CLONE, TRACE_EXEC, TRACE_EXIT = (
    1 << bit for bit in (1, 2, 3, 4, 6))
OPTIONS = TRACE_FORK | TRACE_VFORK | TRACE_CLONE | TRACE_EXEC | TRACE_EXIT
EVENT_EXIT, EVENT_STOP = 6, 128
WALL = 0x40000000
MAPPING = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (....) \S+ \S+ \S+ *(.*)$")
PAGE = 4096
ZERO = bytes(PAGE)
AROUND = 24  # bytes before and behind, to see whose it is

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                        ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, pid, data):
    return libc.ptrace(request, pid, None, data)


def mappings(pid):
    with open(f"/proc/{pid}/maps") as maps:
        for line in maps:
            start, end, rights, name = MAPPING.match(line).groups()
            if rights[0] == "r" and not name.startswith("[v"):
                yield int(start, 16), int(end, 16), rights, name


def used(data):
    """Without the pages that are all zero: most of the stacks."""
    pages = (data[at:at + PAGE] for at in range(0, len(data), PAGE))
    return b"".join(page for page in pages if page != ZERO)


def places(pid, texts):
    """{name: [[mapping, what is there], ...]}"""
    found = {}
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for start, end, rights, name in mappings(pid):
            # A file that is mapped and not changed is not the process's.
            if name.startswith("/") and "w" not in rights:
                continue
            try:
                memory.seek(start)
                data = used(memory.read(end - start))
            except (OSError, OverflowError):
                continue
            for key, text in texts.items():
                at = data.find(text)
                while at >= 0:
                    around = data[max(0, at - AROUND):
                                  at + len(text) + AROUND]
                    found.setdefault(key, []).append(
                        [name or "anonymous", repr(around)])
                    at = data.find(text, at + 1)
    return found


def words(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return [word.decode(errors="replace")
                for word in file.read().split(b"\0")[:-1]]


def status(thread):
    with open(f"/proc/{thread}/status") as file:
        return dict(line.split(":", 1) for line in file)


def look(thread, texts, report):
    state = status(thread)
    # The memory is that of all its threads; the first is the last to end.
    if int(state["Tgid"]) == thread:
        line = {"words": words(thread), "found": places(thread, texts),
                "peak": int(state["VmHWM"].split()[0])}
        report.write(json.dumps(line) + "\n")
        report.flush()


def start(command):
    """It waits until it is traced."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        os.read(reader, 1)
        os.execvp(command[0], command)
    os.close(reader)
    if ptrace(SEIZE, child, OPTIONS) < 0:
        sys.exit(f"ptrace: {os.strerror(ctypes.get_errno())}")
    os.close(writer)
    return child


def follow(child, texts, report):
    """Until none is left that is traced; give the child's status."""
    ended = 0
    while True:
        try:
            thread, state = os.waitpid(-1, WALL)
        except ChildProcessError:
            return ended
        if not os.WIFSTOPPED(state):
            if thread == child:
                ended = state
            continue
        event, signo = state >> 16, os.WSTOPSIG(state)
        if event == EVENT_EXIT:
            look(thread, texts, report)
        if event == EVENT_STOP and signo != signal.SIGTRAP:
            ptrace(LISTEN, thread, 0)
        else:
            ptrace(CONT, thread, 0 if event else signo)


def main():
    with open(sys.argv[1]) as file:
        texts = {name: text.encode("latin-1")
                 for name, text in json.load(file).items()}
    child = start(sys.argv[3:])
    with open(sys.argv[2], "a") as report:
        ended = follow(child, texts, report)
    sys.exit(os.waitstatus_to_exitcode(ended) & 0xff)


if __name__ == "__main__":
    main()
