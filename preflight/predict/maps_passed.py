# SPDX-License-Identifier: Apache-2.0
"""Which maps the calls of a program pass, by the instructions right before them: enough for most calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from preflight.bytecode.image import MapRef
from preflight.bytecode.opcodes import ADD64_K, LDIMM64, MOV32_K, MOV64_K, MOV64_X, R10

if TYPE_CHECKING:
    from preflight.bytecode.image import Ref
    from preflight.bytecode.insn import Insn
    from preflight.predict.code import Code

#: Registers in which helpers get maps.
_REGISTERS: Final = (1, 2, 3)
#: Helpers that get it in another than the first, by number: tail_call, perf_event_output, get_stackid,
#: skb_under_cgroup, sk_redirect_map, sock_map_update, msg_redirect_map, sock_hash_update, msg_redirect_hash,
#: sk_redirect_hash, sk_select_reuseport, skb_output, xdp_output (include/uapi/linux/bpf.h).
_SECOND: Final = frozenset({12, 25, 27, 33, 52, 53, 60, 70, 71, 72, 82, 111, 121})


class Passed(NamedTuple):
    """A helper's number and the maps it gets; None where the block does not tell what stands for the map."""

    number: int
    maps: tuple[str, ...] | None


def maps_passed(code: Code, refs: Mapping[int, Ref]) -> list[Passed]:
    """The calls of helpers. What a register holds is known since the last jump, call or place jumped to."""
    found: list[Passed] = []
    for block in code.blocks.values():
        held: dict[int, str | None] = {}
        for insn in (*block.body, block.last):
            if insn.is_call:
                if insn.is_helper_call:
                    names = tuple(name for name in map(held.get, _REGISTERS) if name)
                    known = held.get(2 if insn.imm in _SECOND else 1) is not None
                    found.append(Passed(insn.imm, names if known else None))
                held = {}
            else:
                _follow(insn, refs, held)
    return found


def _follow(insn: Insn, refs: Mapping[int, Ref], held: dict[int, str | None]) -> None:
    """Registers -> the map they hold, "" for what is none, None for what may be one."""
    opcode = insn.opcode
    if opcode == LDIMM64:
        ref = refs.get(insn.slot)
        held[insn.dst] = ref.name if isinstance(ref, MapRef) else ""
    elif opcode == MOV64_X:
        held[insn.dst] = "" if insn.src == R10 else held.get(insn.src)
    elif opcode in (MOV64_K, MOV32_K):
        held[insn.dst] = ""
    elif insn.dst in held and opcode != ADD64_K and (insn.is_alu or insn.is_load):
        del held[insn.dst]
