# SPDX-License-Identifier: MIT
"""`valetkey --system`, word for word: what root types, and what is said."""

import json
import os

from live import SAMPLES, SAMPLE_SECRET, SAMPLE_URL, User
from machine import Machine
from servers import scripted
from session import SECRET
from tap import equal

SAMPLE = "saas-8.6.txt"
IMPORTED = """Imported client '{name}'; its secret is in the system store. Tokens:
  {name}
      for https://{zeebe}
      for https://{cluster}.bru-2.zeebe.camunda.io
  {name}/tasklist
      for https://bru-2.tasklist.camunda.io/{cluster}
  {name}/operate
      for https://bru-2.operate.camunda.io/{cluster}
  {name}/optimize
      for https://bru-2.optimize.camunda.io/{cluster}
  {name}/secrets
Overwrote and removed '{path}'.
Who may have them: 'allow' in {etc}/clients.conf
"""
UNUSED = """{name}
  token    none in the kernel keyring
  last     nothing is known
"""
CLUSTER = "7b1d9f0e-4c55-4b0e-9d6c-2f9a54c0b6aa"


def machine_cli(tap, live):
    def says(words, out="", errors="", status=0, text=""):
        done = machine.system(*words, text=text)
        equal((done.stdout, done.stderr, done.returncode),
              (out, errors, status))

    def is_imported():
        path = os.path.join(machine.directory, SAMPLE)
        with open(os.path.join(SAMPLES, SAMPLE)) as source:
            text = source.read().replace(SAMPLE_URL, server.token_url())
        with open(path, "w") as out:
            out.write(text)
        machine.names.append(name)
        says(["import", path, "--name", name, "--allow", alice.pw_name,
              "--ca-file", live.ca, "--shred"],
             IMPORTED.format(name=name, path=path, etc=machine.etc,
                             cluster=CLUSTER,
                             zeebe=f"bru-2.zeebe.camunda.io/{CLUSTER}"))
        assert not os.path.exists(path)
        secret = os.path.join(machine.etc, "secrets", name + ".cred")
        equal((os.stat(secret).st_mode & 0o777, os.stat(secret).st_uid),
              (0o600, 0))
        with open(os.path.join(machine.etc, "clients.conf")) as conf:
            text = conf.read()
        assert SAMPLE_SECRET not in text, text
        assert f"\nallow = {alice.pw_name}\n" in text, text

    def is_listed():
        rows = json.loads(machine.system("list", "--json").stdout)
        equal([row["name"] for row in rows],
              [name] + [f"{name}/{token}" for token in
                        ("tasklist", "operate", "optimize", "secrets")])
        # A user is shown the same, without the secret's place.
        done = machine.run(alice, "valetkey", "list", "--json")
        equal((json.loads(done.stdout), done.stderr), (rows, ""))

    def has_a_status():
        says(["status", name + "/operate"],
             UNUSED.format(name=name + "/operate"))
        machine.token(alice, name)
        machine.clear(alice)
        machine.token(alice, name)
        row, = [row for row in json.loads(
            machine.system("status", name, "--json").stdout)
            if row["name"] == name]
        equal((row["cached"], row["last"], row["client_requests"]),
              (True, "ok", 1))

    def has_new_secret():
        token = machine.token(alice, name)
        says(["rotate", name, "--secret-stdin"], text=SECRET)
        assert machine.token(alice, name) != token
        says(["rotate", name, "--secret-stdin"], text="", status=2,
             errors="valetkey: the secret is empty\n")
        says(["rotate", name + "/operate"], status=2,
             errors=f"valetkey: '{name}/operate' has the secret of its client;"
             f" use 'valetkey --system rotate {name}'\n")

    def is_dropped():
        says(["drop", name])
        says(["retry", name])
        equal(machine.key(alice, name), "")

    def is_removed():
        token = machine.token(alice, name)
        assert token
        says(["remove", name])
        equal(os.listdir(os.path.join(machine.etc, "secrets")), [])
        equal(machine.key(alice, name), "")
        says(["list", "--json"], "[]\n")
        missing = (f"valetkey: there is no client or token '{name}';"
                   " 'valetkey --system list' shows what there is\n")
        for words in ["status", name], ["drop", name], ["remove", name]:
            says(words, errors=missing, status=3)

    def is_roots():
        for words in ["list"], ["status"], ["doctor"], ["drop", name], \
                ["import", "/dev/null"], ["rotate", name], ["log"]:
            done = machine.run(alice, "valetkey", "--system", *words)
            equal((done.stdout, done.stderr, done.returncode),
                  ("", "valetkey: 'valetkey --system' is for root\n", 2))

    def has_no_such_command():
        says(["token", name], status=2, errors="valetkey: 'valetkey"
             " --system' has no command 'token'; use 'valetkey token'\n")

    with Machine(live) as machine, User() as alice, scripted(live.pki) as \
            server:
        name = machine.name("cli")
        for title, test in (
                ("import", is_imported), ("list", is_listed),
                ("status", has_a_status), ("rotate", has_new_secret),
                ("drop and retry", is_dropped), ("remove", is_removed),
                ("only for root", is_roots),
                ("tokens are for users", has_no_such_command)):
            tap.check(f"valetkey --system: {title}", test)


GROUPS = [machine_cli]
