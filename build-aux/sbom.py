#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""sbom.py --root DIR --name NAME --version VERSION --time SECONDS

A software bill of materials, SPDX 2.3 in JSON, on standard output: each file
that was installed below DIR with its digests, and each library that a program
among them is linked with.  Same files, same text.
"""

import argparse
import functools
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import uuid

LICENSE = "MIT"
COPYRIGHT = "Copyright (c) 2026 the valetkey authors"
NONE = "NOASSERTION"
# Where a name of its own is needed for the space of the document's names
SPACE = uuid.UUID("6f0f9d1e-7a54-5c0b-9d4c-0c5f3f1c2a77")

# What provides a library: name, its name for pkg-config, license
LIBRARIES = {
    r"libkeyutils\.so.*": ("keyutils", "libkeyutils", "LGPL-2.1-or-later"),
    r"libcurl.*\.so.*": ("curl", "libcurl", "curl"),
    r"libjson-c\.so.*": ("json-c", "json-c", "MIT"),
    r"libcrypto\.so.*": ("openssl", "libcrypto", "Apache-2.0"),
    r"libsecret-1\.so.*": ("libsecret", "libsecret-1", "LGPL-2.1-or-later"),
    r"lib(glib|gobject|gio)-2\.0\.so.*": ("glib", "glib-2.0",
                                          "LGPL-2.1-or-later"),
    r"libpam\.so.*": ("Linux-PAM", "pam",
                      "BSD-3-Clause OR GPL-2.0-or-later"),
    r"(libc\.musl.*|ld-musl.*)\.so.*": ("musl", None, "MIT"),
    r"(libc|ld-linux.*)\.so.*": ("libc", None, "LGPL-2.1-or-later"),
}


# What tells that a library is in a static program: one of its symbols
STATIC = {b"keyctl_search": "libkeyutils.so.1",
          b"json_tokener_new": "libjson-c.so.5"}


def say(*command):
    """What a command prints, or nothing if it fails or is not there."""
    try:
        return subprocess.run(
            command, text=True, errors="replace", stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"}).stdout.strip()
    except OSError:
        return ""


def identify(*words):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]+", "-", "-".join(words))


def files_below(root):
    """Regular files, as (path below root, content)."""
    found = []
    for parent, _, names in os.walk(root):
        for name in names:
            path = os.path.join(parent, name)
            if not os.path.islink(path):
                with open(path, "rb") as file:
                    found.append((os.path.relpath(path, root), file.read()))
    return sorted(found)


def kind(path, content):
    if content.startswith(b"\x7fELF"):
        return "BINARY"
    if re.search(r"/man\d?/|/doc/", path):
        return "DOCUMENTATION"
    return "TEXT"


def describe_file(path, content):
    return {
        "fileName": "./" + path,
        "SPDXID": identify("File", path),
        "fileTypes": [kind(path, content)],
        "checksums": [
            {"algorithm": name,
             "checksumValue": hashlib.new(name.lower(), content).hexdigest()}
            for name in ("SHA1", "SHA256")],
        "licenseConcluded": LICENSE,
        "licenseInfoInFiles": [NONE],
        "copyrightText": COPYRIGHT,
    }


def verification_code(files):
    """The digest of all digests, section 7.9 of the specification."""
    digests = sorted(sum_["checksumValue"] for file in files
                     for sum_ in file["checksums"]
                     if sum_["algorithm"] == "SHA1")
    return hashlib.sha1("".join(digests).encode()).hexdigest()


def needed(path):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", say("readelf", "-dW", path))


def contained(path, content):
    """What a program without an interpreter was linked with, by names."""
    if path.endswith(".so") or "INTERP" in say("readelf", "-lW", path):
        return []
    found = ["libc.so.6" if b"glibc" in content.lower() else "libc.musl.so"]
    for text, library in STATIC.items():
        if text in content:
            found.append(library)
    return found


def place_of(library):
    """Where this machine has it."""
    found = re.search(rf"^\s*{re.escape(library)} .*=> (\S+)",
                      say("/sbin/ldconfig", "-p"), re.M)
    return os.path.realpath(found[1]) if found else None


def debian_package(library):
    """Name and version, by dpkg, which may know the way without /usr."""
    path = place_of(library)
    for way in (path, path and path.removeprefix("/usr")):
        owner = say("dpkg-query", "-S", way) if way else ""
        if owner:
            name = owner.split(": ")[0].split(",")[0]
            version = say("dpkg-query", "-W", "-f=${Version}", name)
            return name.split(":")[0], version
    return None


def distribution():
    try:
        with open("/etc/os-release") as release:
            found = re.search(r'^ID="?([a-z0-9.-]+)', release.read(), re.M)
    except OSError:
        return None
    return found and found[1]


@functools.lru_cache(maxsize=None)
def describe_library(library):
    name, module, license_ = library, None, NONE
    for pattern, known in LIBRARIES.items():
        if re.fullmatch(pattern, library):
            name, module, license_ = known
    version = say("pkg-config", "--modversion", module) if module else ""
    package = {
        "name": name,
        "SPDXID": identify("Library", name),
        "downloadLocation": NONE,
        "filesAnalyzed": False,
        "licenseConcluded": NONE,
        "licenseDeclared": license_,
        "copyrightText": NONE,
        "supplier": NONE,
    }
    debian = debian_package(library)
    if debian:
        version = version or re.sub(r"^\d+:|-[^-]*$", "", debian[1])
        package["externalRefs"] = [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": "pkg:deb/%s/%s@%s" % (
                distribution() or "debian", debian[0],
                debian[1].replace("+", "%2B").replace(":", "%3A")),
        }]
    package["versionInfo"] = version or NONE
    return package


def relate(one, how, other):
    return {"spdxElementId": one, "relationshipType": how,
            "relatedSpdxElement": other}


def compose(root, name, version, seconds):
    contents = files_below(root)
    files = [describe_file(path, content) for path, content in contents]
    own = identify("Package", name)
    packages = [{
        "name": name,
        "SPDXID": own,
        "versionInfo": version,
        "downloadLocation": NONE,
        "filesAnalyzed": True,
        "packageVerificationCode": {
            "packageVerificationCodeValue": verification_code(files)},
        "licenseConcluded": LICENSE,
        "licenseDeclared": LICENSE,
        "licenseInfoFromFiles": [NONE],
        "copyrightText": COPYRIGHT,
        "supplier": NONE,
        "primaryPackagePurpose": "APPLICATION",
    }]
    relations = [relate("SPDXRef-DOCUMENT", "DESCRIBES", own)]
    relations += [relate(own, "CONTAINS", file["SPDXID"]) for file in files]
    libraries = {}
    for (path, content), file in zip(contents, files):
        if not content.startswith(b"\x7fELF"):
            continue
        for how, sonames in (
                ("DYNAMIC_LINK", needed(os.path.join(root, path))),
                ("STATIC_LINK", contained(os.path.join(root, path),
                                          content))):
            linked = {}
            for soname in sonames:
                package = describe_library(soname)
                linked[package["SPDXID"]] = package
            libraries.update(linked)
            relations += [relate(file["SPDXID"], how, library)
                          for library in sorted(linked)]
    packages += [libraries[library] for library in sorted(libraries)]
    relations += [relate(own, "DEPENDS_ON", library)
                  for library in sorted(libraries)]
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{name}-{version}",
        "creationInfo": {
            "creators": [f"Tool: {name}-sbom-{version}"],
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                     time.gmtime(seconds)),
        },
        "packages": packages,
        "files": files,
        "relationships": relations,
    }
    document["documentNamespace"] = "urn:uuid:" + str(
        uuid.uuid5(SPACE, json.dumps(document, sort_keys=True)))
    return document


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for option in "root", "name", "version":
        parser.add_argument("--" + option, required=True)
    parser.add_argument("--time", required=True, type=int)
    options = parser.parse_args()
    json.dump(compose(options.root, options.name, options.version,
                      options.time), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
