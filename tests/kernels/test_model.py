# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.errors import InputError
from preflight.kernels.blob import Blob
from preflight.kernels.config import Config, parse_config
from preflight.kernels.model import Contents, Identity, Kernel, symbol_lines
from tests.btfwriter import BtfWriter
from tests.kernels.builders import PACK, tiny_btf


def _kernel(**facts: object) -> Kernel:
    return Kernel(Identity("k", "little"), Contents(Blob(data=tiny_btf()), **facts))  # type: ignore[arg-type]


def test_what_is_absent_is_unknown() -> None:
    kernel = _kernel()
    assert kernel.config is None
    assert kernel.modules is None
    assert kernel.symbols is None
    assert kernel.tracepoints is None
    assert kernel.available_filter_functions is None
    assert kernel.module_btf("nf_conntrack") is None


def test_an_empty_list_is_known() -> None:
    kernel = _kernel(tracepoints=Blob(data=b""), modules={})
    assert kernel.tracepoints == frozenset()
    assert kernel.modules == frozenset()


def test_configuration_tells_unset_from_unmentioned() -> None:
    config = _kernel(
        config=Blob(data=b'CONFIG_BPF=y\n# CONFIG_KPROBES is not set\nCONFIG_V="a=b"\n#\n')
    ).config
    assert config == {"CONFIG_BPF": "y", "CONFIG_KPROBES": "n", "CONFIG_V": '"a=b"'}


def test_kept_symbols_have_no_addresses() -> None:
    assert (
        symbol_lines("ffffffff81000000 T do_exit\nffffffffc0000000 t f\t[mod]\n") == b"T do_exit\nt f [mod]\n"
    )


def test_traceable_functions_of_modules_count_by_name() -> None:
    kernel = _kernel(filter_functions=Blob(data=b"vfs_read\nnf_hook [nf_tables]\n"))
    assert kernel.available_filter_functions == {"vfs_read", "nf_hook"}


def test_module_btf_continues_the_kernels() -> None:
    base = BtfWriter()
    base.int("int")
    module = BtfWriter(base=base)
    added = module.struct("only_here", [], size=1)
    kernel = Kernel(
        Identity("k", "little"), Contents(Blob(data=base.bytes()), modules={"m": Blob(data=module.bytes())})
    )
    btf = kernel.module_btf("m")
    assert btf is not None
    assert btf.name(added) == "only_here"
    assert btf.base is kernel.btf
    assert kernel.module_btf("m") is btf


def test_facts_are_read_when_asked_for(tmp_path: Path) -> None:
    gone = Kernel(Identity("k", "little"), Contents(Blob(path=tmp_path / "gone")))
    with pytest.raises(InputError, match="cannot be read"):
        _ = gone.btf


def test_damaged_btf_names_the_kernel() -> None:
    kernel = Kernel(Identity("debian/6.1", "little"), Contents(Blob(data=tiny_btf()[:30])))
    with pytest.raises(InputError, match=r"^debian/6\.1: "):
        _ = kernel.btf


def test_travels_to_another_process_without_what_was_parsed() -> None:
    kernel = _kernel(config=Blob(data=b"CONFIG_BPF=y\n"))
    _ = kernel.btf, kernel.config
    copy = pickle.loads(pickle.dumps(kernel))
    assert set(vars(copy)) == {"identity", "contents", "provenance"}
    assert copy.btf_sha256 == kernel.btf_sha256
    assert copy.config == kernel.config


def test_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        _kernel().identity = Identity("other", "little")  # type: ignore[misc]


def test_a_packed_file_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "config.xz"
    path.write_bytes(PACK["xz"](b"CONFIG_BPF=y\n"))
    assert Blob(path=path).text() == "CONFIG_BPF=y\n"


@pytest.mark.parametrize("make", [Path.mkdir, lambda p: __import__("os").mkfifo(p)])
def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path, make: object) -> None:
    path = tmp_path / "x"
    make(path)  # type: ignore[operator]
    with pytest.raises(InputError, match=r"is a directory|is not a regular file"):
        Blob(path=path).read()


@given(st.text())
def test_any_text_is_a_configuration(text: str) -> None:
    parse_config(text)


_CONFIG = "CONFIG_KPROBES=y\n# CONFIG_KPROBES_ON_FTRACE is not set\nCONFIG_HZ=250\n# CONFIG_HZ is not set\n"


@pytest.mark.parametrize("name", ["CONFIG_KPROBES", "CONFIG_KPROBES_ON_FTRACE", "CONFIG_HZ", "CONFIG_BPF"])
def test_one_option_is_what_the_whole_configuration_says(name: str) -> None:
    kernel, whole = _kernel(config=Blob(data=_CONFIG.encode())), parse_config(_CONFIG)
    assert kernel.option(name) == whole.get(name)
    assert kernel.config == whole
    assert kernel.option(name) == whole.get(name)


def test_an_option_of_an_unknown_configuration_is_unknown() -> None:
    assert _kernel().option("CONFIG_KPROBES") is None


def test_one_option_is_asked_without_taking_the_others_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, seen = _kernel(config=Blob(data=_CONFIG.encode())), list[str]()
    monkeypatch.setattr("preflight.kernels.config.parse_config", lambda text: seen.append(text) or {})
    kernel.option("CONFIG_KPROBES")
    assert all(len(text) < len(_CONFIG) for text in seen)


_CONFIG_LINES = st.lists(
    st.sampled_from(
        [
            "CONFIG_A=y",
            "CONFIG_A=m",
            "# CONFIG_A is not set",
            "CONFIG_A_B=y",
            "CONFIG_A_B=CONFIG_A=y",
            'CONFIG_S="a b"',
            "# CONFIG_A_B is not set",
            " CONFIG_A=y",
            "CONFIG_A",
            "# CONFIG_A is not set.",
            "CONFIG_=",
            "#",
            "",
            "a\x0bCONFIG_A=2",
        ]
    )
)


@given(
    _CONFIG_LINES,
    st.sampled_from(["\n", "\r\n", "\r", "\u2028"]),
    st.lists(st.sampled_from(["CONFIG_A", "CONFIG_A_B", "CONFIG_S", "CONFIG_", "A", "", "\n", "CONFIG_A\n"])),
)
def test_an_option_looked_up_is_the_one_all_lines_give(lines: list[str], end: str, asked: list[str]) -> None:
    text = end.join(lines)
    config, options = Config(text), parse_config(text)
    assert [config.get(option) for option in asked] == [options.get(option) for option in asked]
    assert config == options


@pytest.mark.parametrize("option", ["\n", "\nCONFIG_B", "CONFIG_A=y\n", "\n\n"])
def test_a_name_with_the_end_of_a_line_is_no_option(option: str) -> None:
    assert Config("CONFIG_A=y\n\nCONFIG_B=y\n").get(option) is None


def test_many_options_are_looked_up_in_lines_taken_apart() -> None:
    config = Config("\n".join(f"CONFIG_{n}={n}" for n in range(100)))
    assert [config.get(f"CONFIG_{n}") for n in range(200)] == [*map(str, range(100)), *[None] * 100]
