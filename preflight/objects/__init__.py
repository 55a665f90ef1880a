# SPDX-License-Identifier: Apache-2.0
"""A BPF ELF as facts: programs, maps, relocations, externs, line info.

Also carves objects out of executables. May import btf and bytecode.

    obj = load(data, "probe.bpf.o")            # pure; InputError for what is no object
    for obj in open_objects("/usr/sbin/opensnoop"): ...
    obj.programs, obj.maps, obj.externs        # frozen facts, see preflight.objects.model
    obj.image(program)                         # linked: preflight.bytecode.image.ProgramImage
    obj.usage(program).helpers                 # what the linked program calls and refers to
    obj.source_at(".text", 12)                 # the source line of an instruction
"""

from preflight.objects.link import link, with_kconfig
from preflight.objects.load import load
from preflight.objects.model import BpfObject, Program, Subprogram
from preflight.objects.parts import Extern, MapDef, SourceLine
from preflight.objects.sources import open_objects

__all__ = [
    "BpfObject",
    "Extern",
    "MapDef",
    "Program",
    "SourceLine",
    "Subprogram",
    "link",
    "load",
    "open_objects",
    "with_kconfig",
]
