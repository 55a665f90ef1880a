# SPDX-License-Identifier: Apache-2.0
"""Against the host's real mirror. One cloud kernel is about 14 MB."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from preflight.kernels import Store, fetch_debian
from preflight.kernels.aptroot import AptError, host_sources, newer_keyring
from preflight.kernels.fetch_debian import Request, builds, fetch, open_suite, select

OLD_KEY = Path("/usr/share/keyrings/debian-archive-bookworm-stable.gpg")

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(shutil.which("apt-get") is None, reason="this host has no apt"),
]


def test_a_cloud_kernel_arrives(tmp_path: Path, store: Store) -> None:
    root = open_suite("trixie-backports", "amd64", cache=tmp_path / "apt")
    request = Request("trixie-backports", "amd64", ("cloud-amd64",))
    (build,) = select(builds(root.packages("linux-")), request)
    outcome = fetch(root, build, store, request)
    assert outcome.state == "added", outcome.detail
    assert store.verify(build.name) == []
    assert store.get(build.name).btf.ids_by_name("task_struct")
    assert fetch(root, build, store, request).state == "present"


@pytest.mark.skipif(not OLD_KEY.exists(), reason="this host has no keyring with one key alone")
def test_a_suite_signed_by_a_younger_key_is_verified_through_the_hosts_suites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that knows one old key only: the keyring its own suite carries vouches for the next suite."""
    sources = [replace(s, signed_by=str(OLD_KEY)) for s in host_sources() if s.suite == "bookworm"]
    monkeypatch.setattr(fetch_debian, "host_sources", lambda: sources)
    said: list[str] = []
    root = open_suite("experimental", "amd64", cache=tmp_path / "apt", say=said.append)
    assert "a key that this host's keyring lacks" in said[0]
    assert str(tmp_path) in (root.signed_by or "")


def test_a_suite_whose_key_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    stranger = tmp_path / "empty.gpg"
    stranger.write_bytes(b"")
    with pytest.raises(AptError):
        open_suite("trixie", "amd64", cache=tmp_path / "apt", keyring=stranger)


def test_the_hosts_suites_carry_the_current_keyring(tmp_path: Path) -> None:
    keyring = newer_keyring(host_sources(), "amd64", tmp_path)
    assert keyring.stat().st_size > 1000
