# SPDX-License-Identifier: Apache-2.0
"""The import rules of docs/architecture.md: facts know no rules, rules no renderers."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "preflight"

SHARED = {"errors", "facts", "records"}

#: Package -> packages it may import besides itself and SHARED. Top-level modules count as packages.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "facts": set(),
    "records": set(),
    "subprocesses": set(),
    "bpf_objects": set(),
    "cachefiles": set(),
    "tables": {"cachefiles"},
    "btf": {"cachefiles"},
    "bytecode": set(),
    "findings": {"tables"},
    "loaders": set(),
    "objects": {"btf", "bytecode"},
    "core": {"btf", "bytecode", "loaders"},
    "kernels": {"btf", "subprocesses", "objects"},
    "host": {
        "cachefiles",
        "tables",
        "btf",
        "bytecode",
        "objects",
        "kernels",
        "core",
        "findings",
        "subprocesses",
        "bpf_objects",
        "predict",
        "hygiene",
    },
    "predict": {"btf", "bytecode", "objects", "kernels", "core", "loaders", "findings", "tables"},
    "lab": {
        "kernels",
        "objects",
        "core",
        "predict",
        "host",
        "btf",
        "findings",
        "subprocesses",
        "bpf_objects",
        "matrix",
        "verifier",
    },
    "tracers": {
        "tables",
        "btf",
        "objects",
        "kernels",
        "host",
        "predict",
        "findings",
        "subprocesses",
        "bpf_objects",
    },
    "matrix": {"kernels", "objects", "predict", "findings"},
    "hygiene": {"tables", "btf", "bytecode", "objects", "predict", "findings"},
    "gate": {"findings", "verifier"},
    "fleet": {"host", "kernels", "objects", "matrix", "predict", "findings"},
    "verifier": {"findings"},
    "joins": {"verifier", "objects", "bytecode", "core", "predict", "findings", "tables"},
    "render": {"findings"},
    "__init__": set(),
    "__main__": {"cli"},
}


def _package(module: str) -> str:
    """`preflight.host.bpf.syscall` -> `host`; the package itself -> `__init__`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def _imports(path: Path) -> set[str]:
    """Every preflight package the file imports, also inside functions and under TYPE_CHECKING."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == "preflight"}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a name comes from"
            if node.module == "preflight":
                found |= {
                    "preflight" if alias.name.startswith("__") else f"preflight.{alias.name}"
                    for alias in node.names
                }
            elif node.module and node.module.split(".")[0] == "preflight":
                found.add(node.module)
    return {_package(module) for module in found}


FILES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=[str(p.relative_to(ROOT)) for p in FILES])
def test_a_file_imports_only_what_its_package_may(path: Path) -> None:
    relative = path.relative_to(ROOT)
    package = relative.parts[0].removesuffix(".py")
    if package == "cli":
        return
    allowed = ALLOWED[package] | SHARED | {package, "__init__"}
    assert _imports(path) <= allowed, f"{relative} imports {sorted(_imports(path) - allowed)}"


def test_nobody_imports_the_command_line() -> None:
    guilty = [
        str(p.relative_to(ROOT))
        for p in FILES
        if p.relative_to(ROOT).parts[0] not in {"cli", "__main__.py"} and "cli" in _imports(p)
    ]
    assert guilty == []


@pytest.mark.parametrize("package", sorted(p.name for p in ROOT.iterdir() if (p / "__init__.py").exists()))
def test_every_package_says_what_it_holds(package: str) -> None:
    text = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8")))
    assert text
    assert len(text) > 40
