# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from preflight.cli.kernels import app
from preflight.errors import PreflightError
from preflight.kernels import Store, fetch_debian
from preflight.kernels.aptroot import AptError
from preflight.kernels.blob import Blob
from preflight.kernels.model import Kernel, Provenance
from tests.kernels.builders import PACK, RELEASE, bzimage, tiny_btf, vmlinux
from tests.kernels.test_facts_file import document
from tests.kernels.test_fetch_debian import FakeRoot, root
from tests.kernels.test_store import make_kernel

__all__ = ("root",)


class Done:
    """A finished command: its exit code and standard output."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = text

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def run(*arguments: str | Path) -> Done:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if isinstance(result.exception, PreflightError):
        return Done(result.exception.exit_code, str(result.exception))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout)


def test_list_shows_each_kernel(store: Store) -> None:
    store.add(make_kernel("debian/6.1"))
    done = run("list", "--store", store.root)
    assert "debian/6.1" in done.text
    assert run("list", "6.12*", "--store", store.root, "--format", "json").json["results"] == []


def test_list_of_an_empty_catalogue_is_fine(store: Store) -> None:
    done = run("list", "--store", store.root)
    assert (done.code, "is empty" in done.text) == (0, True)
    assert "kernels fetch debian" in done.text


def test_list_of_a_pattern_that_nothing_matches_does_not_call_the_catalogue_empty(store: Store) -> None:
    store.add(make_kernel("debian/6.1"))
    done = run("list", "6.12*", "--store", store.root)
    assert (done.code, "matches '6.12*'" in done.text, "is empty" in done.text) == (2, True, False)


def test_json_has_the_contracts_envelope(store: Store) -> None:
    store.add(make_kernel("debian/6.1"))
    result = run("list", "--store", store.root, "--format", "json").json
    assert {"schema_version", "tool", "command", "summary", "results"} <= set(result)
    assert result["results"][0]["known"]["modules"] is None


def test_show_tells_the_unknown(store: Store) -> None:
    store.add(make_kernel("debian/6.1"))
    done = run("show", "debian/6.1", "--store", store.root)
    assert "config options unknown" in done.text
    assert "x.deb" in done.text
    result = run("show", "debian/6.1", "--store", store.root, "--format", "json").json["results"][0]
    assert result["counts"]["symbols"] is None
    assert result["btf_types"] == 5


def test_show_of_nothing_is_a_usage_error(store: Store) -> None:
    assert run("show", "debian/9", "--store", store.root).code == 2


def test_add_names_the_kernel_after_its_release(store: Store, package: Path) -> None:
    assert run("add", package, "--store", store.root).code == 0
    assert store.names() == [f"debian/{RELEASE}"]


def test_add_takes_a_name_and_parts(store: Store, tmp_path: Path) -> None:
    image = tmp_path / "vmlinuz"
    image.write_bytes(bzimage(PACK["xz"](vmlinux(tiny_btf()))))
    config = tmp_path / "config"
    config.write_text("CONFIG_BPF=y\n")
    assert run("add", image, "--name", "mine/one", "--config", config, "--store", store.root).code == 0
    assert store.get("mine/one").config == {"CONFIG_BPF": "y"}


def test_add_of_several_kernels_takes_no_name(store: Store, package: Path, tmp_path: Path) -> None:
    raw = tmp_path / "x.btf"
    raw.write_bytes(tiny_btf())
    assert run("add", package, raw, "--name", "one", "--store", store.root).code == 2
    assert store.names() == []


def test_remove_takes_all_or_nothing(store: Store) -> None:
    store.add(make_kernel("debian/6.1"))
    assert run("remove", "debian/6.1", "debian/none", "--store", store.root).code == 2
    assert store.names() == ["debian/6.1"]
    assert run("remove", "debian/6.1", "--store", store.root).code == 0
    assert store.names() == []


def test_a_damaged_entry_hides_no_other_and_can_be_removed(store: Store) -> None:
    store.add(make_kernel("debian/6.1"))
    store.add(make_kernel("debian/6.2"))
    (store.root / "debian/6.1/kernel.json").write_text("{")
    done = run("list", "--store", store.root, "--format", "json")
    assert (done.code, done.json["summary"]["damaged"]) == (2, ["debian/6.1"])
    assert [kernel["name"] for kernel in done.json["results"]] == ["debian/6.2"]
    assert run("remove", "debian/6.1", "debian/6.1", "--store", store.root).code == 0
    assert run("list", "--store", store.root).code == 0
    assert store.names() == ["debian/6.2"]


def test_a_kernel_that_was_not_read_from_an_image_is_not_to_be_renewed(store: Store) -> None:
    kernel = make_kernel("host/6.1", symbols=Blob(data=b"T start_kernel\n"))
    store.add(Kernel(kernel.identity, kernel.contents, Provenance("host")))
    assert "renew" not in run("list", "--store", store.root).text
    assert "renew" not in run("verify", "--store", store.root).text


def test_verify_fails_on_damage(store: Store) -> None:
    store.add(make_kernel("debian/6.1"))
    assert run("verify", "--store", store.root).code == 0
    (store.root / "debian/6.1/stray").write_text("")
    done = run("verify", "--store", store.root)
    assert done.code == 1
    assert "stray: not recorded" in done.text


def test_verify_of_nothing_is_a_usage_error(store: Store) -> None:
    assert run("verify", "--store", store.root).code == 2


@pytest.fixture
def mirror(root: FakeRoot, monkeypatch: pytest.MonkeyPatch) -> FakeRoot:
    monkeypatch.setattr(fetch_debian, "open_suite", lambda *_, **__: root)
    return root


def test_fetch_adds_what_matches(mirror: FakeRoot, store: Store) -> None:
    done = run(
        "fetch", "debian", "--suite", "x", "--arch", "amd64", "--store", store.root, "--format", "json"
    )
    assert done.code == 0
    assert done.json["summary"]["counts"] == {"added": 1}
    assert store.names() == ["debian/7.3.4+deb13-amd64"]


@pytest.mark.parametrize(
    ("suites", "added", "told"),
    [
        (["--suite", "x", "--suite", "gone"], ["debian/7.3.4+deb13-amd64"], "1 added"),
        (["--suite", "gone"], [], "nothing was"),
    ],
)
def test_an_interrupted_fetch_tells_what_it_added(
    mirror: FakeRoot,
    store: Store,
    suites: list[str],
    added: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def open_suite(suite: str, *_: object, **__: object) -> FakeRoot:
        if suite == "gone":
            raise KeyboardInterrupt
        return mirror

    monkeypatch.setattr(fetch_debian, "open_suite", open_suite)
    words = ("fetch", "debian", *suites, "--arch", "amd64", "--store", store.root)
    done = run(*words, "--replace", "--format", "json")
    assert (done.code, done.json["summary"]["partial"]) == (130, True)
    assert [one["name"] for one in done.json["results"] if one["state"] == "added"] == added == store.names()
    again = run(*words, "--replace")
    assert (again.code, "interrupted" in again.text, told in again.text) == (130, True, True)


def test_an_interrupt_among_kernels_tells_those_that_are_there(
    mirror: FakeRoot, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fetch_debian.fetch

    def second(root: FakeRoot, build: fetch_debian.Build, *more: Any, **options: Any) -> fetch_debian.Outcome:
        if store.names():
            raise KeyboardInterrupt
        return whole(root, build, *more, **options)

    monkeypatch.setattr(fetch_debian, "fetch", second)
    done = run(
        "fetch", "debian", "--suite", "x", "--arch", "amd64", "--all", "--jobs", "1", "--store", store.root,
        "--format", "json",
    )  # fmt: skip
    assert (done.code, done.json["summary"]["partial"]) == (130, True)
    assert [one["name"] for one in done.json["results"]] == store.names() != []


def test_fetch_reports_what_is_lost_and_goes_on(mirror: FakeRoot, store: Store) -> None:
    mirror.lost = ("linux-binary-7.3.4+deb13-amd64",)
    done = run("fetch", "debian", "--suite", "x", "--arch", "amd64", "--all", "--store", store.root)
    assert done.code == 0
    assert "lost    debian/7.3.4+deb13-amd64" in done.text
    assert store.names() == ["debian/6.1.0-50-amd64"]


def test_a_suite_that_cannot_be_read_is_no_loss(
    mirror: FakeRoot, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(suite: str, *_: object, **__: object) -> FakeRoot:
        if suite != "x":
            raise AptError(f"the suite {suite} is not there")
        return mirror

    monkeypatch.setattr(fetch_debian, "open_suite", opened)
    suites = ("--suite", "x", "--suite", "typo")
    done = run("fetch", "debian", *suites, "--arch", "amd64", "--store", store.root)
    assert (done.code, store.names()) == (2, ["debian/7.3.4+deb13-amd64"])
    assert "failed  typo amd64" in done.text


def test_a_facts_file_takes_its_btf_from_the_catalogue(store: Store, tmp_path: Path) -> None:
    kernel = make_kernel("debian/6.1")
    file = tmp_path / "h.json"
    file.write_text(json.dumps(document(kernel, carried=())))
    assert run("add", file, "--name", "host/h", "--store", store.root).code == 2
    store.add(kernel)
    assert run("add", file, "--name", "host/h", "--store", store.root).code == 0
    assert store.get("host/h").btf_sha256 == kernel.btf_sha256


def test_fetch_of_nothing_but_losses_is_an_error(mirror: FakeRoot, store: Store) -> None:
    mirror.lost = ("linux-binary-7.3.4+deb13-amd64",)
    done = run("fetch", "debian", "--suite", "x", "--arch", "amd64", "--store", store.root)
    assert done.code == 2


def test_fetch_that_matches_nothing_says_so(mirror: FakeRoot, store: Store) -> None:
    done = run(
        "fetch", "debian", "--suite", "x", "--arch", "amd64", "--release", "9.*", "--store", store.root
    )
    assert done.code == 2
    assert "no kernel of the suite matches" in done.text


def test_names_of_strangers_cannot_reach_the_terminal(store: Store, tmp_path: Path) -> None:
    hostile = make_kernel("debian/6.1")
    store.add(hostile)
    path = store.root / "debian/6.1/kernel.json"
    facts = json.loads(path.read_text())
    facts["suite"] = "\x1b]0;owned\x07\u202e"
    facts["source"]["notes"] = ["\x1b[2J"]
    path.write_text(json.dumps(facts))
    for command in (("list",), ("show", "debian/6.1")):
        text = run(*command, "--store", store.root).text
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_diff_of_a_kernel_with_itself_finds_nothing(store: Store) -> None:
    store.add(make_kernel("debian/6.1"))
    done = run("diff", "debian/6.1", "debian/6.1", "--store", store.root)
    assert (done.code, "both have the same BTF" in done.text) == (0, True)


def test_diff_says_that_kernels_are_for_two_machines(store: Store) -> None:
    for name, arch in (("debian/6.1", "x86_64"), ("debian/6.2", "s390x"), ("debian/6.3", None)):
        kernel = make_kernel(name)
        store.add(replace(kernel, identity=replace(kernel.identity, arch=arch)))
    done = run("diff", "debian/6.1", "debian/6.2", "--store", store.root)
    assert "for two machines, x86_64 and s390x" in done.text
    assert "two machines" not in run("diff", "debian/6.1", "debian/6.3", "--store", store.root).text


def test_diff_says_which_aspect_stays_undecided(store: Store) -> None:
    store.add(make_kernel("debian/6.1"))
    done = run(
        "diff", "debian/6.1", "debian/6.1", "--aspect", "kfunc", "--store", store.root, "--format", "json"
    )
    assert done.code == 3
    assert list(done.json["summary"]["undecided"]) == ["kfunc"]


def test_diff_wants_two_kernels_and_aspects_that_exist(store: Store) -> None:
    store.add(make_kernel("debian/6.1"))
    store.add(make_kernel("debian/6.2"))
    assert run("diff", "debian/*", "debian/6.1", "--store", store.root).code == 2
    assert run("diff", "debian/6.1", "debian/6.2", "--aspect", "no", "--store", store.root).code == 2
    assert run("diff", "debian/6.1", "debian/6.2", "--aspect", "field", "--store", store.root).code == 2
