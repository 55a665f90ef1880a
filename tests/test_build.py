# SPDX-License-Identifier: Apache-2.0
"""Compiling the BPF programs, the build hook, and finding the objects again."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from preflight import bpf_objects
from preflight.errors import InstrumentError
from preflight.host.surface_data import feature_entries, surface_entries
from tools.compile_native import MODULES
from tools.compile_native import compiler as native_compiler

ROOT = Path(__file__).resolve().parent.parent
PROBES = ROOT / "bpf" / "probes"
CLANGS = ("clang", "clang-19")
#: What native/ becomes, where a C compiler is.
LOOPS = {str(built.relative_to(ROOT)) for built in MODULES.values()}
needs_c_compiler = pytest.mark.skipif(
    native_compiler() is None or not Path(sysconfig.get_path("include"), "Python.h").is_file(),
    reason="no C compiler or no Python.h on this machine: the loops cannot be compiled",
)

PLAIN = """\
// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "shared.h"

SEC("socket")
int plain(struct __sk_buff *skb)
{
	return SHARED;
}
"""
REGISTERS = """\
// build: per-arch
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("kprobe")
int registers(void *ctx)
{
	return 0;
}
"""


def _module(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


compiler = _module(ROOT / "tools" / "compile_bpf.py", "compile_bpf_under_test")


@pytest.fixture(scope="module")
def tools() -> Any:
    try:
        return compiler.find_toolchain()
    except compiler.BuildError as error:
        pytest.skip(f"no compiler for BPF on this machine: {str(error)[:80]}")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return _project(tmp_path / "project")


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory, tools: Any) -> Path:
    """A project built once; what is built does not depend on the place, so tests take copies."""
    root = _project(tmp_path_factory.mktemp("master") / "project")
    assert len(compiler.build(root, root / "out", tools)["rebuilt"]) == 7
    return root


@pytest.fixture
def ready(master: Path, tmp_path: Path) -> Path:
    """A copy of a project with its objects in `out`."""
    return Path(shutil.copytree(master, tmp_path / "ready"))


def _project(root: Path) -> Path:
    (root / "bpf" / "include").mkdir(parents=True)
    (root / "bpf" / "probes").mkdir()
    (root / "bpf" / "include" / "shared.h").write_text("#define SHARED 1\n")
    (root / "bpf" / "probes" / "plain.bpf.c").write_text(PLAIN)
    (root / "bpf" / "probes" / "registers.bpf.c").write_text(REGISTERS)
    return root


# --- what is built


def test_a_plain_source_gives_one_object_per_byte_order(project: Path) -> None:
    outputs = [unit.output for unit in compiler.units(project) if "plain" in unit.source]
    assert outputs == ["probes/bpfel/plain.bpf.o", "probes/bpfeb/plain.bpf.o"]


def test_a_source_that_reads_registers_gives_one_object_per_machine(project: Path) -> None:
    found = {u.arch: u.output for u in compiler.units(project) if "registers" in u.source}
    assert set(found) == set(compiler.ARCHES)
    assert found["x86"] == "probes/bpfel/registers.x86.bpf.o"
    assert found["s390"] == "probes/bpfeb/registers.s390.bpf.o"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("// build: per-arch\n", ("per-arch",)),
        ("// SPDX\n// build: cpu=v3 bpfel-only\n", ("cpu=v3", "bpfel-only")),
        ("/* build: per-arch */\n", ("per-arch",)),
        ("int build: 1;\n", ()),
        ("\n" * 30 + "// build: per-arch\n", ()),
    ],
)
def test_directives(text: str, words: tuple[str, ...]) -> None:
    assert compiler.directives(text) == words


@pytest.mark.parametrize("words", ["per-arhc", "cpu=v9"])
def test_an_unknown_build_word_is_an_error_that_names_the_source(project: Path, words: str) -> None:
    (project / "bpf" / "probes" / "plain.bpf.c").write_text(f"// build: {words}\n")
    with pytest.raises(compiler.BuildError, match=r"bpf/probes/plain\.bpf\.c"):
        compiler.units(project)


def test_the_machines_are_those_the_header_and_the_finder_know() -> None:
    header = (ROOT / "bpf" / "include" / "regs.h").read_text()
    for arch in compiler.ARCHES:
        assert f"__TARGET_ARCH_{arch})" in header
    assert set(bpf_objects.ARCHES.values()) == set(compiler.ARCHES)


# --- what is missing


def test_without_clang_the_error_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(compiler.BuildError) as caught:
        compiler.find_toolchain({"PATH": str(tmp_path)})
    assert "clang was not found" in str(caught.value)
    assert "apt-get install clang" in str(caught.value)


def test_the_environment_names_another_clang(tmp_path: Path) -> None:
    with pytest.raises(compiler.BuildError, match="clang-99 was not found"):
        compiler.find_toolchain({"PATH": str(tmp_path), "PREFLIGHT_CLANG": "clang-99"})


def test_another_program_is_not_taken_for_clang() -> None:
    with pytest.raises(compiler.BuildError, match="does not behave like clang"):
        compiler.find_toolchain({"PATH": os.environ["PATH"], "PREFLIGHT_CLANG": "true"})


def test_without_libbpf_headers_the_error_names_the_header(
    monkeypatch: pytest.MonkeyPatch, tools: Any
) -> None:
    monkeypatch.setattr(compiler, "_system_includes", lambda clang: ("/nowhere",))
    with pytest.raises(compiler.BuildError, match=r"bpf/bpf_helpers\.h was not found .*libbpf-dev"):
        compiler.find_toolchain()


def test_a_source_that_does_not_compile_shows_what_clang_said(
    project: Path, tmp_path: Path, tools: Any
) -> None:
    (project / "bpf" / "probes" / "plain.bpf.c").write_text("int f(void) { int unused; return 0; }\n")
    with pytest.raises(compiler.BuildError) as caught:
        compiler.build(project, tmp_path / "out", tools)
    assert "plain.bpf.c" in str(caught.value)
    assert "unused" in str(caught.value)
    assert not list((tmp_path / "out").rglob("*.o.tmp"))
    assert not (tmp_path / "out" / "manifest.json").exists()


# --- building


def test_the_manifest_describes_what_was_built(ready: Path) -> None:
    out = ready / "out"
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["schema_version"] == compiler.SCHEMA_VERSION
    assert "clang" in manifest["compiler"]
    assert manifest["flags"] == list(compiler.FLAGS)
    for entry in manifest["objects"]:
        content = (out / entry["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
        assert len(content) == entry["size"]


def test_a_second_build_compiles_nothing(ready: Path, tools: Any) -> None:
    assert compiler.build(ready, ready / "out", tools)["rebuilt"] == []


def _edit_source(project: Path, out: Path) -> None:
    source = project / "bpf" / "probes" / "plain.bpf.c"
    source.write_text(source.read_text().replace("return SHARED", "return SHARED + 1"))


def _edit_header(project: Path, out: Path) -> None:
    (project / "bpf" / "include" / "shared.h").write_text("#define SHARED 2\n")


def _damage_object(project: Path, out: Path) -> None:
    (out / "probes" / "bpfel" / "plain.bpf.o").write_bytes(b"damaged")


def _lose_manifest(project: Path, out: Path) -> None:
    (out / "manifest.json").write_text("{")


@pytest.mark.parametrize(
    ("change", "rebuilt"), [(_edit_source, 2), (_edit_header, 7), (_damage_object, 1), (_lose_manifest, 7)]
)
def test_what_changed_is_built_again(
    ready: Path, tools: Any, change: Callable[[Path, Path], None], rebuilt: int
) -> None:
    change(ready, ready / "out")
    assert len(compiler.build(ready, ready / "out", tools)["rebuilt"]) == rebuilt


def test_an_object_without_a_source_is_removed(ready: Path, tools: Any) -> None:
    (ready / "bpf" / "probes" / "plain.bpf.c").unlink()
    compiler.build(ready, ready / "out", tools)
    assert not list((ready / "out").rglob("plain*"))


def test_the_result_does_not_depend_on_where_the_project_lies(
    master: Path, tmp_path: Path, tools: Any
) -> None:
    root = _project(tmp_path / "a" / "much" / "longer" / "canary-there")
    compiler.build(root, root / "out", tools)
    outs = [
        {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()}
        for out in (master / "out", root / "out")
    ]
    assert outs[0] == outs[1]
    assert all(b"canary" not in content for content in outs[1].values())


# --- the probes themselves


@pytest.fixture(scope="module", params=CLANGS)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All probes, built with one compiler."""
    clang = request.param
    if shutil.which(clang) is None:
        pytest.skip(f"{clang} is not installed")
    root = tmp_path_factory.mktemp(clang) / "project"
    (root / "bpf").mkdir(parents=True)
    for folder in ("include", "probes"):
        shutil.copytree(ROOT / "bpf" / folder, root / "bpf" / folder)
    try:
        found = compiler.find_toolchain({**os.environ, "PREFLIGHT_CLANG": clang})
    except compiler.BuildError as error:
        pytest.skip(f"{clang} cannot build BPF here: {str(error)[:80]}")
    out = root / "out"
    if (ROOT / "preflight" / "_bpf").is_dir():
        # What `make build` compiled with the same compiler need not be compiled again.
        shutil.copytree(ROOT / "preflight" / "_bpf", out)
    compiler.build(root, out, found)
    return out


def test_all_probes_compile_without_a_warning_and_keep_their_btf(built: Path) -> None:
    manifest = json.loads((built / "manifest.json").read_text())
    assert {Path(e["source"]).name for e in manifest["objects"]} == {p.name for p in PROBES.glob("*.bpf.c")}
    for entry in manifest["objects"]:
        elf = ELFFile(io.BytesIO((built / entry["path"]).read_bytes()))
        names = {section.name for section in elf.iter_sections()}
        assert elf.header.e_machine == "EM_BPF"
        assert elf.little_endian == (entry["target"] == "bpfel")
        assert {".BTF", ".BTF.ext", "license"} <= names
        assert not manifest["stripped"] or not {name for name in names if name.startswith(".debug_")}


def test_every_probe_is_described_and_every_description_has_a_probe() -> None:
    described = tomllib.loads((PROBES / "probes.toml").read_text())
    assert set(described) == {path.name.removesuffix(".bpf.c") for path in PROBES.glob("*.bpf.c")}


def test_descriptions_follow_their_schema() -> None:
    for name, probe in tomllib.loads((PROBES / "probes.toml").read_text()).items():
        assert set(probe) <= {"kind", "answers", "asks", "target", "needs"}, name
        assert probe["kind"] in ("surface", "feature"), name
        assert len(probe["asks"]) > 10, name
        if probe["kind"] == "surface":
            assert probe["answers"] in surface_entries(), name
            assert probe["target"], name
            assert probe["needs"], name
        else:
            assert probe["answers"] == name
            assert probe["answers"] in feature_entries(), name


def test_every_surface_and_every_feature_has_a_probe() -> None:
    described = tomllib.loads((PROBES / "probes.toml").read_text()).values()
    answered = {(probe["kind"], probe["answers"]) for probe in described}
    assert answered == {("surface", name) for name in surface_entries()} | {
        ("feature", name) for name in feature_entries()
    }


@pytest.mark.parametrize("path", sorted(PROBES.glob("*.bpf.c")), ids=lambda path: path.name)
def test_a_probe_names_its_licence(path: Path) -> None:
    text = path.read_text()
    assert text.startswith("// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause\n")
    assert '#include "license.h"' in text


# --- finding objects


def test_the_finder_takes_the_object_of_the_machine(monkeypatch: pytest.MonkeyPatch, built: Path) -> None:
    monkeypatch.setattr(bpf_objects, "root", lambda: built)
    assert bpf_objects.find("probes", "kprobe", machine="aarch64").name == "kprobe.arm64.bpf.o"
    assert bpf_objects.find("probes", "xdp", byteorder="big").parent.name == "bpfeb"
    with pytest.raises(InstrumentError, match="no BPF object probes/kprobe for sparc64"):
        bpf_objects.find("probes", "kprobe", machine="sparc64")
    with pytest.raises(InstrumentError, match="no BPF object probes/nothing"):
        bpf_objects.find("probes", "nothing")
    assert {file.folder for file in bpf_objects.objects()} == {"probes"}


def test_absent_objects_are_one_line_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bpf_objects, "root", lambda: tmp_path)
    with pytest.raises(InstrumentError, match="make build") as caught:
        bpf_objects.find("probes", "kprobe")
    assert "\n" not in str(caught.value)


# --- the hook


class _App:
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def display_warning(self, text: str) -> None:
        self.warnings.append(text)

    def display_info(self, text: str) -> None:
        pass


def _hook(root: Path) -> tuple[Any, _App]:
    pytest.importorskip("hatchling", reason="the build backend is not installed")
    (root / "tools").mkdir(exist_ok=True)
    for name in ("compile_bpf.py", "compile_native.py"):
        shutil.copy2(ROOT / "tools" / name, root / "tools")
    hook = _module(ROOT / "hatch_build.py", "hatch_build_under_test").BpfBuildHook.__new__(
        sys.modules["hatch_build_under_test"].BpfBuildHook
    )
    app = _App()
    # The names that hatchling's constructor fills in.
    for name, value in {"_BuildHookInterface__root": str(root), "_BuildHookInterface__app": app}.items():
        setattr(hook, name, value)
    return hook, app


@pytest.mark.parametrize("version", ["standard", "editable"])
def test_the_hook_refuses_to_build_without_clang(
    project: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setenv("PREFLIGHT_CLANG", "/nonexistent/clang")
    hook, _ = _hook(project)
    with pytest.raises(RuntimeError, match="apt-get install clang"):
        hook.initialize(version, {})


def test_an_editable_install_keeps_objects_that_are_there(
    ready: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ready / "out", ready / "preflight" / "_bpf")
    monkeypatch.setenv("PREFLIGHT_CLANG", "/nonexistent/clang")
    monkeypatch.setenv("PREFLIGHT_NATIVE", "no")
    hook, app = _hook(ready)
    hook.initialize("editable", {})
    assert "stay as they are" in app.warnings[0]
    with pytest.raises(RuntimeError):
        hook.initialize("standard", {})


# --- the compiled loops in the hook


@pytest.fixture
def sources(ready: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose BPF objects are up to date, with the sources of the loops and their places."""
    shutil.copytree(ready / "out", ready / "preflight" / "_bpf")
    shutil.copytree(ROOT / "native", ready / "native")
    for package in ("btf", "kernels", "bytecode"):
        (ready / "preflight" / package).mkdir()
    for name in ("CC", "PREFLIGHT_NATIVE"):
        monkeypatch.delenv(name, raising=False)
    return ready


def _program(folder: Path, text: str) -> str:
    """A program of its own in the place of a compiler."""
    path = folder / "own-compiler"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: Any) -> None:
    """A PATH with the compiler for BPF and none for C."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("clang", "llvm-strip"):
        if found := shutil.which(name):
            (folder / name).symlink_to(Path(found).resolve())
    monkeypatch.setenv("PATH", str(folder))


def _initialized(root: Path, version: str = "standard") -> tuple[dict[str, Any], list[str]]:
    """What the hook asks of hatchling, and its warnings."""
    hook, app = _hook(root)
    build_data: dict[str, Any] = {"pure_python": True, "force_include": {}}
    hook.initialize(version, build_data)
    for compiled in build_data["force_include"]:
        assert Path(compiled).read_bytes().startswith(b"\x7fELF")
    hook.finalize(version, build_data, "")
    assert not any(Path(compiled).exists() for compiled in build_data["force_include"])
    return build_data, app.warnings


def _is_for_every_machine(build_data: dict[str, Any]) -> bool:
    return build_data == {"pure_python": True, "force_include": {}}


@needs_c_compiler
def test_loops_make_a_wheel_for_this_machine_and_every_python_they_were_written_for(sources: Path) -> None:
    build_data, warnings = _initialized(sources)
    assert re.fullmatch(r"cp311-abi3-linux_\w+", build_data["tag"])
    assert not build_data["pure_python"]
    assert set(build_data["force_include"].values()) == LOOPS
    assert not warnings
    assert not list((sources / "preflight").rglob("*.so"))


def test_without_a_c_compiler_the_wheel_is_for_every_machine(sources: Path, no_compiler: None) -> None:
    build_data, (warning,) = _initialized(sources)
    assert _is_for_every_machine(build_data)
    assert "no C compiler" in warning


def test_loops_can_be_left_out(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFLIGHT_NATIVE", "no")
    build_data, (warning,) = _initialized(sources)
    assert _is_for_every_machine(build_data)
    assert "PREFLIGHT_NATIVE=no" in warning


def test_loops_can_be_required(sources: Path, no_compiler: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFLIGHT_NATIVE", "required")
    with pytest.raises(RuntimeError, match=r"no C compiler\. .*apt-get install gcc"):
        _initialized(sources)


def test_another_word_about_the_loops_is_refused(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFLIGHT_NATIVE", "yes")
    with pytest.raises(RuntimeError, match="'yes'; it may be no or required"):
        _initialized(sources)


@needs_c_compiler
@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("exit 3", "ended with 3"),
        ("echo no such header >&2; exit 1", "no such header"),
        # As a compiler for another machine: all is well but for what it wrote.
        (
            'while [ "$1" != -o ]; do shift; done; echo another machine > "$2"',
            "_quick.abi3.so: file too short",
        ),
    ],
)
def test_a_compiler_that_does_not_do_leaves_the_loops_out(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, said: str
) -> None:
    monkeypatch.setenv("CC", _program(tmp_path, does))
    build_data, (warning,) = _initialized(sources)
    assert _is_for_every_machine(build_data)
    assert said in warning


@needs_c_compiler
@pytest.mark.parametrize(("version", "tagged"), [("standard", True), ("editable", False)])
def test_a_warning_of_the_compiler_is_an_error_in_a_clone_alone(
    sources: Path, version: str, tagged: bool
) -> None:
    with (sources / "native" / "insn_quick.c").open("a") as file:
        file.write("\nstatic int unused;\n")
    build_data, warnings = _initialized(sources, version)
    assert ("tag" in build_data) == tagged
    assert tagged or "unused" in warnings[0]


@needs_c_compiler
def test_an_editable_install_compiles_beside_the_modules_and_only_what_is_older(sources: Path) -> None:
    build_data, _ = _initialized(sources, "editable")
    built = {str(path.relative_to(sources)): path.stat().st_mtime_ns for path in sources.rglob("*.abi3.so")}
    assert set(built) == LOOPS
    assert _is_for_every_machine(build_data)

    os.utime(sources / "native" / "insn_quick.c", ns=(later := max(built.values()) + 1_000_000_000, later))
    _initialized(sources, "editable")
    again = {name for name, at in built.items() if (sources / name).stat().st_mtime_ns != at}
    assert again == {"preflight/bytecode/_insn.abi3.so"}


# --- the wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, tools: Any) -> Path:
    """The wheel of this tree, made once."""
    pytest.importorskip("hatchling", reason="the build backend is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in ("CC", "PREFLIGHT_NATIVE")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (made,) = folder.glob("*.whl")
    return made


def test_the_wheel_carries_the_objects(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        manifest = json.loads(archive.read("preflight/_bpf/manifest.json"))
        for entry in manifest["objects"]:
            content = archive.read(f"preflight/_bpf/{entry['path']}")
            assert hashlib.sha256(content).hexdigest() == entry["sha256"]
            assert str(ROOT).encode() not in content
    assert {Path(e["source"]).parent.name for e in manifest["objects"]} >= {"probes"}


@needs_c_compiler
def test_the_wheel_says_of_the_loops_it_carries_where_they_run(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if name.endswith(".so")}
        (about,) = [archive.read(name) for name in archive.namelist() if name.endswith("/WHEEL")]
        assert names == LOOPS
        assert not any(str(ROOT).encode() in archive.read(name) for name in names)
    tag = re.fullmatch(r"bpf_preflight-[^-]+-(cp311-abi3-linux_\w+)\.whl", wheel.name)
    assert tag is not None
    assert f"\nTag: {tag[1]}\n".encode() in about
    assert b"\nRoot-Is-Purelib: false\n" in about


@needs_c_compiler
def test_what_the_wheel_installs_uses_its_loops_and_answers_alike_without(
    wheel: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "with")
    without = shutil.copytree(tmp_path / "with", tmp_path / "without", ignore=shutil.ignore_patterns("*.so"))

    compiled, by_python = _answer(tmp_path / "with"), _answer(without)

    assert compiled.pop("loops") == [str(tmp_path / "with" / name) for name in sorted(LOOPS)]
    assert by_python.pop("loops") == []
    assert compiled["results"]
    assert compiled == by_python


def _answer(site: Path) -> dict[str, Any]:
    """The result of `core` by what lies in `site`, without its time, and the loops that it had."""
    script = """
import atexit, sys
from preflight.__main__ import main
def tell():
    from preflight.btf import quick
    from preflight.bytecode import insn
    from preflight.kernels import symbols
    print("\\n".join(m.native.__file__ for m in (quick, insn, symbols) if m.native), file=sys.stderr)
atexit.register(tell)
main()
"""
    probe = ROOT / "preflight" / "_bpf" / "probes" / "bpfel" / "kprobe.x86.bpf.o"
    kernel = ROOT / "fixtures" / "btf" / "debian" / "6.1.0-50-amd64"
    words = ["core", str(probe), "--kernel", str(kernel), "--format", "json"]
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, *words],
        cwd=site,
        env={**os.environ, "PYTHONPATH": str(site), "XDG_CACHE_HOME": str(site / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr[-2000:]
    result: dict[str, Any] = json.loads(done.stdout)
    del result["generated_at"]
    return result | {"loops": sorted(line for line in done.stderr.splitlines() if line.endswith(".so"))}


def test_the_sources_have_what_compiles_the_loops_and_nothing_compiled() -> None:
    pytest.importorskip("hatchling", reason="the build backend is not installed")
    from hatchling.builders.sdist import SdistBuilder

    names = {file.distribution_path for file in SdistBuilder(str(ROOT)).recurse_included_files()}
    assert names >= {f"native/{path.name}" for path in (ROOT / "native").iterdir()}
    assert names >= {"hatch_build.py", "tools/compile_native.py", "tools/compile_bpf.py"}
    assert not {name for name in names if name.endswith((".so", ".pyc"))}
