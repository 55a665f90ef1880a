# SPDX-License-Identifier: Apache-2.0
"""What changed between two kernels that a BPF program could depend on.

Every aspect is read into a table of names and declarations, one table per kernel, and the
tables are compared. With objects the tables are narrowed to what these objects name
(`predict.object_changes`). Nothing is judged here: whether a change does any harm is what
`predict` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from preflight.btf import Btf, Kind
from preflight.btf.c_decl import declare, spell
from preflight.btf.types import DeclTag, Enum, FuncProto, Ptr

if TYPE_CHECKING:
    from preflight.kernels.model import Kernel

#: Name -> declaration; None where the kernel's facts do not tell.
Table = Mapping[str, str] | None
#: Aspect -> name -> the programs that need it.
Wanted = Mapping[str, Mapping[str, tuple[str, ...]]]

#: Decl tag that pahole puts on a kfunc (since 1.27, scripts/Makefile.btf).
_KFUNC_TAG = "bpf_kfunc"
_LSM_PREFIX = "bpf_lsm_"
_RAW_PREFIX = "btf_trace_"
_EVENT_PREFIX = "trace_event_raw_"
#: Members whose declarations are shown for a changed type.
_SHOWN_MEMBERS = 12


class Change(NamedTuple):
    """One difference. `change` is `added`, `removed`, `changed`, or `undecided` when one side is unknown.

    `before` and `after` are declarations or values, None on the side that lacks it. `needed_by` lists
    `OBJECT/PROGRAM` and is empty when no object was asked about.
    """

    aspect: str
    name: str
    change: str
    before: str | None
    after: str | None
    needed_by: tuple[str, ...] = ()


class Difference(NamedTuple):
    """All changes, and the aspects that could not be compared with the reason for each."""

    changes: tuple[Change, ...]
    undecided: Mapping[str, str]


def kernel_diff(before: Kernel, after: Kernel, wanted: Wanted | None = None) -> Difference:
    """Compare two kernels; `wanted` (from `object_wants`) narrows every aspect to what objects name."""
    changes: list[Change] = []
    undecided: dict[str, str] = {}
    for aspect, read in ASPECTS.items():
        names = None if wanted is None else wanted.get(aspect, {})
        if names is not None and not names:
            continue
        one, other = read(before, names), read(after, names)
        unknown = [kernel.name for kernel, table in ((before, one), (after, other)) if table is None]
        if one is None or other is None:
            undecided[aspect] = f"not known of {' and '.join(unknown)}"
            continue
        changes += _compare(aspect, one, other, names)
    return Difference(tuple(changes), undecided)


def _compare(
    aspect: str, one: Mapping[str, str], other: Mapping[str, str], names: Mapping[str, tuple[str, ...]] | None
) -> Iterator[Change]:
    for name in sorted(one.keys() | other.keys()):
        before, after = one.get(name), other.get(name)
        if before == after:
            continue
        change = "added" if before is None else "removed" if after is None else "changed"
        if change == "changed" and aspect == "type":
            before, after = _only_changed(before or "", after or "")
        yield Change(aspect, name, change, before, after, (names or {}).get(name, ()))


def _only_changed(before: str, after: str) -> tuple[str, str]:
    """Two declarations without the lines they share: head, what differs, end."""
    one, other = before.split("\n"), after.split("\n")
    shared = set(one) & set(other)

    def cut(lines: list[str]) -> str:
        middle = [line for line in lines[1:-1] if line not in shared]
        more = [f"    ... {len(middle) - _SHOWN_MEMBERS} more"] if len(middle) > _SHOWN_MEMBERS else []
        return "\n".join([lines[0], *middle[:_SHOWN_MEMBERS], *more, *lines[1:][-1:]])

    return cut(one), cut(other)


# --- the tables, one reader per aspect -------------------------------------------------------


Names = Mapping[str, tuple[str, ...]] | None


def _functions(kernel: Kernel, names: Names) -> Table:
    return _declared(kernel.btf, _ids(kernel.btf, names, "", (Kind.FUNC,)), "")


def _lsm_hooks(kernel: Kernel, names: Names) -> Table:
    return _declared(kernel.btf, _ids(kernel.btf, names, _LSM_PREFIX, (Kind.FUNC,)), _LSM_PREFIX)


def _raw_tracepoints(kernel: Kernel, names: Names) -> Table:
    """`btf_trace_NAME` points to the prototype of the raw tracepoint's arguments, behind one of its own."""
    btf = kernel.btf
    found: dict[str, str] = {}
    for type_id in _ids(btf, names, _RAW_PREFIX, (Kind.TYPEDEF,)):
        pointer = btf.type(btf.resolve(type_id))
        proto = btf.type(btf.resolve(pointer.type)) if isinstance(pointer, Ptr) else None
        if isinstance(proto, FuncProto):
            shown = ", ".join(spell(btf, param.type, param.name) for param in proto.params[1:])
            found[btf.name(type_id).removeprefix(_RAW_PREFIX)] = f"({shown or 'void'})"
    return found


def _events(kernel: Kernel, names: Names) -> Table:
    """The record of a trace event: what a tracepoint program reads at fixed offsets."""
    return _declared(kernel.btf, _ids(kernel.btf, names, _EVENT_PREFIX, (Kind.STRUCT,)), _EVENT_PREFIX)


def _types(kernel: Kernel, names: Names) -> Table:
    """Named structs, unions and enums, without those that are aspects of their own."""
    btf = kernel.btf
    kinds = (Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64)
    chosen = (i for i in _ids(btf, names, "", kinds) if not btf.name(i).startswith(_EVENT_PREFIX))
    return _declared(btf, chosen, "")


def _kfuncs(kernel: Kernel, names: Names) -> Table:
    btf = kernel.btf
    tags = (btf.type(type_id) for type_id in btf.ids_of_kind(Kind.DECL_TAG))
    tagged = {tag.type for tag in tags if isinstance(tag, DeclTag) and tag.name == _KFUNC_TAG}
    if not tagged and names is None:
        return None
    if names is not None:  # a function of that name is one the program may call only if it is marked
        return _declared(
            btf, (i for i in _ids(btf, names, "", (Kind.FUNC,)) if not tagged or i in tagged), ""
        )
    return _declared(btf, sorted(tagged), "")


def _enumerators(enum: str, prefix: str) -> Callable[[Kernel, Names], Table]:
    def read(kernel: Kernel, names: Names) -> Table:
        ids = kernel.btf.ids_by_name(enum, (Kind.ENUM, Kind.ENUM64))
        found = kernel.btf.type(ids[0]) if ids else None
        if not isinstance(found, Enum):
            return None
        values = {v.name.removeprefix(prefix).lower(): str(v.value) for v in found.values}
        for end in [name for name in values if name.startswith("__")]:
            del values[end]  # __BPF_FUNC_MAX_ID counts, it names nothing
        return {n: v for n, v in values.items() if names is None or n in names}

    return read


def _config(kernel: Kernel, names: Names) -> Table:
    options = kernel.config
    if options is None:
        return None
    return {n: v for n, v in options.items() if names is None or n in names}


def _ids(btf: Btf, names: Names, prefix: str, kinds: Sequence[int]) -> Iterator[int]:
    if names is not None:
        for name in names:
            yield from btf.ids_by_name(prefix + name, kinds)
        return
    for kind in kinds:
        for type_id in btf.ids_of_kind(kind):
            if btf.name(type_id) and btf.name(type_id).startswith(prefix):
                yield type_id


def _declared(btf: Btf, ids: Iterable[int], prefix: str) -> dict[str, str]:
    """Name -> declaration; of several types with one name all declarations, in a fixed order."""
    found: dict[str, list[str]] = {}
    for type_id in ids:
        text = declare(btf, type_id, max_members=1 << 16)
        texts = found.setdefault(btf.name(type_id).removeprefix(prefix), [])
        if text not in texts:
            texts.append(text)
    return {name: "\n".join(sorted(texts)) for name, texts in found.items()}


#: Aspect -> reader of its table, in the order of the report.
ASPECTS: Mapping[str, Callable[[Kernel, Names], Table]] = {
    "function": _functions,
    "raw-tracepoint": _raw_tracepoints,
    "event": _events,
    "lsm-hook": _lsm_hooks,
    "kfunc": _kfuncs,
    "helper": _enumerators("bpf_func_id", "BPF_FUNC_"),
    "program-type": _enumerators("bpf_prog_type", "BPF_PROG_TYPE_"),
    "attach-type": _enumerators("bpf_attach_type", "BPF_"),
    "map-type": _enumerators("bpf_map_type", "BPF_MAP_TYPE_"),
    "type": _types,
    "config": _config,
}
