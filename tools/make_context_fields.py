#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write preflight/predict/data/context_fields.toml: what programs may read and write of their context.

    python tools/make_context_fields.py objects FOLDER
    preflight lab run FOLDER --kernel ... --no-attach --format json=RESULT
    python tools/make_context_fields.py table NEWEST_KERNEL RESULT...

The first makes objects with one program for each access: so many bytes at that offset, read or written. The
last writes the table of what kernels said of them; the sizes of the structs are those of NEWEST_KERNEL's BTF,
a catalogue name.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight.objects.load import load  # noqa: E402
from tests.btfwriter import BtfWriter, ExtWriter  # noqa: E402
from tests.elfwriter import ElfWriter, Ins, exit_, mov  # noqa: E402

OUTPUT = ROOT / "preflight" / "predict" / "data" / "context_fields.toml"
#: Bytes of the largest context that is looked at.
END = 224
SECTIONS = [
    "socket",
    "tc",
    "action",
    "xdp",
    "xdp/devmap",
    "xdp/cpumap",
    "raw_tp/sched_switch",
    "raw_tp.w/sched_switch",
    "cgroup_skb/egress",
    "cgroup_skb/ingress",
    "cgroup/sock_create",
    "cgroup/sock_release",
    "cgroup/post_bind4",
    "cgroup/post_bind6",
    "cgroup/bind4",
    "cgroup/bind6",
    "cgroup/connect4",
    "cgroup/connect6",
    "cgroup/connect_unix",
    "cgroup/sendmsg4",
    "cgroup/sendmsg6",
    "cgroup/sendmsg_unix",
    "cgroup/recvmsg4",
    "cgroup/recvmsg6",
    "cgroup/recvmsg_unix",
    "cgroup/getpeername4",
    "cgroup/getpeername6",
    "cgroup/getsockname4",
    "cgroup/getsockname6",
    "cgroup/sysctl",
    "cgroup/getsockopt",
    "cgroup/setsockopt",
    "cgroup/dev",
    "sockops",
    "sk_skb/stream_parser",
    "sk_skb/stream_verdict",
    "sk_msg",
    "sk_lookup",
    "sk_reuseport",
    "sk_reuseport/migrate",
    "lwt_in",
    "lwt_out",
    "lwt_xmit",
    "lwt_seg6local",
    "flow_dissector",
    "netfilter",
]
#: Program type -> the struct that its programs see.
STRUCTS = {
    "socket_filter": "__sk_buff", "sched_cls": "__sk_buff", "sched_act": "__sk_buff",
    "cgroup_skb": "__sk_buff",
    "sk_skb": "__sk_buff", "lwt_in": "__sk_buff", "lwt_out": "__sk_buff", "lwt_xmit": "__sk_buff",
    "lwt_seg6local": "__sk_buff", "flow_dissector": "__sk_buff", "xdp": "xdp_md", "cgroup_sock": "bpf_sock",
    "cgroup_sock_addr": "bpf_sock_addr", "cgroup_sysctl": "bpf_sysctl", "cgroup_sockopt": "bpf_sockopt",
    "cgroup_device": "bpf_cgroup_dev_ctx", "sock_ops": "bpf_sock_ops", "sk_msg": "sk_msg_md",
    "sk_lookup": "bpf_sk_lookup", "sk_reuseport": "sk_reuseport_md", "netfilter": "bpf_nf_ctx",
}  # fmt: skip
_READS, _WRITES = {1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79}, {1: 0x73, 2: 0x6B, 4: 0x63, 8: 0x7B}
_NAME = re.compile(r"([rw])([1248])_(\d+)$")
HEAD = """\
# SPDX-License-Identifier: Apache-2.0
#
# What programs may read and write of their context, by trial loads of each access on real kernels.
# Made by tools/make_context_fields.py. `all` are the offsets that every recorded kernel with programs of the
# kind took, `some` those that not every one took: ranges, in steps of the size. `sizes` are those of the
# structs in the newest of them: a kernel where one is larger may take more.

"""


def write(folder: Path) -> None:
    """The objects: one for each kind of program and access."""
    folder.mkdir(parents=True, exist_ok=True)
    for section in SECTIONS:
        for kind, opcodes in (("r", _READS), ("w", _WRITES)):
            for size, opcode in opcodes.items():
                (folder / _name(section, kind, size)).write_bytes(_object(section, kind, size, opcode))


def _name(section: str, kind: str, size: int) -> str:
    return f"{section.replace('/', '-').replace('.', '_')}.{kind}{size}.bpf.o"


def _object(section: str, kind: str, size: int, opcode: int) -> bytes:
    types, writer = BtfWriter(), ElfWriter()
    proto = types.func_proto(types.int("int", 4))
    ext = ExtWriter(types)
    code: list[Ins] = []
    starts = []
    for offset in range(0, END, size):
        name = f"{kind}{size}_{offset}"
        starts.append((name, len(code)))
        ext.func(section, len(code), types.func(name, proto, linkage=1))
        access = [Ins(opcode, 2, 1, offset)] if kind == "r" else [mov(2, 0), Ins(opcode, 1, 2, offset)]
        code += [*access, mov(0, 1), exit_()]
    writer.code(section, code, functions=starts)
    writer.license("GPL")
    writer.btf(types, ext)
    return writer.bytes()


Key = tuple[str, str, str]


def answers(
    result: dict[str, Any], programs: dict[str, tuple[str, str]]
) -> dict[str, dict[Key, dict[int, bool]]]:
    """Kernel -> (program type, attach type, access) -> offset -> whether it was taken."""
    found: dict[str, dict[Key, dict[int, bool]]] = defaultdict(lambda: defaultdict(dict))
    for one in result["results"]:
        kind = programs.get(one["object"])
        for program in one["programs"]:
            match = _NAME.match(program["name"])
            if match is None or kind is None:
                continue
            taken = _taken(program)
            if taken is not None:
                access = match.group(1) + match.group(2)
                found[one["kernel"]][(*kind, access)][int(match.group(3))] = taken
    return found


def _taken(program: dict[str, Any]) -> bool | None:
    if program["verdict"] == "loads":
        return True
    return False if "invalid bpf_context access" in program["log_tail"] else None


def ranges(offsets: Iterable[int], size: int) -> str:
    """`0-76 84` of offsets, in steps of the size."""
    runs: list[list[int]] = []
    for offset in sorted(offsets):
        if runs and offset == runs[-1][1] + size:
            runs[-1][1] = offset
        else:
            runs.append([offset, offset])
    return " ".join(f"{first}-{last}" if first != last else str(first) for first, last in runs)


def table(newest: str, results: Sequence[Path]) -> str:
    """The file's text."""
    from preflight.btf import Kind
    from preflight.kernels.refs import resolve

    (kernel,) = resolve(newest, None)
    lines = [HEAD, "[sizes]"]
    for name in sorted(set(STRUCTS.values())):
        for number in kernel.btf.ids_by_name(name, {Kind.STRUCT}):
            lines.append(f"{name} = {kernel.btf.size_of(number)}")
    lines += ["", "[structs]", *(f'{kind} = "{name}"' for kind, name in sorted(STRUCTS.items()))]
    programs = _kinds()
    found: dict[Key, list[dict[int, bool]]] = defaultdict(list)
    for path in results:
        for of_kernel in answers(json.loads(path.read_text(encoding="utf-8")), programs).values():
            for key, taken in of_kernel.items():
                found[key].append(taken)
    kinds: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (program_type, attach_type, access), seen in sorted(found.items()):
        size = int(access[1:])
        offsets = range(0, END, size)
        every = [at for at in offsets if all(one.get(at) for one in seen)]
        some = [at for at in offsets if at not in every and any(one.get(at, True) for one in seen)]
        row = f'{access} = {{ all = "{ranges(every, size)}"'
        kinds[(program_type, attach_type)].append(
            row + (f', some = "{ranges(some, size)}" }}' if some else " }")
        )
    for (program_type, attach_type), rows in sorted(kinds.items()):
        lines += ["", "[[kind]]", f'type = "{program_type}"', f'attach = "{attach_type}"', *rows]
    return "\n".join(lines) + "\n"


def _kinds() -> dict[str, tuple[str, str]]:
    """Object -> the type and attach type of its programs."""
    found = {}
    for section in SECTIONS:
        for kind, opcodes in (("r", _READS), ("w", _WRITES)):
            for size, opcode in opcodes.items():
                name = _name(section, kind, size)
                program = load(_object(section, kind, size, opcode), name).programs[0]
                found[name] = found[name.removesuffix(".bpf.o")] = program.program_type, program.attach_type
    return found


def main() -> int:
    """Command line."""
    if len(sys.argv) == 3 and sys.argv[1] == "objects":
        write(Path(sys.argv[2]))
    elif len(sys.argv) > 3 and sys.argv[1] == "table":
        OUTPUT.write_text(table(sys.argv[2], [Path(name) for name in sys.argv[3:]]), encoding="utf-8")
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
