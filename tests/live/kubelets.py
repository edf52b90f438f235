# SPDX-License-Identifier: MIT
"""What stands for a kubelet, which is not to be had for a test.

It does what one does, by its documented interface: it runs the provider, takes
nothing that it does not know, caches, and shows the login that fits the image
to a registry.
"""

import base64
import fnmatch
import json
import os
import re
import urllib.error
import urllib.request

from tap import equal

GROUP = "credentialprovider.kubelet.k8s.io"
VERSIONS = [f"{GROUP}/{version}" for version in ("v1", "v1beta1", "v1alpha1")]
UNITS = {"ns": 1e-9, "us": 1e-6, "\u00b5s": 1e-6, "ms": 1e-3, "s": 1, "m": 60,
         "h": 3600}
DURATION = r"(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|ms|s|m|h)"
SERVICE_ACCOUNT = "service-account-token.not.real"
PATIENCE = 60


class Refused(Exception):
    """What the kubelet does not take."""


def require(right, what):
    if not right:
        raise Refused(what)


def duration(text):
    """Go's time.ParseDuration, in seconds."""
    require(isinstance(text, str), "a duration is a string")
    if text == "0":
        return 0
    require(re.fullmatch(f"[-+]?({DURATION})+", text), f"duration {text!r}")
    total = sum(float(number) * UNITS[unit]
                for number, unit in re.findall(DURATION, text))
    return -total if text[0] == "-" else total


def members(value, required, optional=()):
    """An object that has these members and no others."""
    require(isinstance(value, dict), f"{value!r} is no object")
    require(set(required) <= set(value), f"{required} are missing")
    unknown = set(value) - set(required) - set(optional)
    require(not unknown, f"unknown members {unknown}")


def unique(pairs):
    value = dict(pairs)
    require(len(value) == len(pairs), "a member stands twice")
    return value


def refuse_constant(word):
    raise Refused(word)


def decode(text, version):
    """A response, as the kubelet's strict decoder takes it."""
    value = json.loads(text, object_pairs_hook=unique,
                       parse_constant=refuse_constant)
    members(value, ["kind", "apiVersion", "cacheKeyType"],
            ["cacheDuration", "auth"])
    require((value["kind"], value["apiVersion"]) ==
            ("CredentialProviderResponse", version), "the wrong kind")
    require(value["cacheKeyType"] in ("Image", "Registry", "Global"),
            value["cacheKeyType"])
    for login in (value.get("auth") or {}).values():
        members(login, ["username", "password"])
        require(all(isinstance(word, str) for word in login.values()),
                "a login is made of strings")
    return value


def split_place(place):
    host, _, path = place.partition("/")
    name, _, port = host.partition(":")
    return name.split("."), port, path


def fits(pattern, image):
    """A pattern has a glob for each part of a host; a path is a prefix."""
    globs, want_port, prefix = split_place(pattern)
    parts, port, path = split_place(image)
    return (len(globs) == len(parts) and want_port == port
            and all(map(fnmatch.fnmatchcase, parts, globs))
            and path.startswith(prefix))


def check_config(config):
    members(config, ["kind", "apiVersion", "providers"])
    equal((config["kind"], config["apiVersion"]),
          ("CredentialProviderConfig", "kubelet.config.k8s.io/v1"))
    for provider in config["providers"]:
        members(provider, ["name", "apiVersion", "matchImages",
                           "defaultCacheDuration"],
                ["args", "env", "tokenAttributes"])
        require(provider["apiVersion"] in VERSIONS, provider["apiVersion"])
        require(provider["matchImages"], "no images")
        require(duration(provider["defaultCacheDuration"]) >= 0, "negative")
        for pair in provider.get("env", []):
            members(pair, ["name", "value"])


class Kubelet:
    """One provider.  The clock stands: what is cached stays."""

    def __init__(self, session, provider, account=False):
        check_config(config_of(provider))
        self.session, self.provider = session, provider
        self.account = account
        self.cache = {}
        self.runs = []
        self.said = ""

    def request(self, image):
        value = {"kind": "CredentialProviderRequest",
                 "apiVersion": self.provider["apiVersion"], "image": image}
        if self.account:
            value["serviceAccountToken"] = SERVICE_ACCOUNT
            value["serviceAccountAnnotations"] = {"example.com/a": "b"}
        return json.dumps(value)

    def ask(self, image):
        process = self.session.popen(
            os.path.join(self.session.programs, self.provider["name"]),
            *self.provider.get("args", []),
            env={**self.session.env, **{
                pair["name"]: pair["value"]
                for pair in self.provider.get("env", [])}})
        out, self.said = process.communicate(self.request(image), PATIENCE)
        require(process.returncode == 0, self.said)
        answer = decode(out, self.provider["apiVersion"])
        self.runs.append(answer)
        return answer

    def logins(self, image):
        """By pattern; nothing where the provider is not asked or fails."""
        if not any(fits(pattern, image)
                   for pattern in self.provider["matchImages"]):
            return {}
        keys = {"Image": image, "Registry": image.split("/")[0],
                "Global": "*"}
        for key in keys.values():
            if key in self.cache:
                return self.cache[key]
        try:
            answer = self.ask(image)
        except Refused:
            return {}
        auth = answer.get("auth") or {}
        kept = duration(answer.get("cacheDuration",
                                   self.provider["defaultCacheDuration"]))
        require(kept >= 0, "negative")
        if kept:
            self.cache[keys[answer["cacheKeyType"]]] = auth
        return auth

    def pull(self, image):
        """The status of the registry's answer."""
        logins = self.logins(image)
        host, _, path = image.partition("/")
        request = urllib.request.Request(f"http://{host}/v2/{path}")
        best = max((key for key in logins if fits(key, image)), key=len,
                   default=None)
        if best:
            pair = "{username}:{password}".format(**logins[best])
            request.add_header("Authorization", "Basic " + base64.b64encode(
                pair.encode()).decode())
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=PATIENCE) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            error.close()
            return error.code


def config_of(*providers):
    return {"kind": "CredentialProviderConfig",
            "apiVersion": "kubelet.config.k8s.io/v1",
            "providers": list(providers)}


def provider_for(*images, version="v1", args=(), env=()):
    return {"name": "valetkey-kubelet", "apiVersion": f"{GROUP}/{version}",
            "matchImages": list(images), "defaultCacheDuration": "10m",
            "args": list(args), "env": list(env)}


def read_yaml(text):
    """The little of YAML that an example needs."""
    rows = [(len(row) - len(row.lstrip()), row.strip())
            for row in text.splitlines() if row.strip()]

    def block(indent):
        items, pairs = [], {}
        while rows and rows[0][0] == indent:
            row = rows.pop(0)[1]
            if row.startswith("- ") and re.match(r"- [\w-]+:( |$)", row):
                rows.insert(0, (indent + 2, row[2:]))
                items.append(block(indent + 2))
            elif row.startswith("- "):
                items.append(row[2:].strip('"'))
            elif row.endswith(":"):
                pairs[row[:-1]] = block(rows[0][0])
            else:
                key, _, value = row.partition(": ")
                pairs[key] = value.strip('"')
        return items or pairs

    return block(0)
