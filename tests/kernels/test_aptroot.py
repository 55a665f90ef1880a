# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.errors import InstrumentError, UsageError
from preflight.kernels import aptroot
from preflight.kernels.aptroot import AptRoot, Source, mirrors_for, parse_deb822, parse_list
from preflight.kernels.fetch_debian import compare_versions


def test_one_line_sources() -> None:
    text = """
# deb http://commented/ x main
deb http://one/debian trixie main contrib   # comment
deb [arch=amd64 signed-by=/k.gpg] https://two/debian trixie-security main
deb-src http://one/debian trixie main
deb cdrom:[Debian]/ trixie main
"""
    assert parse_list(text)[:2] == [
        Source("http://one/debian", "trixie", ("main", "contrib")),
        Source("https://two/debian", "trixie-security", ("main",), "/k.gpg"),
    ]


def test_deb822_sources_with_an_embedded_key() -> None:
    text = """# a comment
Types: deb deb-src
URIs: http://one/debian
Suites: trixie trixie-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
Enabled: no
URIs: http://off/
Suites: x
Components: main

Types: deb-src
URIs: http://src/
Suites: x
Components: main
"""
    key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQINBF\n-----END PGP PUBLIC KEY BLOCK-----"
    assert parse_deb822(text) == [
        Source("http://one/debian", "trixie", ("main",), key),
        Source("http://one/debian", "trixie-updates", ("main",), key),
    ]


@given(st.text())
def test_any_text_is_a_source_file(text: str) -> None:
    parse_list(text)
    parse_deb822(text)


HOST = [
    Source("http://m/debian", "bookworm", ("main",), "/k"),
    Source("http://m/debian", "bookworm-updates", ("main",), "/k"),
    Source("http://m/debian-security", "bookworm-security", ("main",), "/k"),
    Source("https://vendor/repo", "bookworm", ("main",), "/v"),
    Source("https://other/repo", "nodistro", ("stuff",)),
]


def test_another_suite_comes_from_the_archives_mirror_first() -> None:
    assert [s.uri for s in mirrors_for("trixie", HOST)] == ["http://m/debian", "https://vendor/repo"]


def test_a_security_suite_comes_from_the_security_mirror_only() -> None:
    assert [s.uri for s in mirrors_for("trixie-security", HOST)] == ["http://m/debian-security"]


def test_a_suite_the_host_has_keeps_its_own_key() -> None:
    sources = [*HOST, Source("http://m/debian", "sid", ("main",), "/sid-key")]
    assert mirrors_for("sid", sources)[0].signed_by == "/sid-key"


@pytest.mark.parametrize(
    ("uri", "suite", "arch"),
    [
        ("http://m/debian", "trixie main\ndeb [trusted=yes] http://evil/ x", "amd64"),
        ("http://m/debian [trusted=yes]", "trixie", "amd64"),
        ("m/debian", "trixie", "amd64"),
        ("http://m/debian", "-o", "amd64"),
        ("http://m/debian", "trixie", "amd64 trusted=yes"),
    ],
)
def test_nothing_can_be_smuggled_into_the_source_line(
    tmp_path: Path, uri: str, suite: str, arch: str
) -> None:
    with pytest.raises(UsageError, match="cannot be a"):
        AptRoot(tmp_path, uri, suite, arch)


def test_a_folder_that_would_break_out_of_the_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="folder of this name"):
        AptRoot(tmp_path / 'x"; APT::Get::AllowUnauthenticated "true', "http://m/", "x", "amd64")


@pytest.fixture
def host_dump(monkeypatch: pytest.MonkeyPatch) -> None:
    dump = """Acquire::http::Proxy "http://proxy:3128";
Acquire::Retries "5";
Acquire::AllowInsecureRepositories "1";
APT::Get::AllowUnauthenticated "1";
APT::Update::Post-Invoke:: "rm -rf /";
"""
    monkeypatch.setattr(aptroot, "_run", lambda *_, **__: dump)


@pytest.mark.usefixtures("host_dump")
def test_the_hosts_network_settings_are_taken_and_its_laxness_and_hooks_are_not(tmp_path: Path) -> None:
    AptRoot(tmp_path, "http://m/debian", "trixie", "amd64").update()
    text = (tmp_path / "etc" / "apt.conf").read_text()
    assert 'Acquire::http::Proxy "http://proxy:3128";' in text
    assert 'Acquire::Retries "5";' in text
    assert 'Acquire::AllowInsecureRepositories "false";' in text
    assert '"1"' not in text
    assert "Post-Invoke" not in text


@pytest.mark.usefixtures("host_dump")
def test_an_embedded_key_becomes_a_file(tmp_path: Path) -> None:
    key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nx\n-----END PGP PUBLIC KEY BLOCK-----"
    AptRoot(tmp_path, "http://m/debian", "trixie", "amd64", key).update()
    source = (tmp_path / "etc" / "sources.list").read_text()
    assert source == f"deb [arch=amd64 signed-by={tmp_path}/etc/signed-by.asc] http://m/debian trixie main\n"
    assert (tmp_path / "etc" / "signed-by.asc").read_text() == key + "\n"


def test_a_host_without_apt_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(InstrumentError, match="apt-config is not installed"):
        aptroot.host_sources()


def test_apts_own_words_are_given_with_the_missing_key_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "apt-get"
    tool.write_text(
        "#!/bin/sh\necho 'E: The repository is not signed.' >&2\n"
        "echo 'W: GPG error: NO_PUBKEY 0E98404D386FA1D9' >&2\nexit 100\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(aptroot.AptError, match="NO_PUBKEY") as caught:
        aptroot._run(["apt-get", "update"])
    assert caught.value.missing_keys


def test_an_interrupt_ends_what_apt_started_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its children download; they must not go on writing when the run is over."""
    tool, child = tmp_path / "apt-get", tmp_path / "child"
    tool.write_text(f"#!/bin/sh\nsleep 300 &\necho $! > {child}.new && mv {child}.new {child}\nwait\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def interrupted(process: subprocess.Popen[bytes], **_: object) -> tuple[bytes, bytes]:
        while not child.exists():
            assert process.poll() is None
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        aptroot._run(["apt-get", "update"])
    state = Path(f"/proc/{child.read_text().strip()}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] in "ZX"


# --- versions


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        ("6.1.9-1", "6.1.10-1"),
        ("7.3~rc7-1~exp1", "7.3-1"),
        ("6.12.90-1", "6.12.90-2"),
        ("6.12.117-1~deb12u1", "6.12.117-1"),
        ("9.0-1", "1:1.0-1"),
        ("6.1", "6.1.1"),
    ],
)
def test_versions_are_ordered_as_debian_orders_them(smaller: str, larger: str) -> None:
    assert compare_versions(smaller, larger) < 0 < compare_versions(larger, smaller)
    assert compare_versions(larger, larger) == 0


_VERSION = st.from_regex(r"\A([0-9]:)?[0-9][0-9a-z.+~]{0,6}(-[0-9a-z.+~]{1,4})?\Z")


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is not installed")
@given(_VERSION, _VERSION)
@settings(max_examples=60, deadline=None)
def test_versions_agree_with_dpkg(one: str, other: str) -> None:
    order = compare_versions(one, other)
    relation = "lt" if order < 0 else "gt" if order else "eq"
    assert subprocess.run(["dpkg", "--compare-versions", one, relation, other], check=False).returncode == 0
