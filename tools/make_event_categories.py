#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write preflight/predict/data/event_categories.toml: which category tracefs lists a trace event in.

    python tools/make_event_categories.py EVENTS...

EVENTS are lists of booted kernels' events (`tracepoints`, as `preflight lab probe --output` writes them).
System calls are left out. An event that is in several categories is left out, too.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.name_lists import name_lists  # noqa: E402

OUTPUT = ROOT / "preflight" / "predict" / "data" / "event_categories.toml"
HEAD = """\
# SPDX-License-Identifier: Apache-2.0
#
# Category -> the trace events that are in it on every kernel that was looked at, and in no other.
# Made by tools/make_event_categories.py from booted kernels.

"""


def main() -> int:
    """Command line."""
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    categories: dict[str, set[str]] = {}
    for file in sys.argv[1:]:
        for line in Path(file).read_text(encoding="utf-8").splitlines():
            category, _, name = line.partition(":")
            categories.setdefault(name, set()).add(category)
    lists: dict[str, list[str]] = {}
    for name, found in sorted(categories.items()):
        if len(found) == 1 and "syscalls" not in found:
            lists.setdefault(min(found), []).append(name)
    OUTPUT.write_text(HEAD + name_lists(dict(sorted(lists.items()))), encoding="utf-8")
    print(f"{OUTPUT}: {sum(map(len, lists.values()))} events")
    return 0


if __name__ == "__main__":
    sys.exit(main())
