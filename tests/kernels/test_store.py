# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from preflight.errors import InputError, InstrumentError, UsageError
from preflight.kernels import Store, entry
from preflight.kernels import store as store_module
from preflight.kernels.blob import Blob
from preflight.kernels.model import Contents, Identity, Kernel, Provenance, SourceFile
from tests.btfwriter import BtfWriter
from tests.kernels.builders import tiny_btf

ROOT = Path(__file__).parent.parent.parent


def make_kernel(name: str = "debian/6.1", types: int = 3, **facts: Blob) -> Kernel:
    base = Contents(Blob(data=tiny_btf(types=types)), **facts)  # type: ignore[arg-type]
    provenance = Provenance("deb", (SourceFile("x.deb", 5, "ab" * 32),), ("a note",))
    return Kernel(Identity(name, "little", release="6.1", arch="x86_64", flavour="amd64"), base, provenance)


def _hidden(store: Store) -> list[str]:
    return sorted(p.name for p in store.root.iterdir() if p.name.startswith((".new-", ".old-")))


def test_gives_back_what_was_added(store: Store) -> None:
    kernel = make_kernel(
        config=Blob(data=b"CONFIG_BPF=y\n"), symbols=Blob(data=b"ffffffff81000000 T do_exit\n")
    )
    added = store.add(kernel)
    assert added.identity == kernel.identity
    assert added.provenance == kernel.provenance
    assert added.btf_bytes == kernel.btf_bytes
    assert added.config == {"CONFIG_BPF": "y"}
    assert added.symbols == {"do_exit": "T"}
    assert added.tracepoints is None


def test_addresses_of_symbols_are_not_kept(store: Store) -> None:
    store.add(make_kernel(symbols=Blob(data=b"ffffffff81000000 T do_exit\n")))
    assert (store.root / "debian/6.1/symbols").read_text() == "T do_exit\n"


def test_modules_are_kept(store: Store) -> None:
    base = BtfWriter()
    base.int("int")
    module = BtfWriter(base=base)
    module.struct("s", [], size=1)
    contents = Contents(Blob(data=base.bytes()), modules={"nf_x": Blob(data=module.bytes())})
    added = store.add(Kernel(Identity("local/m", "little"), contents))
    assert added.modules == {"nf_x"}
    assert (store.root / "local/m/modules/nf_x.btf").read_bytes() == module.bytes()


def test_a_packed_entry_reads_the_same_and_is_smaller(store: Store) -> None:
    kernel = make_kernel(types=500, config=Blob(data=b"CONFIG_BPF=y\n"))
    packed = store.add(kernel, "a/packed", packed=True)
    plain = store.add(kernel, "a/plain")
    assert packed.btf_bytes == plain.btf_bytes
    assert packed.config == plain.config
    assert store.verify("a/packed") == []
    sizes = [sum(f.stat().st_size for f in (store.root / n).iterdir()) for n in ("a/packed", "a/plain")]
    assert sizes[0] < sizes[1] / 2


def test_a_packed_entry_can_be_added_again(store: Store, tmp_path: Path) -> None:
    first = store.add(make_kernel(), packed=True)
    again = Store(tmp_path / "other").add(first)
    assert again.btf_bytes == first.btf_bytes


def test_the_same_facts_twice_are_one_entry(store: Store) -> None:
    store.add(make_kernel())
    store.add(make_kernel())
    assert store.names() == ["debian/6.1"]


def test_another_kernel_of_the_same_name_is_refused(store: Store) -> None:
    store.add(make_kernel(types=3))
    with pytest.raises(InputError, match="already has another kernel of this name"):
        store.add(make_kernel(types=4))
    assert store.get("debian/6.1").btf_bytes == tiny_btf(types=3)
    assert _hidden(store) == []


def test_another_kernel_of_the_same_name_replaces_when_asked(store: Store) -> None:
    store.add(make_kernel(types=3))
    store.add(make_kernel(types=4), replace_existing=True)
    assert store.get("debian/6.1").btf_bytes == tiny_btf(types=4)
    assert store.verify("debian/6.1") == []
    assert _hidden(store) == []


def test_damaged_btf_is_not_added(store: Store) -> None:
    damaged = bytearray(tiny_btf())
    damaged[24 + 4] = 0xFF  # vlen of the first type
    damaged[24 + 7] = 0x1F  # a kind that does not exist
    with pytest.raises(InputError):
        store.add(Kernel(Identity("local/x", "little"), Contents(Blob(data=bytes(damaged)))))
    assert store.names() == []


@pytest.mark.parametrize(
    "name", ["", "/", "../x", "a/../b", ".new-x", "a//b", "a/b/c/d", "a b", "x\n", "a/\0", "-x"]
)
def test_a_name_that_is_no_name_is_refused(store: Store, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a catalogue name"):
        store.add(make_kernel(), name or "/")
    assert name not in store


def test_an_entry_inside_an_entry_is_refused(store: Store) -> None:
    store.add(make_kernel("a"))
    with pytest.raises(UsageError, match="inside another entry"):
        store.add(make_kernel("a/b"))


def test_names_are_in_the_order_of_versions(store: Store) -> None:
    for name in ("d/6.12", "d/6.9", "d/5.10-amd64", "d/6.9-rt"):
        store.add(make_kernel(name))
    assert store.names() == ["d/5.10-amd64", "d/6.9", "d/6.9-rt", "d/6.12"]


def test_patterns_match_the_whole_name_or_its_last_part(store: Store) -> None:
    for name in ("debian/6.1", "debian/6.12", "host/6.12"):
        store.add(make_kernel(name))
    assert store.match("debian/6.1*") == ["debian/6.1", "debian/6.12"]
    assert store.match("6.12") == ["debian/6.12", "host/6.12"]
    assert store.match("x*") == []


def test_an_empty_catalogue_is_empty(store: Store) -> None:
    assert store.names() == []
    assert not store.root.exists()


def test_remove_leaves_nothing(store: Store) -> None:
    store.add(make_kernel())
    store.remove("debian/6.1")
    assert store.names() == []
    assert [p.name for p in store.root.iterdir()] == [".lock"]


def test_remove_of_an_unknown_name_is_a_usage_error(store: Store) -> None:
    with pytest.raises(UsageError, match=r"no kernel 'debian/6\.1'"):
        store.remove("debian/6.1")


# --- verify


def test_a_sound_entry_verifies(store: Store) -> None:
    store.add(make_kernel(config=Blob(data=b"CONFIG_BPF=y\n")))
    assert store.verify("debian/6.1") == []


def _damage_btf(folder: Path) -> None:
    data = bytearray((folder / "vmlinux.btf").read_bytes())
    data[-2] ^= 1
    (folder / "vmlinux.btf").write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (_damage_btf, "vmlinux.btf: the content is not what was recorded"),
        (lambda f: (f / "config").write_text("CONFIG_BPF=n\n# more"), "config: 19 bytes, recorded were 13"),
        (lambda f: (f / "config").unlink(), "config: No such file or directory"),
        (lambda f: (f / "stray").write_text(""), "stray: not recorded"),
        (lambda f: (f / "kernel.json").write_text("{"), "is not valid JSON"),
        (lambda f: (f / "kernel.json").unlink(), "records no digests"),
    ],
)
def test_damage_is_found(store: Store, damage: object, problem: str) -> None:
    store.add(make_kernel(config=Blob(data=b"CONFIG_BPF=y\n")))
    damage(store.root / "debian/6.1")  # type: ignore[operator]
    assert problem in "; ".join(store.verify("debian/6.1"))


def test_an_entry_that_lost_its_btf_is_damaged_and_can_be_removed(store: Store) -> None:
    store.add(make_kernel())
    (store.root / "debian/6.1/vmlinux.btf").unlink()
    assert store.names() == ["debian/6.1"]
    assert "vmlinux.btf" in "; ".join(store.verify("debian/6.1"))
    with pytest.raises(InputError):
        store.get("debian/6.1")
    store.remove("debian/6.1")
    assert store.names() == []


def test_digests_recorded_for_files_elsewhere_are_not_followed(store: Store) -> None:
    store.add(make_kernel())
    path = store.root / "debian/6.1/kernel.json"
    facts = json.loads(path.read_text())
    facts["files"]["../../../../../../etc/passwd"] = {"size": 0, "sha256": "0" * 64}
    path.write_text(json.dumps(facts))
    assert any("passwd" in problem for problem in store.verify("debian/6.1"))


# --- what goes wrong while writing


def test_a_full_disk_is_said_and_leaves_nothing(store: Store) -> None:
    """The file size limit stands in for the full disk: the same write fails."""
    script = f"""
import resource, signal
from pathlib import Path
from tests.kernels.test_store import make_kernel
from preflight.kernels import Store
store = Store(Path({str(store.root)!r}))
store.add(make_kernel("debian/small"))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    store.add(make_kernel("debian/large", types=2000))
except Exception as error:
    print(type(error).__name__, error)
"""
    done = _python(script)
    assert "InstrumentError no room for debian/large" in done
    assert "nothing was added" in done
    assert store.names() == ["debian/small"]
    assert _hidden(store) == []
    assert store.verify("debian/small") == []


def test_no_permission_is_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(store_module, "_write_file", refuse)
    with pytest.raises(InstrumentError, match=r"cannot write to .*: Permission denied; nothing was added"):
        store.add(make_kernel())
    assert store.names() == []


@pytest.mark.parametrize("step", ["_write_file", "_sync"])
def test_an_interrupt_leaves_the_catalogue_as_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    store.add(make_kernel("debian/before"))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store_module, step, interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.add(make_kernel("debian/new"))
    assert store.names() == ["debian/before"]
    assert _hidden(store) == []


def test_what_a_killed_run_left_is_swept_away(store: Store) -> None:
    script = f"""
import os
from pathlib import Path
from tests.kernels.test_store import make_kernel
from preflight.kernels import Store, store as module
module._sync = lambda *_: os._exit(9)
Store(Path({str(store.root)!r})).add(make_kernel("debian/killed"))
"""
    _python(script, code=9)
    assert len(_hidden(store)) == 1
    assert store.names() == []
    store.add(make_kernel("debian/next"))
    assert _hidden(store) == []
    assert store.names() == ["debian/next"]


def test_runs_at_once_do_not_disturb_each_other(store: Store) -> None:
    script = f"""
import sys
from pathlib import Path
from tests.kernels.test_store import make_kernel
from preflight.kernels import Store
store = Store(Path({str(store.root)!r}))
for number in range(12):
    store.add(make_kernel(f"debian/{{number}}", types=number))
    store.add(make_kernel("debian/replaced", types=int(sys.argv[1]) * 100 + number), replace_existing=True)
"""
    runs = [
        subprocess.Popen([sys.executable, "-c", script, str(n)], cwd=ROOT, stderr=subprocess.PIPE)
        for n in range(4)
    ]
    for run in runs:
        _, errors = run.communicate(timeout=60)
        assert run.returncode == 0, errors.decode()
    assert store.names() == [*(f"debian/{n}" for n in range(12)), "debian/replaced"]
    assert [store.verify(name) for name in store.names()] == [[]] * 13
    assert _hidden(store) == []


def _python(script: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stdout


def test_entries_are_as_public_as_the_umask_allows(store: Store) -> None:
    store.add(make_kernel())
    mask = os.umask(0)
    os.umask(mask)
    assert (store.root / "debian/6.1").stat().st_mode & 0o777 == 0o777 & ~mask


def test_kernel_json_is_the_same_for_the_same_kernel(store: Store, tmp_path: Path) -> None:
    store.add(make_kernel())
    other = Store(tmp_path / "other")
    other.add(make_kernel())
    assert (store.root / "debian/6.1" / entry.FACTS).read_bytes() == (
        other.root / "debian/6.1" / entry.FACTS
    ).read_bytes()
