#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write preflight/predict/data/event_classes.toml: the class of trace events whose record has another name.

    python tools/make_event_classes.py TRACEFS [VMLINUX_BTF]

An event made by DEFINE_EVENT() has the record of its class, `struct trace_event_raw_CLASS`, and BTF does not
say which. A booted kernel's tracefs lists the fields of every event; the class is the one whose record has
exactly these fields. Where several have, one that shares the beginning of the name counts, or none.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight.btf import Btf, Kind  # noqa: E402
from preflight.btf.types import Composite  # noqa: E402
from tools.name_lists import name_lists  # noqa: E402

OUTPUT = ROOT / "preflight" / "predict" / "data" / "event_classes.toml"
HEAD = """\
# SPDX-License-Identifier: Apache-2.0
#
# Class -> the trace events, beside one of its own name, that have its record, struct trace_event_raw_CLASS.
# Made by tools/make_event_classes.py from a booted kernel.

"""
_RAW = "trace_event_raw_"
_FIELD = re.compile(r"\tfield:([^;]*);\toffset:(\d+);\tsize:(\d+);")
_NAME = re.compile(r"(\w+)(?:\[[^\]]*\])?$")
#: Bytes of the head that every record has.
_HEAD = 8
#: Letters that two names have to share where several classes have the same fields.
_SHARED = 5

Shape = tuple[tuple[str, int], ...]


def records(btf: Btf) -> dict[Shape, list[str]]:
    """Fields (name, offset) -> the classes whose records have them."""
    found: dict[Shape, list[str]] = {}
    for type_id in btf.ids_of_kind(Kind.STRUCT):
        name = btf.name(type_id)
        record = btf.type(type_id) if name.startswith(_RAW) else None
        if isinstance(record, Composite):
            members = [(m.name.removeprefix("__data_loc_"), m.bit_offset // 8) for m in record.members]
            shape = tuple((field, at) for field, at in members if at >= _HEAD and field != "__data")
            found.setdefault(shape, []).append(name.removeprefix(_RAW))
    return found


def _shared(one: str, other: str) -> int:
    """How many letters two names have in common at their beginning."""
    return next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def main() -> int:
    """Command line."""
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    image = Path(sys.argv[2] if len(sys.argv) == 3 else "/sys/kernel/btf/vmlinux").read_bytes()
    known = records(Btf.parse(image))
    own = {name for names in known.values() for name in names}
    classes: dict[str, list[str]] = {}
    for path in sorted(Path(sys.argv[1]).glob("events/*/*/format")):
        event = path.parent.name
        if event in own or path.parent.parent.name == "syscalls":
            continue
        fields = _FIELD.findall(path.read_text(encoding="utf-8"))
        names = ((_NAME.search(text), int(at)) for text, at, _ in fields)
        shape = tuple((match[1], at) for match, at in names if match and at >= _HEAD)
        fitting = known.get(shape, [])
        best = max((_shared(name, event) for name in fitting), default=0)
        near = [name for name in fitting if _shared(name, event) == best and best >= _SHARED]
        chosen = fitting if len(fitting) == 1 else near
        if len(chosen) == 1:
            classes.setdefault(chosen[0], []).append(event)
    OUTPUT.write_text(HEAD + name_lists(dict(sorted(classes.items()))), encoding="utf-8")
    print(f"{OUTPUT}: {sum(map(len, classes.values()))} events of {len(classes)} classes")
    return 0 if classes else 2


if __name__ == "__main__":
    sys.exit(main())
