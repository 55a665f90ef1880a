#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write preflight/predict/data/tool_choices.toml: what libbpf-tools set before they load their objects.

    for tool in /usr/sbin/opensnoop ...; do
        timeout -s INT 2 strace -f -v -s 64 -e trace=bpf -o DIRECTORY/NAME.st $tool
    done
    python tools/make_tool_choices.py VERSION KERNEL DIRECTORY

Compares the bpf(2) calls of each tool with its embedded object: maps that are created with other sizes than
the object declares, and programs that are not loaded. A tool of which a program was refused, or none loaded,
says nothing about its choices and is left out of the second.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight.objects import load  # noqa: E402
from preflight.objects.model import BpfObject  # noqa: E402
from preflight.objects.sources import open_objects  # noqa: E402

OUTPUT = ROOT / "preflight" / "predict" / "data" / "tool_choices.toml"
_MAP = re.compile(
    r"BPF_MAP_CREATE, \{map_type=BPF_MAP_TYPE_(\w+), key_size=(\d+), value_size=(\d+), max_entries=(\d+)"
    r'.*?map_name="(\w*)"'
)
_PROGRAM = re.compile(r'BPF_PROG_LOAD, \{.*?prog_name="(\w*)".*?\}, \d+\) = (-?\d+)')
#: BPF_OBJ_NAME_LEN without its end: names are cut in the kernel.
_NAME = 15


def choices(obj: BpfObject, calls: str) -> tuple[dict[str, str], list[str]]:
    """Maps with their sizes as TOML, and programs that are left out."""
    declared = {one.name[:_NAME]: one for one in obj.all_maps if one.origin == "btf"}
    maps = {}
    for kind, key, value, entries, name in _MAP.findall(calls):
        one = declared.get(name)
        sizes = (int(key), int(value), int(entries))
        if (
            one is None
            or kind == "PERF_EVENT_ARRAY"
            or sizes == (one.key_size, one.value_size, one.max_entries)
        ):
            continue
        maps[one.name] = f"{{ key = {key}, value = {value}, entries = {entries} }}"
    asked = _PROGRAM.findall(calls)
    mine = {program.name[:_NAME] for program in obj.programs}
    loaded = {name for name, result in asked if name in mine and int(result) >= 0}
    refused = {name for name, result in asked if name in mine and int(result) < 0}
    decided = bool(loaded) and not refused
    left_out = sorted(p.name for p in obj.programs if decided and p.name[:_NAME] not in loaded)
    return maps, left_out


def main() -> int:
    """Command line."""
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    version, kernel, folder = sys.argv[1:]
    lines = [
        "# SPDX-License-Identifier: Apache-2.0",
        "#",
        f"# What libbpf-tools {version} set before they load, with as few arguments as they take:",
        "# sizes of maps, and programs that are left out, most because another serves the same event.",
        f"# Seen in their bpf(2) calls on {kernel}, by tools/make_tool_choices.py.",
        "",
    ]
    count = 0
    for path in sorted(Path(folder).glob("*.st")):
        tool = path.name.removesuffix(".st")
        found = next(iter(open_objects(f"/usr/sbin/{tool}")))
        maps, left_out = choices(load(found.data, found.name), path.read_text(errors="replace"))
        if not maps and not left_out:
            continue
        count += 1
        lines.append(f"[{tool}]")
        if left_out:
            lines += ["left_out = [", *(f'  "{name}",' for name in left_out), "]"]
        lines += [f"maps.{name} = {sizes}" for name, sizes in sorted(maps.items())]
        lines.append("")
    OUTPUT.write_text("\n".join(lines), encoding="utf-8")
    print(f"{OUTPUT}: {count} tools")
    return 0 if count else 2


if __name__ == "__main__":
    sys.exit(main())
