# SPDX-License-Identifier: Apache-2.0
"""What one printed instruction reads and writes, from its text (kernel/bpf/disasm.c, all eras)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple


class Effect(NamedTuple):
    """One instruction: `kind` is call, exit, jump, branch, store, atomic, load, copy, const or alu.

    Registers are numbers. `base` and `off` are the memory operand of loads and stores. `wide` is False for
    32-bit operations and for accesses of less than eight bytes. `name` is what is called; `other` the second
    operand of a branch or an operation, `imm` when it is a number. `op` is the operator.
    """

    kind: str
    dst: int | None = None
    src: int | None = None
    base: int | None = None
    off: int = 0
    wide: bool = True
    name: str = ""
    op: str = ""
    imm: int | None = None


_NUMBER = r"-?(?:0x[0-9a-f]+|\d+)"
_MEMORY = r"\*\((?P<size>[us]\d+) \*\)\((?P<base>r\d+) (?P<off>[+-]\d+)\)"
_CALL = re.compile(r"call (?P<name>[^\s;]+)")
_IF = re.compile(rf"(?:may_goto|if (?P<a>[rw]\d+) (?P<op>\S+) (?P<b>[rw]\d+|{_NUMBER}) goto)")
_LOAD = re.compile(rf"(?P<dst>[rw]\d+) = (?:load_acquire\()?(?:\([us]\d+ \*\))?{_MEMORY}")
_STORE = re.compile(rf"{_MEMORY} = (?P<src>[rw]\d+|{_NUMBER})")
_ATOMIC = re.compile(
    r"(?:lock |(?P<dst>[rw]\d+) = (?:atomic|cmpxchg|xchg)).*?"
    r"\([us]\d+ \*\)\(?(?P<base>r\d+) ?(?P<off>[+-]\d+)"
)
_COPY = re.compile(r"(?:\(u32\) )?(?P<dst>[rw]\d+) = (?:\((?P<cast>[us]\d+)\) ?)?(?P<src>[rw]\d+)$")
_CONST = re.compile(rf"(?:\(u32\) )?(?P<dst>[rw]\d+) = (?P<imm>{_NUMBER})(?: ll)?$")
_WIDE_LOAD = re.compile(r"(?P<dst>r\d+) = (?:map|0x)")
_ALU = re.compile(
    rf"(?:\(u32\) )?(?P<dst>[rw]\d+) (?P<op>s?[-+*/%&|^<>]{{1,3}}=) (?:\(u32\) )?(?P<b>[rw]\d+|{_NUMBER})"
)
_UNARY = re.compile(r"(?P<dst>[rw]\d+) = (?:-|be|le|bswap|\(\w+\)|addr_space_cast)\D*\d*")


def number(text: str) -> int:
    """A number as printed: decimal or 0x; zeros may lead, and digits nobody prints are cut off."""
    return int(text[:40], 16) if "x" in text else int(text[:40])


@lru_cache(maxsize=2048)
def effect(text: str) -> Effect:
    """The effect of `(61) r2 = *(u32 *)(r1 +4)`; kind `other` for what is not known."""
    body = text[5:] if text[:1] == "(" and text[3:4] == ")" else text
    body = body.strip()
    if body.startswith("call") or "<invalid kfunc" in body:
        found = _CALL.match(body)
        return Effect("call", dst=0, name=found["name"] if found else body)
    if body.startswith("exit"):
        return Effect("exit", src=0)
    if body.startswith(("if ", "may_goto")):
        found = _IF.match(body)
        if found and found["a"]:
            other = found["b"]
            register = other[0] in "rw"
            return Effect(
                "branch", dst=int(found["a"][1:]), src=int(other[1:]) if register else None,
                wide=found["a"][0] == "r", op=found["op"], imm=None if register else number(other),
            )  # fmt: skip
        return Effect("jump")
    if body.startswith("goto"):
        return Effect("jump")
    for kind, shape in (("load", _LOAD), ("store", _STORE)):
        found = shape.match(body)
        if found:
            groups = found.groupdict()
            dst, src = groups.get("dst"), groups.get("src")
            return Effect(
                kind, dst=int(dst[1:]) if dst else None, src=int(src[1:]) if src and src[0] in "rw" else None,
                base=int(groups["base"][1:]), off=int(groups["off"]), wide=groups["size"] in {"u64", "s64"},
                imm=number(src) if src and src[0] not in "rw" else None,
            )  # fmt: skip
    found = _ATOMIC.match(body)
    if found:
        dst = found["dst"]
        return Effect(
            "atomic", dst=int(dst[1:]) if dst else None, base=int(found["base"][1:]), off=int(found["off"])
        )
    found = _COPY.match(body)
    if found:
        narrow = found["dst"][0] == "w" or body.startswith("(u32)") or bool(found["cast"])
        return Effect("copy", dst=int(found["dst"][1:]), src=int(found["src"][1:]), wide=not narrow)
    found = _CONST.match(body)
    if found and not body.endswith("ll"):
        return Effect(
            "const", dst=int(found["dst"][1:]), imm=number(found["imm"]), wide=found["dst"][0] == "r"
        )
    found = _WIDE_LOAD.match(body)
    if found:
        return Effect("const", dst=int(found["dst"][1:]), name="ldimm64")
    found = _ALU.match(body)
    if found:
        other = found["b"]
        register = other[0] in "rw"
        return Effect(
            "alu", dst=int(found["dst"][1:]), src=int(other[1:]) if register else None, op=found["op"],
            wide=found["dst"][0] == "r" and not body.startswith("(u32)"),
            imm=None if register else number(other),
        )  # fmt: skip
    found = _UNARY.match(body)
    if found:
        return Effect("alu", dst=int(found["dst"][1:]), wide=found["dst"][0] == "r", op="unary")
    return Effect("other")


_REGISTER = re.compile(r"(?<![\w.])(R\d+|fp-?\d+)(?:_[rwD]+)?=")


@lru_cache(maxsize=512)
def registers(state: str) -> dict[str, str]:
    """A printed state as `R1` or `fp-8` -> value text, such as `map_value(id=0,off=0,ks=4,vs=8,imm=0)`.

    Keys and values nobody knows yet are kept as they are. With several frames the last one counts.
    """
    marks = list(_REGISTER.finditer(state))
    values = {}
    for number, mark in enumerate(marks):
        end = marks[number + 1].start() if number + 1 < len(marks) else len(state)
        values[mark[1]] = state[mark.end() : end].strip().split(" refs=")[0]
    return values


def type_of(value: str) -> str:
    """The type in a register's value: `pkt`, `map_value_or_null`, `scalar` (also `inv` and bare numbers)."""
    if value[:1] in "-0123456789":
        return "scalar"
    name = re.match(r"[A-Za-z_]+", value)
    word = name[0] if name else ""
    if word in {"inv", "invP", "scalar", "Pscalar", "P"} or word.startswith("inv"):
        return "scalar"
    return word


def constant_of(value: str) -> int | None:
    """The number that a scalar is known to be, or None."""
    found = re.match(rf"(?:invP?|P)?({_NUMBER})$", value)
    return number(found[1]) if found else None
