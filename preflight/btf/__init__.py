# SPDX-License-Identifier: Apache-2.0
"""The BTF wire format: types, string table, index, split BTF and .BTF.ext.

Reads from bytes, never from a path; knows nothing of kernels. Imports nothing of
preflight but errors. Corrupt input ends in `preflight.errors.InputError`, which may
come from `Btf.parse` or, as types are read lazily, from any later query.

    btf = Btf.parse(data)                      # or Btf.parse(data, base) for split BTF
    btf.type(5), btf.kind(5), btf.name(5)      # a value of preflight.btf.types, a Kind, a str
    btf.resolve(5)                             # the id behind typedefs, qualifiers and type tags
    btf.size_of(5)                             # bytes, or None
    btf.ids_by_name("task_struct", {Kind.STRUCT})
    btf.ids_by_essential_name("nf_conn", {Kind.STRUCT})   # flavours in the target included
    btf.separated_names()                      # names with `___`, for other loaders' flavour rules
    btf.ids_of_kind(Kind.VAR), btf.functions(), btf.types()
    btf.pointer_size, btf.byteorder, btf.start_id, btf.type_count, btf.base
    btf.format_level()                         # what a reader of this BTF must understand

    ext = BtfExt.parse(ext_data, btf)          # .BTF.ext of an object
    ext.core_relos["kprobe/do_unlinkat"]       # CoreRelo records in file order, by ELF section
    ext.line_at("kprobe/do_unlinkat", 12)      # LineInfo(file, line, column, text) or None
    ext.func_at("kprobe/do_unlinkat", 12)      # FuncInfo or None

    preflight.btf.c_decl        declare(), spell(): types as C with offsets, for people
    preflight.btf.distilled     parse_over_distilled(): split BTF with a `.BTF.base` section
    preflight.btf.index_cache   parse_cached(): Btf.parse with an index kept on disk
    preflight.btf.types         the classes `Btf.type` returns, one per kind

Ids start at 1, void is 0; `type_count` counts void and the base, so valid ids are
`range(btf.type_count)`.
"""

from preflight.btf.ext import BtfExt, CoreRelo, FuncInfo, LineInfo
from preflight.btf.kinds import Kind, kind_name
from preflight.btf.names import essential_name
from preflight.btf.reader import Btf, FormatLevel

__all__ = [
    "Btf",
    "BtfExt",
    "CoreRelo",
    "FormatLevel",
    "FuncInfo",
    "Kind",
    "LineInfo",
    "essential_name",
    "kind_name",
]
