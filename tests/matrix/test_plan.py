# SPDX-License-Identifier: Apache-2.0
"""Sets in TOML: what they may say, and one clear error for everything else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.cli.matrix_run import Request, run
from preflight.errors import InputError, PreflightError, UsageError
from preflight.kernels.store import Store
from preflight.matrix.plan import hosts_of, join, locate, read_set
from preflight.matrix.run import on_this_machine


def _set(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "made.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_relative_paths_are_from_the_set_and_names_are_names(tmp_path: Path) -> None:
    path = _set(
        tmp_path, 'objects = ["./one.bpf.o", "opensnoop", "tracers:execs"]\nkernels = ["debian/6.*"]\n'
    )
    wanted = read_set(str(path))
    assert wanted.objects == (str(tmp_path / "one.bpf.o"), "opensnoop", "tracers:execs")
    assert wanted.kernels == ("debian/6.*",)
    assert (wanted.name, len(wanted.digest)) == ("made", 64)


@pytest.mark.parametrize(
    "text",
    ["objects = 3", "objects = [3]", "kernels = ['']", "judge = 'best'", "hosts = 3", "[hosts]\na = -1",
     "[hosts]\na = true", "unheard = 1", "needs = 1", "objects = [", "\x00", f"{'a.' * 20_000}b = 1"],
)  # fmt: skip
def test_what_is_no_set_is_one_clear_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"made\.toml"):
        read_set(str(_set(tmp_path, text)))


@given(st.binary(max_size=300))
def test_any_file_is_a_set_or_an_input_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("set") / "any.toml"
    path.write_bytes(data)
    try:
        read_set(str(path))
    except InputError as error:
        assert "any.toml" in str(error)


def test_a_set_by_name_is_in_matrices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "matrices").mkdir()
    (tmp_path / "matrices" / "few.toml").write_text('kernels = ["host"]', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert read_set("few").kernels == ("host",)


@pytest.mark.parametrize(
    "text", ["", 'objects = ["./gone.bpf.o"]', 'objects = ["tool"]\n[builds]\naarch64 = "./gone"']
)
@pytest.mark.parametrize("needs", ["", "`make agent`"])
def test_what_a_set_misses_is_named_with_the_command_that_makes_it(
    tmp_path: Path, text: str, needs: str
) -> None:
    wanted = read_set(str(_set(tmp_path, f'needs = "{needs}"\n{text}')))
    with pytest.raises(PreflightError) as raised:
        run(Request(wanted, str(tmp_path), 0, "never", "ok"), on_this_machine(0))
    assert ("The set made needs `make agent`" in str(raised.value)) == bool(needs)


def test_a_set_that_is_nowhere_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="nowhere"):
        read_set("nowhere")


def test_the_command_line_adds_to_a_set(tmp_path: Path) -> None:
    one = read_set(str(_set(tmp_path, 'objects = ["a"]\njudge = "as-is"')))
    both = join(one, read_set(str(_set(tmp_path, 'objects = ["b"]'))))
    assert (both.objects, both.judge) == (("a", "b"), "as-is")


def test_hosts_are_counted_by_name_before_pattern() -> None:
    hosts = {"a/*": 3, "a/one": 5}
    assert [hosts_of(name, hosts) for name in ("a/one", "a/two", "b")] == [5, 3, None]


def test_kernels_are_located_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "nonsense"
    path.write_bytes(b"nothing of a kernel")
    (found,) = locate([str(path), str(path)], Store(tmp_path / "store"))
    assert (found.name, found.ref) == (str(path), str(path))
