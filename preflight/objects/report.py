# SPDX-License-Identifier: Apache-2.0
"""An object's facts as JSON-ready values.

Names stay raw, because a renderer escapes; only their length is cut, so that one hostile name does not
fill a report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from preflight.errors import InputError

if TYPE_CHECKING:
    from preflight.objects.model import BpfObject, Function, Program

#: Characters kept of one string.
MAX_TEXT: Final = 1024


def object_dict(obj: BpfObject) -> dict[str, Any]:
    """All facts. A program that cannot be linked has `uses` None and says why in `error`."""
    shown: dict[str, Any] = cut(
        {
            "object": obj.name,
            "aliases": list(obj.aliases),
            "sha256": obj.sha256,
            "bytes": len(obj.data),
            "byteorder": obj.byteorder,
            "arch": obj.arch,
            "license": obj.license,
            "version": obj.version,
            "btf": obj.btf is not None,
            "line_info": obj.btf_ext is not None and bool(obj.btf_ext.line_info),
            "isa": _isa(obj),
            "programs": [_program(obj, program) for program in obj.programs],
            "subprograms": [_function(function) for function in obj.subprograms],
            "maps": [definition.to_dict() for definition in obj.maps],
            "data": [section.to_dict() for section in obj.sections],
            "externs": [extern.to_dict() for extern in obj.externs],
            "struct_ops": [ops.to_dict() for ops in obj.struct_ops],
            "problems": [problem.to_dict() for problem in obj.problems],
        }
    )
    return shown


def _isa(obj: BpfObject) -> dict[str, Any] | None:
    try:
        return obj.isa.to_dict()
    except InputError:
        return None


def _function(function: Function) -> dict[str, Any]:
    return {
        "name": function.name,
        "section": function.section,
        "section_insn": function.section_insn,
        "insn_count": function.insn_count,
        "binding": function.binding,
    }


def _program(obj: BpfObject, program: Program) -> dict[str, Any]:
    shown = _function(program) | {"autoload": program.autoload} | program.hook.to_dict()
    shown |= {"uses": None, "error": None}
    try:
        shown["uses"] = obj.usage(program).to_dict()
    except InputError as error:
        shown["error"] = error.message
    return shown


def cut(value: Any) -> Any:
    """The value with every string in it cut to MAX_TEXT characters, marked by an ellipsis."""
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else value[: MAX_TEXT - 1] + "…"
    if isinstance(value, dict):
        return {cut(key): cut(item) for key, item in value.items()}
    if isinstance(value, list):
        return [cut(item) for item in value]
    return value
