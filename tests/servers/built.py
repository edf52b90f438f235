# SPDX-License-Identifier: MIT
"""What a build directory has, by its Makefile."""

import os
import re


def read_makefile(build):
    with open(os.path.join(build, "Makefile")) as makefile:
        return makefile.read().replace("\\\n", " ")


def helpers(build):
    """The names of the credential helpers."""
    found = re.findall(r"^bin_PROGRAMS = (.*)$", read_makefile(build), re.M)
    return sorted(os.path.basename(path).removesuffix("$(EXEEXT)")
                  for line in found for path in line.split()
                  if path.startswith("helpers/"))


def paths_of(build, variables):
    found = re.findall(rf"^(?:{variables})_PROGRAMS = (.*)$",
                       read_makefile(build), re.M)
    paths = [re.sub(r"\$\(EXEEXT\)$", "", path)
             for line in found for path in line.split()]
    return {os.path.basename(path): os.path.join(os.path.abspath(build), path)
            for path in paths}


def programs(build):
    """The programs that are installed: their paths, by their names."""
    return paths_of(build, "bin|pkglibexec")


def modules(build):
    """The modules of PAM, likewise."""
    return paths_of(build, "pam")
