# SPDX-License-Identifier: Apache-2.0
"""An object that carries one hostile text in every place where an object can carry text."""

from __future__ import annotations

from tests.btfwriter import BtfWriter, ExtWriter, field
from tests.elfwriter import ElfWriter, exit_, helper, load_address, map_definition, mov

#: Escape sequences, C1, bidi, markup of four kinds, a formula, a runner's command, line breaks, a folder.
HOSTILE = (
    "=x\x1b]0;owned\x07\x1b[2J\u009b2J\u202e</script><script>alert(1)</script><b>[red]a\\|b`=1+cmd"
    "\n::error::boo\r\n"
)

#: How many instructions the program has; each gets a source line of its own.
_SLOTS = 11


def hostile_object(text: str, *, prefix: str = "kprobe/", folder: str = "/home/canary-7f3a/") -> bytes:
    """`text` as program, target, map, type, member, externs, licence, source file and source lines."""
    writer, types = ElfWriter(), BtfWriter()
    ext = ExtWriter(types)
    integer = types.int("int", 4)
    struct = types.struct(text, [field(text, integer, at=0)], size=4)
    types.func(text, types.func_proto(integer, [(text, integer)]))
    types.datasec(".maps", [(map_definition(types, text, type=1, max_entries=4, key=integer), 0, 24)], 24)
    ksym, option = f"{text}k", f"CONFIG_{text}"
    types.datasec(".ksyms", [(types.var(ksym, integer, linkage=2), 0, 4)], 0)
    types.datasec(".kconfig", [(types.var(option, integer, linkage=2), 0, 4)], 0)
    section = prefix + text
    program = [mov(1, 0), load_address(2, ksym), load_address(3, option), load_address(4, text)]
    writer.code(section, [*program, helper(4), helper(9998), mov(0, 0), exit_()], functions=[f"{text}p"])
    maps = writer.section(".maps", bytes(24), flags=3)
    writer.symbol(text, maps, 0, 24, type=1)
    writer.symbol(ksym)
    writer.symbol(option)
    writer.license(text)
    for slot in range(_SLOTS):
        ext.line(section, slot, f"{folder}{text}.c", slot + 1, text)
    ext.core(section, 0, struct, "0:0", 0)
    writer.btf(types, ext)
    return writer.bytes()
