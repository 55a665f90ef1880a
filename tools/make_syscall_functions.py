#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write preflight/predict/data/syscall_functions.toml: the functions that a machine's system calls lead to.

    tools/make_syscall_functions.py MACHINE=TABLE... --other TABLE... --symbols SYMBOLS... --events EVENTS...

MACHINE is what `uname -m` prints. TABLE is a table that kernels are built with, of which Debian's
linux-headers-RELEASE-MACHINE hold the generated form (arch/*/include/generated/asm/syscall*.h), or, for
machines that had none before 6.11, a folder of headers for user space that holds `asm` and has
`asm-generic` beside it. `--other` are tables of 32-bit programs and SYMBOLS lists of kernels' symbols, as
the catalogue has them: both name functions that may have no number. EVENTS are lists of a booted kernel's
events: a call that is newer than the tables has its number on all machines (since 5.0,
scripts/syscall.tbl).
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.name_lists import name_lists  # noqa: E402

OUTPUT = ROOT / "preflight" / "predict" / "data" / "syscall_functions.toml"
HEAD = """\
# SPDX-License-Identifier: Apache-2.0
#
# Functions that numbers of system calls lead to, by machine, over all kernels that were looked at:
# `every` for all machines, `without` what is a system call's function and has no number on any of them.
# Only the former have events.
# Made by tools/make_syscall_functions.py from the kernels' own tables.

"""
#: `__SYSCALL(NR, FUNCTION)`, the same with `_WITH_COMPAT` and a third, and s390x's `SYSCALL(FUNCTION,OTHER)`.
_ENTRY = re.compile(r"^(?:__SYSCALL(?:_WITH_COMPAT)?\(\d+,|SYSCALL\()\s*(\w+)", re.MULTILINE)
_EVENT = re.compile(r"^syscalls:sys_enter_(\w+)$", re.MULTILINE)
_ALL = re.compile(r"\b\w*sys_\w+")
_PREFIX = re.compile(r"^(?:__\w+?_)?(?:compat_)?sys_")
#: What arch/*/include/uapi/asm/unistd.h asks of the generic table.
_WANTED = {
    "aarch64": ("RENAMEAT", "NEW_STAT", "SET_GET_RLIMIT", "TIME32_SYSCALLS", "SYS_CLONE3", "MEMFD_SECRET"),
    "riscv64": ("NEW_STAT", "SET_GET_RLIMIT", "SYS_CLONE3", "MEMFD_SECRET"),
}


def functions(machine: str, table: Path) -> set[str]:
    """Names of the functions, without `sys_`, that a machine's table leads to."""
    if table.is_dir():
        found = re.findall(r"^=call (\w+)$", _generic(machine, table), re.MULTILINE)
    else:
        found = _ENTRY.findall(table.read_text(encoding="utf-8"))
    return {_plain(one) for one in found} - {"ni_syscall"}


def _plain(function: str) -> str:
    return _PREFIX.sub("", function)


def _generic(machine: str, headers: Path) -> str:
    """The generic table as the preprocessor leaves it: `=call FUNCTION` for each entry."""
    wanted = [f"-D__ARCH_WANT_{word}" for word in _WANTED[machine]]
    command = ["cc", "-E", "-P", "-nostdinc", *wanted, f"-isystem{headers}", f"-isystem{headers.parent}", "-"]
    text = "#define __SYSCALL(number, function) =call function\n#include <asm-generic/unistd.h>\n"
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return re.sub(r" *(=call \w+) *", r"\1\n", done.stdout)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="+")
    parser.add_argument("--other", nargs="*", type=Path, default=[])
    parser.add_argument("--symbols", nargs="*", type=Path, default=[])
    parser.add_argument("--events", nargs="*", type=Path, default=[])
    given = parser.parse_args()
    by_machine: dict[str, set[str]] = {}
    for pair in given.tables:
        machine, _, table = pair.partition("=")
        by_machine.setdefault(machine, set()).update(functions(machine, Path(table)))
    known = {_plain(one) for table in given.other for one in _ALL.findall(table.read_text(encoding="utf-8"))}
    for symbols in given.symbols:
        known.update(re.findall(r"\bevent_enter__(\w+)$", symbols.read_text(encoding="utf-8"), re.MULTILINE))
    newer = {
        name
        for events in given.events
        for name in re.findall(
            r"^syscalls:sys_enter_(\w+)$", events.read_text(encoding="utf-8"), re.MULTILINE
        )
    }.difference(*by_machine.values())
    every = set.intersection(*by_machine.values()) | newer
    lists = {"every": every, **{machine: names - every for machine, names in sorted(by_machine.items())}}
    lists["without"] = known.difference(every, *by_machine.values())
    OUTPUT.write_text(
        HEAD + name_lists({key: sorted(names) for key, names in lists.items()}), encoding="utf-8"
    )
    print(f"{OUTPUT}: {', '.join(f'{len(names)} {key}' for key, names in lists.items())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
