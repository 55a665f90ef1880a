# SPDX-License-Identifier: Apache-2.0
"""The build hook of the wheel: compiles the BPF programs, so that the wheel needs no compiler.

A wheel without objects would be broken, so their absence fails the build. An editable
install may keep objects that are already there when no compiler is.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def _compiler(root: Path) -> ModuleType:
    """`tools/compile_bpf.py` of this source tree; the hook runs where the tree is not on sys.path."""
    spec = importlib.util.spec_from_file_location("compile_bpf", root / "tools" / "compile_bpf.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError("tools/compile_bpf.py")
    module = importlib.util.module_from_spec(spec)
    # Its dataclasses look their module up by name.
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class BpfBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before hatchling collects the files of a wheel or of an editable install."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile into `preflight/_bpf`; RuntimeError with the reason when that is impossible."""
        root = Path(self.root)
        out = root / "preflight" / "_bpf"
        compiler = _compiler(root)
        try:
            manifest = compiler.build(root, out, compiler.find_toolchain())
        except compiler.BuildError as error:
            if version == "editable" and compiler.complete(root, out):
                self.app.display_warning(f"the BPF programs stay as they are: {error}")
                return
            raise RuntimeError(f"the BPF programs cannot be built: {error}") from None
        self.app.display_info(f"{len(manifest['objects'])} BPF objects, built with {manifest['compiler']}")
