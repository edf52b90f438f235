# SPDX-License-Identifier: MIT
"""What a client takes for an answer: for each helper, how its request ends,
and whether what it printed is one, whole, or nothing."""

import json
import re

NOTHING, LINE, BLANK_LINE, END = range(4)


def once(pairs):
    """An object in which no member stands twice, as strict decoders want."""
    members = dict(pairs)
    assert len(members) == len(pairs), pairs
    return members


def parse(text):
    return json.loads(text, object_pairs_hook=once)


def is_text(*values):
    assert all(isinstance(value, str) and value for value in values), values


def is_line(text):
    assert re.fullmatch(r"[ -~]+\n", text), text


def docker(text):
    if text.startswith("docker-credential-valetkey "):
        return is_line(text)
    answer = parse(text)
    is_text(*answer.values())
    if "Secret" in answer:
        assert set(answer) == {"ServerURL", "Username", "Secret"}, answer


def git(text):
    if text.startswith("version 0\n"):
        return
    lines = text.splitlines(keepends=True)
    for line in lines:
        assert re.fullmatch(r"[a-z_]+(\[\])?=[ -~]+\n", line), line
    keys = [line.partition("=")[0] for line in lines]
    assert keys == ["quit"] or "password_expiry_utc" in keys, keys
    assert {"password", "credential", "quit"} & set(keys), keys


def bazel(text):
    answer = parse(text)
    for name, values in answer.get("headers", {}).items():
        is_text(name, *values)
    assert set(answer) <= {"headers", "expires"}, answer


def cargo(text):
    greeting, *answers = text.splitlines(keepends=True)
    assert parse(greeting) == {"v": [1]}, greeting
    for answer in answers:
        assert answer.endswith("\n"), answer
        assert list(parse(answer)) in (["Ok"], ["Err"]), answer


def terraform(text):
    answer = parse(text)
    assert set(answer) <= {"token"}, answer
    is_text(*answer.values())


def k8s(text):
    answer = parse(text)
    assert answer["kind"] == "ExecCredential", answer
    is_text(answer["apiVersion"], answer["status"]["token"])


def kubelet(text):
    answer = parse(text)
    assert answer["kind"] == "CredentialProviderResponse", answer
    assert answer["cacheKeyType"] in ("Image", "Registry", "Global"), answer
    for login in (answer.get("auth") or {}).values():
        is_text(login["username"], login["password"])


class Protocol:
    """ends: what the request on standard input ends with.  tells: failures
    are told on standard output, too.  verbs: others than the one of the good
    request, in gates.HELPERS.  unknown: how an unknown verb may end.  usage:
    how wrong usage may end."""

    def __init__(self, is_answer, ends, tells=False, verbs=(), unknown=(1, 2),
                 usage=(1, 2)):
        self.is_answer, self.ends, self.tells = is_answer, ends, tells
        self.verbs, self.unknown, self.usage = verbs, unknown, usage


PROTOCOLS = {
    "cargo-credential-valetkey": Protocol(cargo, LINE),
    "docker-credential-valetkey": Protocol(
        docker, END, tells=True, verbs=("list", "version", "store", "erase"),
        unknown=(1,)),
    "git-credential-valetkey": Protocol(
        git, BLANK_LINE, verbs=("capability", "store", "erase"),
        unknown=(0,)),
    "terraform-credentials-valetkey": Protocol(
        terraform, NOTHING, verbs=("forget", "store")),
    "valetkey-bazel": Protocol(bazel, END),
    "valetkey-k8s": Protocol(k8s, NOTHING),
    "valetkey-keyring": Protocol(is_line, NOTHING, verbs=("del", "set")),
    "valetkey-kubelet": Protocol(kubelet, END),
    "valetkey-npm": Protocol(is_line, NOTHING),
}
