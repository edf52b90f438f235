#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""check-sbom.py [BUILD]: the bill of materials is complete, and is SPDX 2.3.

Has `make sbom` make one, holds it against what the specification requires and
against the build, and takes away or bends each part: that must be seen.
"""

import copy
import hashlib
import json
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, os.path.join(TOP, "tests", "servers"))

import built  # noqa: E402
from servers import Missing  # noqa: E402
from tap import Tap, equal  # noqa: E402

ID = r"SPDXRef-[A-Za-z0-9.-]+"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
LICENSES = {"MIT", "LGPL-2.1-or-later", "curl", "Apache-2.0", "BSD-3-Clause",
            "GPL-2.0-or-later", "NOASSERTION", "NONE"}
LENGTHS = {"SHA1": 40, "SHA256": 64}
KINDS = {"DESCRIBES", "CONTAINS", "DYNAMIC_LINK", "STATIC_LINK", "DEPENDS_ON"}

# Where, which member, and what it must look like; sections 6 to 11
REQUIRED = [
    ("document", "spdxVersion", r"SPDX-2\.3"),
    ("document", "dataLicense", r"CC0-1\.0"),
    ("document", "SPDXID", r"SPDXRef-DOCUMENT"),
    ("document", "name", r".+"),
    ("document", "documentNamespace", r"[a-z]+:[^#\s]+"),
    ("creationInfo", "created", TIME),
    ("package", "name", r".+"),
    ("package", "SPDXID", ID),
    ("package", "downloadLocation", r"NOASSERTION|NONE"),
    ("package", "versionInfo", r"\S+"),
    ("package", "licenseDeclared", r".+"),
    ("package", "copyrightText", r".+"),
    ("file", "fileName", r"\./.+"),
    ("file", "SPDXID", ID),
    ("file", "licenseConcluded", r".+"),
    ("file", "copyrightText", r".+"),
]


def parts(document):
    yield "document", document
    yield "creationInfo", document.get("creationInfo", {})
    for package in document.get("packages", []):
        yield "package", package
    for file in document.get("files", []):
        yield "file", file


def of_checksums(file):
    found = {one.get("algorithm"): one.get("checksumValue", "")
             for one in file.get("checksums", [])}
    for algorithm, length in LENGTHS.items():
        if not re.fullmatch(f"[0-9a-f]{{{length}}}",
                            found.get(algorithm, "")):
            yield f"{file.get('fileName')}: no good {algorithm}"


def of_licenses(part):
    for member in "licenseDeclared", "licenseConcluded":
        words = set(re.split(r" (?:AND|OR|WITH) ", part.get(member, "NONE")))
        if words - LICENSES:
            yield f"unknown license {part[member]}"


def of_the_code(package, document):
    """The digest of the digests of all files."""
    if not package.get("filesAnalyzed", True):
        return
    sums = sorted(one["checksumValue"] for file in document.get("files", [])
                  for one in file.get("checksums", [])
                  if one.get("algorithm") == "SHA1")
    code = package.get("packageVerificationCode", {})
    if code.get("packageVerificationCodeValue") != hashlib.sha1(
            "".join(sums).encode()).hexdigest():
        yield f"{package.get('name')}: not the code of its files"


def of_relations(document):
    ids = [part.get("SPDXID") for kind, part in parts(document)
           if kind != "creationInfo"]
    if len(ids) != len(set(ids)):
        yield "an SPDXID stands twice"
    found = document.get("relationships", [])
    for one in found:
        if not {one["spdxElementId"], one["relatedSpdxElement"]} <= set(ids):
            yield f"{one} is about something unknown"
        if one["relationshipType"] not in KINDS:
            yield f"{one['relationshipType']} is no kind of ours"
    described = [one for one in found
                 if one["relationshipType"] == "DESCRIBES"
                 and one["spdxElementId"] == "SPDXRef-DOCUMENT"]
    if not described:
        yield "the document describes nothing"
    related = {one["relatedSpdxElement"] for one in found}
    yield from (f"{one} belongs to nothing" for one in ids
                if one not in related and one != "SPDXRef-DOCUMENT")


def problems(document):
    found = []
    for kind, part in parts(document):
        for where, member, pattern in REQUIRED:
            if where == kind and not re.fullmatch(
                    pattern, str(part.get(member, ""))):
                found.append(f"{kind}: no good {member}")
        found += of_licenses(part)
        if kind == "file":
            found += of_checksums(part)
        if kind == "package":
            found += of_the_code(part, document)
    creators = document.get("creationInfo", {}).get("creators", [])
    if not creators or not all(re.match("(Tool|Person|Organization): .",
                                        one) for one in creators):
        found.append("no good creators")
    return found + list(of_relations(document))


def make(build):
    env = {name: value for name, value in os.environ.items()
           if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DESTDIR")}
    path = os.path.join(build, "sbom.root")
    done = subprocess.run(["make", "-s", "sbom"], cwd=build, env=env,
                          text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    equal((done.returncode, os.path.exists(path)), (0, False))
    names = [name for name in os.listdir(build)
             if name.endswith(".spdx.json")]
    equal(len(names), 1)
    with open(os.path.join(build, names[0])) as file:
        return file.read()


def has_all_programs(document, build):
    known = {os.path.basename(file["fileName"]): file["checksums"]
             for file in document["files"]
             if file["fileTypes"] == ["BINARY"]}
    for name, path in {**built.programs(build),
                       **built.modules(build)}.items():
        with open(path, "rb") as file:
            content = file.read()
        for one in known[name]:
            equal(one["checksumValue"], hashlib.new(
                one["algorithm"].lower(), content).hexdigest())


def has_all_libraries(document):
    found = {package["name"]: package for package in document["packages"]}
    wanted = {"valetkey", "curl", "glib", "json-c", "keyutils", "libc",
              "libsecret", "openssl"}
    equal(wanted - set(found), set())
    for name in wanted - {"libc"}:
        assert found[name]["versionInfo"] != "NOASSERTION", found[name]


def links_every_program(document):
    linked = {one["spdxElementId"] for one in document["relationships"]
              if one["relationshipType"].endswith("_LINK")}
    equal([file["fileName"] for file in document["files"]
           if file["fileTypes"] == ["BINARY"]
           and file["SPDXID"] not in linked], [])


def breaks(good):
    """Everything that can be taken away or bent, as (title, document)."""
    for kind, member, _ in REQUIRED:
        for title, change in ("no", None), ("an empty", ""):
            document = copy.deepcopy(good)
            part = next(part for found, part in parts(document)
                        if found == kind)
            part.pop(member)
            if change is not None:
                part[member] = change
            yield f"{title} {member} of a {kind}", document

    def bend(title, act):
        document = copy.deepcopy(good)
        act(document)
        return title, document
    yield bend("no creators",
               lambda one: one["creationInfo"].pop("creators"))
    yield bend("a creator of no kind",
               lambda one: one["creationInfo"].update(creators=["me"]))
    yield bend("no SHA-1", lambda one: one["files"][0]["checksums"].pop(0))
    yield bend("no SHA-256", lambda one: one["files"][0]["checksums"].pop(1))
    yield bend("another file", lambda one: one["files"][0]["checksums"][
        0].update(checksumValue="0" * 40))
    yield bend("a license of no list",
               lambda one: one["packages"][1].update(licenseDeclared="Mine"))
    yield bend("a name twice", lambda one: one["files"][0].update(
        SPDXID=one["files"][1]["SPDXID"]))
    yield bend("a file of no package",
               lambda one: one["relationships"].pop(1))
    yield bend("no relations", lambda one: one.pop("relationships"))
    yield bend("a link to what is not there",
               lambda one: one["packages"].pop())


def all_are_seen(good):
    equal([title for title, document in breaks(good)
           if not problems(document)], [])


def names_no_host(text):
    equal(re.findall(r"[a-z]+://[^\"]*", text), [])


def tested(tap, build):
    if not os.path.exists(os.path.join(build, "valetkey")):
        raise Missing("the programs are not built")
    text = make(build)
    document = json.loads(text)
    tap.check("it has what SPDX 2.3 requires", lambda: equal(
        problems(document), []))
    tap.check("whatever is taken away or bent is seen", all_are_seen,
              document)
    tap.check("every program is in it, with its digests", has_all_programs,
              document, build)
    tap.check("every library is in it, with its version", has_all_libraries,
              document)
    tap.check("every program is linked with something", links_every_program,
              document)
    tap.check("it names no host", names_no_host, text)
    tap.check("made again it is the same", lambda: equal(make(build), text))


def main():
    tap = Tap()
    tap.attempt(tested, tap, (sys.argv[1:] or ["."])[0])
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
