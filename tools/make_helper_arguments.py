#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write preflight/predict/data/helper_arguments.toml from what kernels themselves say of their helpers.

    python tools/make_helper_arguments.py VMLINUZ...

Each VMLINUZ is the image of a packaged kernel with BTF. Read are all its `struct bpf_func_proto`, by their
symbols, with the layout and the enumerators of that kernel's own BTF; what a pointer has to lead to comes
from the BTF ids that resolve_btfids left in the image. Where kernels, or program types, differ a word has all
that one of them takes.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight.btf import Btf, Kind  # noqa: E402
from preflight.bytecode.helpers import HELPER_NAMES  # noqa: E402
from preflight.kernels import image, kallsyms, symbol_addresses  # noqa: E402

OUTPUT = ROOT / "preflight" / "predict" / "data" / "helper_arguments.toml"

HEAD = """\
# SPDX-License-Identifier: Apache-2.0
#
# What helpers take in r1 to r5: `struct bpf_func_proto` as it lies in the images of packaged kernels; those
# of all program types together ({kernels}).
# Made by tools/make_helper_arguments.py. A word for each register up to the last that is looked at; `any`:
# whatever it is. `?`: or null. `|`: kernels or program types differ. object(STRUCT): a pointer to that struct
# of the kernel's.

"""

#: enum bpf_arg_type without its prefix and `_OR_NULL` -> the table's word.
WORDS = {
    "DONTCARE": "any", "ANYTHING": "any", "SCALAR": "any", "CONST_MAP_PTR": "map", "PTR_TO_MAP_KEY": "memory",
    "PTR_TO_MAP_VALUE": "memory", "PTR_TO_UNINIT_MAP_VALUE": "memory", "PTR_TO_MEM": "memory",
    "PTR_TO_UNINIT_MEM": "memory", "PTR_TO_FIXED_SIZE_MEM": "memory", "PTR_TO_INT": "memory",
    "PTR_TO_LONG": "memory", "CONST_SIZE": "size", "CONST_SIZE_OR_ZERO": "size", "MEM_SIZE": "size",
    "MEM_SIZE_OR_ZERO": "size", "CONST_ALLOC_SIZE_OR_ZERO": "size", "PTR_TO_CTX": "context",
    "PTR_TO_SPIN_LOCK": "lock", "PTR_TO_SOCK_COMMON": "socket", "PTR_TO_SOCKET": "socket",
    "PTR_TO_BTF_ID_SOCK_COMMON": "socket", "PTR_TO_BTF_ID": "object", "PTR_TO_ALLOC_MEM": "record",
    "PTR_TO_RINGBUF_MEM": "record", "PTR_TO_PERCPU_BTF_ID": "percpu", "PTR_TO_FUNC": "function",
    "PTR_TO_STACK": "stack", "PTR_TO_CONST_STR": "string", "PTR_TO_TIMER": "timer", "PTR_TO_KPTR": "kptr",
    "KPTR_XCHG_DEST": "kptr", "PTR_TO_DYNPTR": "dynptr",
}  # fmt: skip
#: What variants for program types have before and behind a helper's own name.
BEFORE = ("sock_addr_", "sock_ops_", "sock_create_", "sk_lookup_", "unlocked_sk_", "lwt_in_", "lwt_xmit_",
          "flow_dissector_", "tc_", "xdp_", "skb_", "sk_")  # fmt: skip
BEHIND = ("_cg_sock", "_tracing", "_recur", "_sleepable", "_nodelay", "_sk_msg", "_sock_addr", "_sock_ops",
          "_sockopt", "_sock", "_curr", "_trace")  # fmt: skip
#: Variants whose names tell less.
NAMES = {
    "sk_reuseport_load_bytes": "skb_load_bytes",
    "sk_reuseport_load_bytes_relative": "skb_load_bytes_relative",
    "flow_dissector_load_bytes": "skb_load_bytes", "event_output_data": "perf_event_output",
    "skb_event_output": "perf_event_output", "xdp_event_output": "perf_event_output",
    "lwt_in_push_encap": "lwt_push_encap", "lwt_xmit_push_encap": "lwt_push_encap",
    "get_raw_smp_processor_id": "get_smp_processor_id", "get_socket_ptr_cookie": "get_socket_cookie",
    "probe_read_compat": "probe_read", "probe_read_compat_str": "probe_read_str",
    "sk_lookup_assign": "sk_assign",
}  # fmt: skip
_PLAIN = frozenset(name.removeprefix("bpf_") for name in HELPER_NAMES.values())


def helper_of(symbol: str) -> str | None:
    """The helper of a symbol like `bpf_tc_sk_lookup_tcp_proto` or `bpf_get_stack_proto_tp`."""
    name, mark, _ = symbol.rpartition("_proto")
    if not mark:
        return None
    name = name.removeprefix("bpf_")
    for known in (NAMES.get(name, name), *(name.removeprefix(one) for one in BEFORE)):
        for tried in (known, *(known.removesuffix(one) for one in BEHIND)):
            if tried in _PLAIN:
                return tried
    return None


def prototypes(data: bytes) -> Iterator[tuple[str, list[str]]]:
    """(helper, words of its five arguments) of each prototype in an image."""
    found = image.unpack(data)
    raw, byteorder = found.found_btf
    table = kallsyms.symbol_table(found.raw, byteorder)
    located = None if table is None else symbol_addresses.locate(found.raw, table, byteorder)
    if located is None:
        raise SystemExit("an image without symbols and their addresses")
    btf, mark = Btf.parse(raw), "<" if byteorder == "little" else ">"
    layout, size = _layout(btf)
    names = {value: name.removeprefix("ARG_") for value, name in _enum(btf, "bpf_arg_type")}
    nullable = {value for value, name in _enum(btf, "bpf_type_flag") if name == "PTR_MAYBE_NULL"}
    for symbol, address in zip(located.names, located.addresses, strict=True):
        helper = helper_of(symbol[1:].decode())
        at = located.memory.offset_of(address)
        if helper is None or at is None or chr(symbol[0]) not in "dDrR" or at + size > len(found.raw):
            continue
        words = []
        for number in range(1, 6):
            (given,) = struct.unpack_from(f"{mark}I", found.raw, at + layout[f"arg{number}_type"])
            full = names.get(given)
            name = full or names.get(given & 0xFF, "")
            word = WORDS[name.removesuffix("_OR_NULL")] if given else "any"
            if word == "object":
                (to,) = struct.unpack_from(f"{mark}Q", found.raw, at + layout[f"arg{number}_btf_id"])
                place = located.memory.offset_of(to) if to and located.linked else None
                (type_id,) = struct.unpack_from(f"{mark}I", found.raw, place) if place else (0,)
                word = f"object({btf.name(type_id)})" if type_id else word
            may = name.endswith("_OR_NULL") or any(given & flag for flag in nullable)
            words.append(word + ("?" if may else ""))
        yield helper, words


def _enum(btf: Btf, name: str) -> list[tuple[int, str]]:
    ids = btf.ids_by_name(name, {Kind.ENUM, Kind.ENUM64})
    made: Any = btf.type(ids[0]) if ids else None
    return [(one.value, one.name) for one in made.values] if made else []


def _layout(btf: Btf) -> tuple[dict[str, int], int]:
    """Member -> offset in struct bpf_func_proto, into unnamed members, and its size."""
    outer: Any = btf.type(btf.ids_by_name("bpf_func_proto", {Kind.STRUCT})[0])
    found: dict[str, int] = {}

    def add(one: Any, base: int) -> None:
        for member in one.members:
            at = base + member.bit_offset // 8
            if member.name:
                found[member.name] = at
            else:
                add(btf.type(btf.resolve(member.type)), at)

    add(outer, 0)
    return found, outer.size


def main() -> int:
    """Command line."""
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    taken: dict[str, list[set[str]]] = {}
    releases = []
    for path in sys.argv[1:]:
        data = Path(path).read_bytes()
        releases.append((image.unpack(data).release or path).partition("-")[0].partition("+")[0])
        for helper, words in prototypes(data):
            mine = taken.setdefault(helper, [set() for _ in range(5)])
            for known, word in zip(mine, words, strict=True):
                known.add(word)
    lines = [HEAD.format(kernels=", ".join(releases))]
    for helper in sorted(taken):
        words = ["|".join(sorted(one)) if "any" not in one else "any" for one in taken[helper]]
        while words and words[-1] == "any":
            words.pop()
        lines.append(f"{helper} = {words}\n".replace("'", '"'))
    OUTPUT.write_text("".join(lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
