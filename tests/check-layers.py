#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""check-layers.py [BUILD]: dependencies point one way.

Which directory may include which, and, where the programs are built (BUILD,
else the current directory), which program may need which library.
"""

import fnmatch
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, os.path.join(TOP, "tests", "servers"))

import built  # noqa: E402
from servers import Missing  # noqa: E402
from tap import Tap, equal  # noqa: E402

INCLUDES = {
    "base": ["base"],
    "keyring": ["base", "keyring"],
    "oauth": ["base", "keyring", "oauth"],
    "server": ["base", "keyring", "oauth", "server"],
    "helpers": ["base", "keyring", "helpers"],
    "cli": ["base", "keyring", "cli"],
}

# Headers of libraries, and where they may be included
LIBRARIES = {
    "curl/*": ["oauth"],
    "openssl/*": ["oauth", "server"],
    "json-c/*": ["base/parse.h", "oauth", "cli", "helpers"],
    "libsecret/*": ["keyring/secret_service.c", "keyring/talk.h"],
    "keyutils.h": ["keyring", "server"],
    "security/*": ["server"],
}

LIBC = ["libc.so.6", "ld-linux*", "libkeyutils.so.1"]
JSON = ["libjson-c.so.5"]
SECRET = ["libsecret-1.so.0", "libglib-2.0.so.0", "libgobject-2.0.so.0",
          "libgio-2.0.so.0"]
NEEDED = {
    "valetkey": LIBC,
    "valetkey-cli": LIBC,
    "cargo-credential-valetkey": LIBC + JSON,
    "docker-credential-valetkey": LIBC,
    "git-credential-valetkey": LIBC,
    "terraform-credentials-valetkey": LIBC,
    "valetkey-bazel": LIBC + JSON,
    "valetkey-keyring": LIBC,
    "valetkey-k8s": LIBC + JSON,
    "valetkey-kubelet": LIBC + JSON,
    "valetkey-npm": LIBC,
    "valetkey-store": LIBC + JSON + SECRET,
    "valetkey-prefetch": LIBC,
    "valetkey-vault": LIBC,
    "valetkey-upcall": LIBC,
    "valetkey-broker": LIBC + JSON + ["libcurl*.so.4", "libcrypto.so.3"],
    "valetkey-fetch": LIBC + JSON + SECRET + [
        "libcurl*.so.4", "libcrypto.so.3"],
}


def sources(directory):
    """Path below the top, and text."""
    for parent, _, names in os.walk(os.path.join(TOP, directory)):
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                path = os.path.join(parent, name)
                with open(path) as file:
                    yield os.path.relpath(path, TOP), file.read()


def matches(name, patterns):
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def includes_only(directory):
    wrong = []
    for path, text in sources(directory):
        for name in re.findall(r'^\s*#\s*include\s*"([^"]*)"', text, re.M):
            if name.split("/")[0] not in INCLUDES[directory]:
                wrong.append(f"{path} includes {name}")
    equal(wrong, [])


def is_included_only(pattern, places):
    wrong = []
    for directory in INCLUDES:
        for path, text in sources(directory):
            for name in re.findall(r"^\s*#\s*include\s*<([^>]*)>", text,
                                   re.M):
                if (fnmatch.fnmatch(name, pattern) and directory not in places
                        and path not in places):
                    wrong.append(f"{path} includes {name}")
    equal(wrong, [])


def libraries(program):
    said = subprocess.run(["readelf", "-d", program], check=True,
                          capture_output=True, text=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", said)


def needs_only(program, allowed):
    needed = libraries(program)
    equal([name for name in needed if not matches(name, allowed)], [])


def programs(tap, build):
    if not os.path.exists(os.path.join(build, "valetkey")):
        raise Missing("the programs are not built")
    if re.search("^HARD_CFLAGS = .*-fsanitize=", built.read_makefile(build),
                 re.M):
        raise Missing("sanitizers need libraries of their own")
    tap.check("every program has its list of libraries", equal,
              set(built.programs(build)), set(NEEDED))
    for program, path in built.programs(build).items():
        tap.check(f"{program} needs nothing else", needs_only, path,
                  NEEDED.get(program, []))


def main():
    tap = Tap()
    for directory, allowed in INCLUDES.items():
        tap.check(f"{directory}/ includes {', '.join(allowed)}",
                  includes_only, directory)
    for pattern, places in LIBRARIES.items():
        tap.check(f"<{pattern}> is for {', '.join(places)}",
                  is_included_only, pattern, places)
    tap.attempt(programs, tap, (sys.argv[1:] or ["."])[0])
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
