# SPDX-License-Identifier: MIT
"""`valetkey doctor` on a server: each thing that can be wrong, made wrong."""

import json
import os
import shutil
import subprocess

from contexts import SECCOMP
from live import User
from machine import PYTHON, RULES, Machine
from servers import scripted
from session import SECRET
from tap import equal

SYSTEM_RULE = os.path.join(RULES, "valetkey.conf")
PAM = """auth required pam_permit.so
{first}
session [success=ok default=ignore] {second}
"""


class Report:
    """What it found: rows of (check, state, message, advice)."""

    def __init__(self, machine, user=None, start=(), words=None):
        self.words = list(start) + ["valetkey"] + (
            words or ([] if user else ["--system"])) + ["doctor"]
        self.done = machine.run(user, *self.words, "--json")
        # keyctl's own
        said = [line for line in self.done.stderr.splitlines()
                if not line.startswith("Joined session keyring")]
        equal(said, [])
        self.rows = [(row["check"], row["state"], row["message"],
                      row.get("advice", ""))
                     for row in json.loads(self.done.stdout)]
        bad = any(state == "fail" for _, state, _, _ in self.rows)
        equal(self.done.returncode, 1 if bad else 0)

    def find(self, check, state, *texts):
        """A row with these texts in it, message or advice."""
        for row in self.rows:
            if row[:2] == (check, state) and all(
                    text in row[2] + "\n" + row[3] for text in texts):
                return row
        raise AssertionError((check, state, texts, self.rows))

    def is_good(self):
        equal([row for row in self.rows if row[1] == "fail"], [])


def in_mounts(*mounts):
    """A start that shows files, or directories, in the places of others."""
    line = " && ".join(f"mount --bind {new} {old}" for new, old in mounts)
    return ["unshare", "--mount", "sh", "-c", f'{line} && exec "$@"', "sh"]


def doctor_of_machine(tap, live):
    def system(*arguments, **more):
        return Report(machine, None, *arguments, **more)

    def is_well():
        report = system()
        report.is_good()
        report.find("configuration", "ok", machine.etc, "1 client")
        report.find("kernel keyring", "ok", "keys")
        report.find("lock files", "ok")
        report.find("rule", "ok", f"{machine.tag}.conf:1'",
                    f"'valetkey:{name}'")
        report.find("rule", "ok", f"{machine.tag}.conf:2'",
                    f"'valetkey.refresh:{name}'")
        report.find("valetkey-upcall", "ok", machine.directory)
        report.find("request", "ok")
        report.find(f"client '{name}'", "ok", "secret: there is one")
        report.find(f"client '{name}'", "ok", "can be reached")
        done = machine.system("doctor")
        equal((done.returncode, done.stderr), (0, ""))
        assert "\nok    request: the kernel asks valetkey-upcall\n" in \
            done.stdout, done.stdout

    def is_well_for(user, text, state):
        report = Report(machine, user)
        report.is_good()
        report.find(f"client '{name}'", state, text)
        equal(any(row[0] == "request" for row in report.rows), state == "ok")

    def gives_no_secret():
        system()
        last = server.log()[-1]
        equal((last["method"], last["path"], last.get("body", "")),
              ("GET", "/", ""))

    def has_no_request_key():
        system(in_mounts(("/dev/null", "/sbin/request-key"))).find(
            "request-key", "fail", "is not there", "apt-get install keyutils")

    def has_no_rule():
        os.rename(machine.rule, machine.rule + ".off")
        try:
            for report in system(), Report(machine, alice):
                _, _, _, advice = report.find(
                    "rule", "fail", f"'valetkey:{name}'", "printf",
                    "valetkey-upcall %%k", f">{SYSTEM_RULE}")
        finally:
            os.rename(machine.rule + ".off", machine.rule)
        said = subprocess.run(advice.split(" >")[0], shell=True, text=True,
                              capture_output=True).stdout
        equal([line.split()[:4] for line in said.splitlines()], [
            ["create", "user", kind + ":*", "*"]
            for kind in ("valetkey", "valetkey.refresh")])

    def has_another_rule():
        path = os.path.join(RULES, f"{machine.tag}-other.conf")
        with open(path, "w") as out:
            out.write(f"create user valetkey:{name}* * /bin/false %k\n")
        try:
            system().find("rule", "fail", f"'{machine.tag}-other.conf:1'",
                          "/bin/false", f"mv {path} {path}.off")
        finally:
            os.unlink(path)

    def has_no_upcall(mode, text):
        path = os.path.join(machine.directory, "valetkey-upcall")
        os.chmod(path, mode)
        try:
            report = system()
            report.find("valetkey-upcall", "fail", text, "chmod 755 " + path)
            if not mode & 0o111:
                report.find("request", "fail", "no answer", "journalctl")
        finally:
            os.chmod(path, 0o755)
        system().is_good()

    def has_no_rights():
        secrets = os.path.join(machine.etc, "secrets")
        path = os.path.join(secrets, name + ".cred")

        def is_bad(*texts):
            row = system().find(f"client '{name}'", "fail", "secret: ",
                                *texts)
            return row[3]

        for target, mode in (secrets, 0o700), (path, 0o600):
            os.chmod(target, mode | 0o044)
            advice = is_bad("open to others", "chown -R root:")
            subprocess.run(advice.split(";")[0], shell=True, check=True)
            equal(os.stat(target).st_mode & 0o777, mode)
            system().is_good()
            os.chown(target, 65534, 0)
            advice = is_bad("belongs to another user")
            subprocess.run(advice.split(";")[0], shell=True, check=True)
            system().is_good()
        with open(path, "wb") as out:
            out.write(b"sealed elsewhere")
        is_bad("cannot be unsealed", f"valetkey --system rotate {name}")
        os.unlink(path)
        is_bad("there is none", f"valetkey --system rotate {name}")
        done = machine.system("rotate", name, "--secret-stdin", text=SECRET)
        equal((done.returncode, done.stderr), (0, ""))
        system().is_good()

    def is_not_reached():
        away = machine.add("away", server, url="https://127.0.0.1:1/t",
                           allow="root")
        system().find(f"client '{away}'", "fail", "cannot be reached",
                      "check the network")
        equal(machine.system("remove", away).returncode, 0)

    def has_another_clock():
        server.mode("date-skew:-600")
        system().find(f"client '{name}'", "note", "ahead of the server's",
                      "set the clock")
        server.mode("ok")

    def is_held_back():
        server.mode("401-auth0")
        machine.refused(alice, name, 4, "refuses")
        system().find(f"client '{name}'", "fail", "held back",
                      f"valetkey --system rotate {name}")
        server.mode("ok")
        equal(machine.system("retry", name).returncode, 0)

    def allows_nobody_known():
        machine.edit(f"allow = {alice.pw_name}",
                     f"allow = {alice.pw_name}, @vk-none, vk-nobody, #77777")
        report = system()
        report.find(f"client '{name}'", "fail", "no group 'vk-none'",
                    "groupadd vk-none")
        report.find(f"client '{name}'", "fail", "no user 'vk-nobody'",
                    "useradd vk-nobody")
        assert "77777" not in report.done.stdout, report.done.stdout
        machine.edit(", @vk-none, vk-nobody, #77777", "")

    def has_pam_in_order():
        copy = os.path.join(machine.directory, "pam.d")
        os.mkdir(copy)
        ours, keyinit = "pam_valetkey.so prefetch=x", "pam_keyinit.so revoke"
        for service, text in {
                "late": PAM.format(first="@include common-first", second=ours),
                "early": PAM.format(first="session optional " + ours,
                                    second=keyinit),
                "alone": PAM.format(first="", second=ours),
                "another": PAM.format(first="", second=keyinit),
                "common-first": f"session optional {keyinit}\n",
                "commented": f"# session optional {ours}\n"}.items():
            with open(os.path.join(copy, service), "w") as out:
                out.write(text)
        report = system(in_mounts((copy, "/etc/pam.d")))
        report.find("PAM", "ok", "behind pam_keyinit.so in 'late'")
        report.find("PAM", "fail", "before pam_keyinit.so in 'early'")
        report.find("PAM", "note", "no pam_keyinit.so, is in 'alone'")
        equal(len([row for row in report.rows if row[0] == "PAM"]), 3)
        shutil.rmtree(copy)

    def has_no_keys(error):
        start = [PYTHON, "-B", shutil.copy(SECCOMP, machine.directory), error]
        system(start).find("kernel keyring", "fail", "container")
        report = Report(machine, alice, start)
        report.find("kernel keyring", "fail", "container")
        report.find("request", "fail", "container")

    def is_in_a_namespace():
        """What is root's belongs to nobody that is known in there."""
        report = Report(machine, alice, ["unshare", "--user",
                                         "--map-current-user"])
        report.find("configuration", "fail", "belongs to another user")

    def has_no_session():
        report = Report(machine, alice, [
            "keyctl", "session", "-", "sh", "-c",
            'keyctl revoke @s; exec "$@"', "sh"])
        report.find("session keyring", "note", "revoked")
        report.find("request", "ok")
        report.is_good()

    def is_open_to_others():
        os.chmod(machine.etc, 0o777)
        system().find("configuration", "fail", machine.etc)
        os.chmod(machine.etc, 0o755)

    def is_for_root():
        done = machine.run(alice, "valetkey", "--system", "doctor")
        equal((done.returncode, done.stdout), (2, ""))

    with Machine(live) as machine, User() as alice, User() as bob, \
            scripted(live.pki) as server:
        name = machine.add("doctor", server, allow=alice.pw_name)
        tap.check("doctor: all is well", is_well)
        tap.check("doctor: and for a user who is allowed", is_well_for, alice,
                  "you are allowed", "ok")
        tap.check("doctor: one who is not needs none of it", is_well_for, bob,
                  "you are not allowed", "note")
        tap.check("doctor: no secret leaves the machine", gives_no_secret)
        tap.check("doctor: no request-key", has_no_request_key)
        if os.path.exists(SYSTEM_RULE):
            tap.skip("doctor: no rule", f"{SYSTEM_RULE} is there")
        else:
            tap.check("doctor: no rule", has_no_rule)
        tap.check("doctor: a rule in front of ours", has_another_rule)
        tap.check("doctor: valetkey-upcall cannot be run", has_no_upcall,
                  0o644, "cannot be run")
        tap.check("doctor: others can change valetkey-upcall", has_no_upcall,
                  0o777, "can be changed by others")
        tap.check("doctor: a secret that cannot be read", has_no_rights)
        tap.check("doctor: an endpoint that is not there", is_not_reached)
        tap.check("doctor: another clock", has_another_clock)
        tap.check("doctor: a refused secret", is_held_back)
        tap.check("doctor: allow names nobody", allows_nobody_known)
        tap.check("doctor: the order of PAM modules", has_pam_in_order)
        for error in "ENOSYS", "EPERM":
            tap.check(f"doctor: a container, {error}", has_no_keys, error)
        tap.check("doctor: a user namespace", is_in_a_namespace)
        tap.check("doctor: a revoked session keyring", has_no_session)
        tap.check("doctor: a configuration that others can change",
                  is_open_to_others)
        tap.check("doctor: the machine's is for root", is_for_root)


GROUPS = [doctor_of_machine]
