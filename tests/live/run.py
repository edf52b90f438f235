#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""run.py --build DIR [GROUP...]: the main job with the real parts.

The kernel keyring, a private session bus with gnome-keyring, authorization
servers over TLS, git, docker and curl, and where root runs it, users of the
machine.  Everything is on loopback and in directories of its own.
"""

import argparse
import importlib
import os
import signal
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", "servers"),
                 os.path.join(HERE, "..", "gates")]

from live import Live  # noqa: E402
from servers import Missing  # noqa: E402
from tap import Tap  # noqa: E402

MODULES = [
    "grants",
    "clients",
    "repositories",
    "dialogues",
    "hostile_input",
    "endpoints",
    "connections",
    "runs",
    "targets",
    "units",
    "images",
    "logins",
    "builds",
    "modules",
    "packages",
    "wheels",
    "setups",
    "clusters",
    "nodes",
    "keys",
    "contexts",
    "stores",
    "crowd",
    "governor",
    "secrecy",
    "protections",
    "tunnels",
    "traces",
    "remains",
    "messages",
    "faults",
    "broker",
    "broker_attacks",
    "broker_rings",
    "broker_local",
    "audits",
    "broker_limits",
    "broker_renewal",
    "machine_cli",
    "faults_machine",
    "doctor",
    "pam_module",
    "pam_broker",
]
GROUPS = {group.__name__: group for module in MODULES
          for group in importlib.import_module(module).GROUPS}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True,
                        help="directory with the programs")
    parser.add_argument("group", nargs="*", help=", ".join(GROUPS))
    options = parser.parse_args()
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="vk-live-") as directory:
        try:
            live = Live(options.build, directory)
            with live.session:
                for name in options.group or GROUPS:
                    print(f"# {name}", flush=True)
                    tap.attempt(GROUPS[name], tap, live)
                    live.session.remove_all()
                    # A port may come again, but not what was said of it.
                    live.session.drop_keys()
        except Missing as reason:
            tap.skip("everything", reason)
    return tap.end()


if __name__ == "__main__":
    # So that what was started is ended, and what was made removed.
    signal.signal(signal.SIGTERM, lambda *ignored: sys.exit(1))
    sys.exit(main())
