#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write preflight/predict/data/syscall_arguments.toml from a tracefs with the events of system calls.

    python tools/make_syscall_arguments.py /sys/kernel/tracing

The number of arguments of a system call is part of its interface, and the same on every kernel that has it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.name_lists import name_lists  # noqa: E402

OUTPUT = ROOT / "preflight" / "predict" / "data" / "syscall_arguments.toml"
HEAD = """\
# SPDX-License-Identifier: Apache-2.0
#
# How many arguments a system call has: what trace events of system calls record, 8 bytes each.
# Made by tools/make_syscall_arguments.py from a booted kernel's tracefs.

"""
_FIELD = re.compile(r"\tfield:[^;]*;\toffset:(\d+);\tsize:8;")
#: The first argument's place in the record.
_FIRST = 16


def main() -> int:
    """Command line."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    counts: dict[int, list[str]] = {}
    for path in sorted(Path(sys.argv[1]).glob("events/syscalls/sys_enter_*/format")):
        places = [int(at) for at in _FIELD.findall(path.read_text(encoding="utf-8")) if int(at) >= _FIRST]
        counts.setdefault(len(places), []).append(path.parent.name.removeprefix("sys_enter_"))
    lists = {str(count): names for count, names in sorted(counts.items())}
    OUTPUT.write_text(HEAD + name_lists(lists), encoding="utf-8")
    print(f"{OUTPUT}: {sum(map(len, counts.values()))} system calls")
    return 0 if counts else 2


if __name__ == "__main__":
    sys.exit(main())
