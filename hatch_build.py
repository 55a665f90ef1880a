# SPDX-License-Identifier: Apache-2.0
"""The build hook of the wheel: compiles the BPF programs and the loops of native/.

A wheel without BPF objects would be broken, so their absence fails the build. An editable
install may keep objects that are already there when no compiler is.

The loops make preflight faster and change no answer. Where a C compiler and Python's headers are, the wheel
carries them and is for this machine's architecture (`cp311-abi3-linux_x86_64`); elsewhere it is for every
machine (`py3-none-any`), and the build says why. PREFLIGHT_NATIVE=no leaves them out, and with
PREFLIGHT_NATIVE=required a build that cannot have them fails.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import platform_tags

#: The environment's word about the loops; without one, the wheel has them where they can be compiled.
SWITCH = "PREFLIGHT_NATIVE"
WORDS = ("", "no", "required")


def _tool(root: Path, name: str) -> ModuleType:
    """`tools/NAME.py` of this source tree; the hook runs where the tree is not on sys.path."""
    spec = importlib.util.spec_from_file_location(name, root / "tools" / f"{name}.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"tools/{name}.py")
    module = importlib.util.module_from_spec(spec)
    # Its dataclasses look their module up by name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _try(path: Path) -> None:
    """Loads a compiled module; ImportError when this Python cannot (CC may compile for another machine)."""
    name = path.name.split(".", 1)[0]
    ExtensionFileLoader(name, str(path)).create_module(ModuleSpec(name, None, origin=str(path)))


class BpfBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before hatchling collects the files of a wheel or of an editable install."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile all there is to compile; RuntimeError with the reason when that is impossible."""
        root = Path(self.root)
        self._programs(root, version)
        self._loops(root, version, build_data)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """The wheel is written: what was compiled for it alone goes."""
        if folder := getattr(self, "_folder", None):
            folder.cleanup()

    def _programs(self, root: Path, version: str) -> None:
        """Compile the BPF programs into `preflight/_bpf`."""
        out = root / "preflight" / "_bpf"
        compiler = _tool(root, "compile_bpf")
        try:
            manifest = compiler.build(root, out, compiler.find_toolchain())
        except compiler.BuildError as error:
            if version == "editable" and compiler.complete(root, out):
                self.app.display_warning(f"the BPF programs stay as they are: {error}")
                return
            raise RuntimeError(f"the BPF programs cannot be built: {error}") from None
        self.app.display_info(f"{len(manifest['objects'])} BPF objects, built with {manifest['compiler']}")

    def _loops(self, root: Path, version: str, build_data: dict[str, Any]) -> None:
        """Compile native/, and put what comes of it into the wheel and its name."""
        word = os.environ.get(SWITCH, "")
        if word not in WORDS:
            raise RuntimeError(f"{SWITCH} is {word[:40]!r}; it may be {' or '.join(WORDS[1:])}")
        native = _tool(root, "compile_native")
        modules = {} if word == "no" else self._places(native, version)
        # Another compiler may warn of more than ours: in a clone that is to be seen, a wheel is made anyway.
        flags = () if version == "editable" else ("-Wno-error",)
        absent = f"{SWITCH}=no" if word == "no" else _compiled(native, modules, flags)
        if absent and word == "required":
            raise RuntimeError(f"the compiled loops cannot be built: {absent}. {native.WHAT_TO_INSTALL}")
        if absent:
            self.app.display_warning(f"without the compiled loops, slower and otherwise the same: {absent}")
        elif version != "editable":
            platform = next(tag for tag in platform_tags() if tag.startswith("linux_"))
            build_data["pure_python"] = False
            build_data["tag"] = f"{native.oldest_python()}-abi3-{platform}"
            for source, built in modules.items():
                within = native.MODULES[source].relative_to(native.ROOT)
                build_data["force_include"][str(built)] = within.as_posix()
            self.app.display_info(f"{len(modules)} compiled loops, a wheel for {platform}")

    def _places(self, native: ModuleType, version: str) -> dict[Path, Path]:
        """Source -> where it is compiled to.

        For an editable install beside the module that uses it, as `make build` does, unless it is up to date
        there. For a wheel into a folder of its own: the tree's may be of another day or machine.
        """
        found: dict[Path, Path] = native.MODULES
        if version == "editable":
            return {source: built for source, built in found.items() if not native.current(source, built)}
        self._folder = TemporaryDirectory(prefix="preflight-native-")
        return {source: Path(self._folder.name) / built.name for source, built in found.items()}


def _compiled(native: ModuleType, modules: dict[Path, Path], flags: tuple[str, ...]) -> str | None:
    """Compile every source and try the result; why that is impossible, or None."""
    for source, built in modules.items():
        try:
            absent: str | None = native.build(built, source=source, flags=flags)
            if absent:
                return absent
            _try(built)
        except (RuntimeError, ImportError) as error:
            built.unlink(missing_ok=True)
            return str(error)[-2000:]
    return None
