# SPDX-License-Identifier: Apache-2.0
"""Programs and subprograms of an object: its function symbols, cut out of the code sections.

Follows bpf_object__add_programs() and bpf_object__init_prog() of libbpf 1.7.0.
"""

from __future__ import annotations

from typing import Final

from preflight.errors import InputError
from preflight.objects.elf import STT_FUNC, STV_HIDDEN, STV_INTERNAL, Elf, Section, Symbol
from preflight.objects.hooks import hook
from preflight.objects.model import SLOT, Program, Subprogram
from preflight.objects.parts import Problem

TEXT: Final = ".text"
#: More functions than this in one object are refused.
MAX_FUNCTIONS: Final = 16_384


def collect(elf: Elf) -> tuple[tuple[Program, ...], tuple[Subprogram, ...], tuple[Problem, ...]]:
    """All functions in libbpf's order; InputError for one that does not fit its section."""
    programs: list[Program] = []
    subprograms: list[Subprogram] = []
    problems: list[Problem] = []
    for section in elf.sections:
        if not section.is_code:
            continue
        # libbpf sorts by place; of two symbols for one place the table's order decides.
        for symbol in sorted(_functions(elf, section), key=lambda s: s.value):
            code = _code(section, symbol)
            hidden = symbol.visibility in (STV_HIDDEN, STV_INTERNAL)
            start = symbol.value // SLOT
            if section.name == TEXT:
                subprograms.append(
                    Subprogram(symbol.name, TEXT, section.index, start, code, symbol.binding, hidden)
                )
                continue
            if symbol.binding == "local":
                problems.append(
                    Problem("static-program", symbol.name, f"a static function in section {section.name}")
                )
            programs.append(
                Program(
                    symbol.name,
                    section.name,
                    section.index,
                    start,
                    code,
                    symbol.binding,
                    hidden,
                    autoload=not section.name.startswith("?"),
                    hook=hook(section.name.removeprefix("?")),
                )
            )
        if len(programs) + len(subprograms) > MAX_FUNCTIONS:
            raise InputError(f"more than {MAX_FUNCTIONS} functions", offset=section.offset)
    return tuple(programs), tuple(subprograms), tuple(problems)


def _functions(elf: Elf, section: Section) -> list[Symbol]:
    return [symbol for symbol in elf.defined_in(section.index) if symbol.type == STT_FUNC]


def _code(section: Section, symbol: Symbol) -> bytes:
    end = symbol.value + symbol.size
    at = section.offset + min(symbol.value, section.size)
    if end > section.size:
        raise InputError("a function ends outside its section", offset=at)
    if not symbol.size or symbol.size % SLOT or symbol.value % SLOT:
        raise InputError(
            f"a function of {symbol.size} bytes at {symbol.value:#x} is not made of {SLOT}-byte instructions",
            offset=at,
        )
    return section.data[symbol.value : end]
