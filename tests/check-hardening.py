#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""check-hardening.py [BUILD]: what protects the programs is in the files.

Looks at every installed program and the PAM module in BUILD (else the current
directory), at the objects that they are made of, and at small probes, each
built with the Makefile's flags but for one: the check must see that.
"""

import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, os.path.join(TOP, "tests", "servers"))

import built  # noqa: E402
from servers import Missing  # noqa: E402
from tap import Tap, equal  # noqa: E402

LAYERS = ["base", "keyring", "oauth", "server", "helpers", "cli"]
OBJECT_FLAGS = ["-fstack-protector-strong", "-fstack-clash-protection",
                "-fcf-protection=full"]
# An array on the stack, a copy into a block whose size only level 3 knows,
# and something else than that to call.
PROBE = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
%s
int main(int argc, char **argv)
{
    char text[64], *block = malloc((size_t)argc + 1);
    if (block == NULL || fgets(text, sizeof text, stdin) == NULL)
        return 1;
    memcpy(block, argv[0], strlen(text));
    return puts(block) + puts(text);
}
"""
IN_TEXT = """
__attribute__((constructor)) static void
never_run(void)
{
    __asm__ volatile(".quad main");
}
"""


def readelf(options, *files):
    return subprocess.run(
        ["readelf", "-W", *options, *files], check=True, text=True,
        errors="replace", env={**os.environ, "LC_ALL": "C"},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


class Elf:
    """What readelf says of a program or a shared object."""

    def __init__(self, path):
        self.path = path
        self.text = readelf(["-h", "-l", "-d", "-n"], path)
        self.symbols = set(re.findall(
            r" (\w+)(?:@\S+)?(?: \(\d+\))?$",
            readelf(["--dyn-syms", "-s"], path), re.M))
        # Type and flags of each segment
        self.segments = re.findall(
            r"^  ([A-Z_]+) +(?:0x[0-9a-f]+ +){5}([RWE ]{3}) ", self.text,
            re.M)

    def says(self, pattern):
        return re.search(pattern, self.text, re.M)

    def is_module(self):
        return self.path.endswith(".so")

    def is_static(self):
        return not self.is_module() and not self.says(r"^  INTERP ")


def position_independent(elf):
    assert elf.says(r"^  Type: +DYN "), "its type is not DYN"
    assert elf.is_module() or elf.says(r"\(FLAGS_1\) .*\bPIE\b"), "no PIE flag"


def full_relro(elf):
    assert elf.says(r"^  GNU_RELRO "), "no segment GNU_RELRO"
    assert elf.says(r"\((FLAGS|FLAGS_1)\) .*\b(BIND_NOW|NOW)\b"), "not NOW"
    assert not elf.says(r" \.got\.plt\b"), "a .got.plt that can be written"


def no_writable_code(elf):
    stack = [flags for name, flags in elf.segments if name == "GNU_STACK"]
    equal([flags.strip() for flags in stack], ["RW"])
    equal([(name, flags) for name, flags in elf.segments
           if "W" in flags and "E" in flags], [])


def no_paths(elf):
    assert not elf.says(r"\((RPATH|RUNPATH)\)"), "it has a path of its own"


def no_text_relocations(elf):
    assert not elf.says(r"\(TEXTREL\)|\bTEXTREL\b"), "text relocations"


def stack_protector(elf):
    assert "__stack_chk_fail" in elf.symbols, "nothing calls it"


def fortify(elf):
    found = sorted(name for name in elf.symbols
                   if re.fullmatch(r"__\w+_chk", name))
    assert found, "no function with a check of sizes"


def fortify_level_3(elf):
    assert "__memcpy_chk" in elf.symbols, sorted(elf.symbols)


def control_flow(elf, wanted=("SHSTK",)):
    note = elf.says(r"x86 feature: (.*)")
    equal([word for word in wanted
           if not note or word not in re.split("[, ]+", note[1])], [])


CHECKS = {
    "position-independent": position_independent,
    "full relro": full_relro,
    "no writable code, nor stack that runs": no_writable_code,
    "no RPATH, no RUNPATH": no_paths,
    "no text relocations": no_text_relocations,
    "stack protector": stack_protector,
    "fortify": fortify,
    "shadow stack": control_flow,
}
# What a program at a fixed address has no use for
OF_MOVABLE = ["position-independent", "full relro"]


class Flags:
    """The compiler and its flags, as the Makefile has them."""

    def __init__(self, build):
        self.text = built.read_makefile(build)
        self.cc = self.words("CC")
        self.user = self.words("CFLAGS")
        self.compile = self.words("HARD_CFLAGS") + self.words("PIE_CFLAGS")
        self.link = self.words("HARD_LDFLAGS") + self.words("PIE_LDFLAGS")

    def words(self, variable):
        found = re.search(rf"^{variable} = *(.*)$", self.text, re.M)
        return found[1].split() if found else []

    def has_sanitizer(self):
        return any("-fsanitize=" in flag for flag in self.compile)


def start_files_have_ibt(flags):
    """The linker marks a program only if all of its parts are marked, and
    those of the C library may not be."""
    path = subprocess.run([*flags.cc, "-print-file-name=Scrt1.o"], check=True,
                          capture_output=True, text=True).stdout.strip()
    return "IBT" in readelf(["-n"], path)


def objects(build):
    return [os.path.join(parent, name) for layer in LAYERS
            for parent, _, names in os.walk(os.path.join(build, layer))
            for name in sorted(names) if name.endswith(".o")]


def are_marked(paths):
    """Each object by itself: it was built with all of HARD_CFLAGS."""
    said = re.split(r"^File: ", readelf(["-n"], *paths), flags=re.M)[1:]
    equal(len(said), len(paths))
    equal([part.split("\n", 1)[0] for part in said
           if not re.search("x86 feature: IBT, SHSTK", part)], [])


def producers(paths):
    """What gcc has noted of its flags in each object."""
    found = {}
    for part in re.split(r"^File: ", readelf(["-p", ".debug_str"], *paths),
                         flags=re.M)[1:]:
        producer = re.search(r"\] +(GNU C\d.*)$", part, re.M)
        if producer:
            found[part.split("\n", 1)[0]] = producer[1].split()
    return found


def were_built_with(found, wanted):
    equal({path: [flag for flag in wanted if flag not in words]
           for path, words in found.items()
           if not set(wanted) <= set(words)
           or not {"-fPIE", "-fPIC"} & set(words)}, {})


def tested_objects(tap, build, flags):
    paths = objects(build)
    assert len(paths) > 50, paths
    if "-fcf-protection=full" in flags.compile:
        tap.check("every object is marked for IBT and shadow stacks",
                  are_marked, paths)
    else:
        tap.skip("objects", f"{flags.cc[0]} knows no -fcf-protection here")
    found = producers(paths)
    if found:
        tap.check("every object was built with the flags that protect it",
                  were_built_with, found,
                  [flag for flag in OBJECT_FLAGS if flag in flags.compile])
    else:
        tap.skip("the flags of every object", "only gcc's -g notes them")


def wanted(flags, checks):
    """Those that the compiler and the linker know of."""
    lacks = {"shadow stack": "-Wl,-z,shstk" not in flags.link}
    return {title: check for title, check in checks.items()
            if not lacks.get(title)}


def all_have(elves, check, *arguments):
    wrong = {}
    for elf in elves:
        try:
            check(elf, *arguments)
        except AssertionError as reason:
            wrong[os.path.basename(elf.path)] = str(reason)
    equal(wrong, {})


def tested_programs(tap, build, flags):
    paths = {**built.programs(build), **built.modules(build)}
    assert len(paths) > 10, paths
    elves = [Elf(path) for path in paths.values()]
    movable = elves
    if "-no-pie" in flags.words("STATIC_LDFLAGS"):
        movable = [elf for elf in elves if not elf.is_static()]
        tap.skip("static helpers: " + ", ".join(OF_MOVABLE),
                 "with musl they are linked to a fixed address")
    for title, check in wanted(flags, CHECKS).items():
        tap.check(f"every program and module: {title}", all_have,
                  movable if title in OF_MOVABLE else elves, check)
    if "-fcf-protection=full" in flags.compile and start_files_have_ibt(
            flags):
        tap.check("every program and module: IBT", all_have, elves,
                  control_flow, ["IBT"])
    else:
        tap.skip("every program and module: IBT",
                 "the C library's own start files have none")


# What each check must see: how a probe is built wrongly
BREAKS = {
    "position-independent": ["-fno-pie", "-no-pie"],
    "full relro": ["-Wl,-z,lazy"],
    "no writable code, nor stack that runs": ["-Wl,-z,execstack"],
    "no RPATH, no RUNPATH": ["-Wl,-rpath,/nowhere"],
    "no text relocations": ["-Wl,-z,notext"],
    "stack protector": ["-fno-stack-protector"],
    "fortify": ["-U_FORTIFY_SOURCE"],
    "fortify, level 3": ["-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2"],
    "shadow stack": ["-fcf-protection=none"],
}
UNDOES = {"-no-pie": "-pie", "-Wl,-z,lazy": "-Wl,-z,now",
          "-Wl,-z,execstack": "-Wl,-z,noexecstack",
          "-fcf-protection=none": "-Wl,-z,shstk"}


def make_probe(flags, directory, more=(), text=""):
    source = os.path.join(directory, "probe.c")
    with open(source, "w") as out:
        out.write(PROBE % text)
    drop = [UNDOES.get(flag) for flag in more]
    words = [flag for flag in flags.compile + flags.link if flag not in drop]
    program = os.path.join(directory, "probe")
    subprocess.run([*flags.cc, *flags.user, "-O2", *words, *more, "-o",
                    program, source], check=True, capture_output=True)
    return Elf(program)


def is_seen(flags, directory, title, check):
    more = BREAKS[title]
    text = IN_TEXT if title == "no text relocations" else ""
    elf = make_probe(flags, directory, more, text)
    try:
        check(elf)
    except AssertionError:
        return
    raise AssertionError(f"{' '.join(more)} was not seen")


def tested_probes(tap, flags):
    checks = {**CHECKS, "fortify, level 3": fortify_level_3}
    with tempfile.TemporaryDirectory(prefix="vk-hard-") as directory:
        good = make_probe(flags, directory)
        for title, check in wanted(flags, checks).items():
            tap.check(f"a probe with the Makefile's flags: {title}", check,
                      good)
        for title, check in wanted(flags, checks).items():
            tap.check(f"a probe with {' '.join(BREAKS[title])} is seen",
                      is_seen, flags, directory, title, check)


def tested(tap, build):
    if not os.path.exists(os.path.join(build, "valetkey")):
        raise Missing("the programs are not built")
    flags = Flags(build)
    if flags.has_sanitizer():
        raise Missing("sanitizers do without some of it")
    tested_programs(tap, build, flags)
    tested_objects(tap, build, flags)
    tested_probes(tap, flags)


def main():
    tap = Tap()
    tap.attempt(tested, tap, (sys.argv[1:] or ["."])[0])
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
