# SPDX-License-Identifier: Apache-2.0
"""Writes preflight/tracers/data/syscalls.toml from the kernel headers for user space of each machine.

    tools/make_syscall_table.py x86_64=/usr/include/x86_64-linux-gnu aarch64=HEADERS ...

HEADERS is a folder with `asm/unistd.h` (Debian: linux-libc-dev-arm64-cross and its relatives). The compiler's
preprocessor evaluates the headers. Calls newer than the headers are added by number: since 5.0 all machines
share the numbers from 424 on (the kernel's scripts/syscall.tbl).
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "preflight" / "tracers" / "data" / "syscalls.toml"

#: Machine -> what the preprocessor must believe.
MACHINES = {
    "x86_64": ["-D__x86_64__"],
    "i386": ["-U__x86_64__", "-U__ILP32__", "-D__i386__"],
    "aarch64": [],
    "arm": ["-U__x86_64__", "-D__ARM_EABI__"],
    "riscv64": ["-D__riscv_xlen=64"],
    "s390x": ["-U__x86_64__", "-D__s390x__"],
    "ppc64le": ["-U__x86_64__", "-D__powerpc64__", "-D__powerpc__"],
}

#: scripts/syscall.tbl of Linux 6.18, after those of the 6.1 headers.
NEWER = """
cachestat fchmodat2 map_shadow_stack futex_wake futex_wait futex_requeue statmount listmount
lsm_get_self_attr lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat listxattrat removexattrat
open_tree_attr file_getattr file_setattr
"""
FIRST_NEWER = 451


def numbers(machine: str, headers: Path) -> dict[int, str]:
    """Number -> name for one machine."""
    flags = ["-E", "-nostdinc", "-isystem", str(headers), "-isystem", str(headers.parent), *MACHINES[machine]]
    text = "#include <asm/unistd.h>\n"
    defined = _preprocess([*flags, "-dM"], text)
    names = sorted(set(re.findall(r"^#define __NR_(\w+) ", defined, re.MULTILINE)))
    asked = text + "".join(f'=call "{name}" __NR_{name}\n' for name in names)
    found = {}
    for name, value in re.findall(r'^=call "(\w+)" (.+)$', _preprocess([*flags, "-P"], asked), re.MULTILINE):
        plain = re.sub(r"[()\s]", "", value)
        if (
            re.fullmatch(r"\d+(\+\d+)*", plain)
            and not name.startswith("arch_specific")
            and name != "syscalls"
        ):
            found[sum(map(int, plain.split("+")))] = name
    for number, name in enumerate(NEWER.split(), FIRST_NEWER):
        found.setdefault(number, name)
    return found


def _preprocess(flags: list[str], text: str) -> str:
    command = ["gcc", *flags, "-x", "c", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def compact(calls: dict[int, str]) -> str:
    """Names in order of their numbers; `@N` says where to go on after a gap."""
    words, expected = [], 0
    for number, name in sorted(calls.items()):
        if number != expected:
            words.append(f"@{number}")
        words.append(name)
        expected = number + 1
    lines, line = [], ""
    for word in words:
        if len(line) + len(word) > 108:
            lines.append(line.rstrip())
            line = ""
        line += word + " "
    return "\n".join([*lines, line.rstrip()])


def main() -> None:
    """Write the table for the machines named on the command line."""
    parts = [
        "# SPDX-License-Identifier: Apache-2.0\n#\n"
        "# Numbers of system calls by `uname -m`, written by tools/make_syscall_table.py.\n"
        "# Names in order, `@N` goes on at number N.\n"
    ]
    for argument in sys.argv[1:]:
        machine, _, headers = argument.partition("=")
        parts.append(f'\n[{machine}]\nnames = """\n{compact(numbers(machine, Path(headers)))}\n"""\n')
    TARGET.write_text("".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
