# SPDX-License-Identifier: Apache-2.0
"""Who a host is, who works on it and what else runs there gets into no facts file and no report.

Canaries are planted where a collector could meet them: host and user names, machine id, addresses, files,
folders, mounts, environment, processes, other people's programs. Then every output is searched for them.
"""

from __future__ import annotations

import base64
import json
import lzma
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from preflight.host.bpf.names import ProgType
from preflight.host.bpf.syscall import map_create, prog_load
from preflight.host.collect.loading import MINIMAL
from tests.cli.run import PREFLIGHT
from tests.fleet.hosts import OBJECT

MACHINE_ID = "c0ffee00c0ffee00c0ffee00c0ffee00"
MAC, IPV4, IPV6 = "02:ca:fe:ca:fe:77", "203.0.113.77", "2001:db8::ca:fe77"
KEY = b"canary-of-key-0123456789"
#: What must be nowhere. Every planted name has `canary-of-` or `canary_of` in it.
PLANTED = (b"canary-of", b"canary_of", MACHINE_ID.encode(), MAC.encode(), IPV4.encode(), IPV6.encode(), KEY)

#: Hides nothing of the host but what carries canaries; `$1` is the folder with what is put over it.
_PLANT = """
set -e
hostname canary-of-host
mount --make-rprivate /
over() { if [ -e "$2" ]; then mount --bind "$1" "$2"; fi; }
over "$1/machine-id" /etc/machine-id
over "$1/passwd" /etc/passwd
over "$1/hostname" /etc/hostname
ip link set lo up
ip address add 203.0.113.77/32 dev lo
ip address add 2001:db8::ca:fe77/128 dev lo || true
ip link add canary_of_link address 02:ca:fe:ca:fe:77 type dummy 2>/dev/null || true
mkdir "$1/canary-of-mount" "$1/canary-of-bpffs" "$1/canary-of-cgroup"
mount -t tmpfs canary-of-device "$1/canary-of-mount"
mount -t bpf canary-of-device "$1/canary-of-bpffs" || true
mount -t cgroup2 canary-of-device "$1/canary-of-cgroup" || true
cd "$1/canary-of-mount"
shift
exec "$@"
"""


def _possible() -> bool:
    wanted = ("unshare", "ip", "hostname")
    if os.geteuid() != 0 or any(shutil.which(name) is None for name in wanted):
        return False
    done = subprocess.run(
        ["unshare", "--uts", "--mount", "--net", "true"], check=False, capture_output=True, timeout=20
    )
    return done.returncode == 0


pytestmark = pytest.mark.skipif(
    not _possible(), reason="only root can give a process another host name, files and addresses"
)


class Planted(NamedTuple):
    """A folder full of canaries, and what both collectors wrote into it."""

    folder: Path
    facts: dict[str, Path]
    said: bytes


def planted(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run where everything that could name the host is a canary."""
    over = folder / "over"
    shutil.rmtree(over, ignore_errors=True)
    over.mkdir()
    (over / "machine-id").write_text(f"{MACHINE_ID}\n")
    (over / "hostname").write_text("canary-of-host\n")
    (over / "passwd").write_text("root:x:0:0:canary-of-person:/canary-of-home:/bin/sh\n")
    home = folder / "canary-of-home"
    home.mkdir(exist_ok=True)
    who = {
        **dict.fromkeys(("USER", "LOGNAME", "SUDO_USER", "HOSTNAME", "PREFLIGHT_CANARY"), "canary-of-user"),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    return subprocess.run(
        ["unshare", "--uts", "--mount", "--net", "sh", "-c", _PLANT, "canary-of-shell", str(over), *words],
        check=False, capture_output=True, timeout=120, env={**os.environ, "NO_COLOR": "1", **who},
    )  # fmt: skip


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """Facts by both collectors, with everything carried along that may be."""
    folder = tmp_path_factory.mktemp("canary-of-folder")
    key = folder / "canary-of-keyfile"
    key.write_bytes(KEY)
    script = folder / "canary-of-script.py"
    neighbour = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(300)", "canary-of-argument"], stdin=subprocess.DEVNULL
    )
    said = b""
    with (
        prog_load(ProgType.SOCKET_FILTER, MINIMAL, name="canary_of_prog"),
        map_create(2, name="canary_of_map"),
    ):
        done = planted(folder, *PREFLIGHT, "collect", "--emit-script", "-o", str(script))
        assert done.returncode == 0, done.stderr
        facts = {}
        for name, words in {
            "collect": [*PREFLIGHT, "collect", "--with-btf"],
            "script": [sys.executable, "-I", "-S", str(script), "--with-btf"],
        }.items():
            path = folder / f"canary-of-{name}.json"
            done = planted(folder, *words, "-o", str(path), "--key-file", str(key))
            assert done.returncode == 0, done.stderr
            said += done.stdout + done.stderr
            facts[name] = path
    neighbour.kill()
    neighbour.wait()
    yield Planted(folder, facts, said)


def secrets(folder: Path) -> tuple[bytes, ...]:
    """What was planted, and what this machine has of its own."""
    own = [str(folder).encode()]
    for path in ("/etc/machine-id", "/proc/sys/kernel/random/boot_id", "/proc/cmdline"):
        if Path(path).exists():
            own.append(Path(path).read_bytes().strip())
    return (*PLANTED, *(one for one in own if len(one) > 8))


def leaks(data: bytes, folder: Path) -> list[bytes]:
    lowered = data.lower()
    return [one for one in secrets(folder) if one.lower() in lowered]


def contents(document: dict[str, Any]) -> bytes:
    """What a facts file carries in a packed form, unpacked."""
    described = (document["kernel"] or {"contents": {}})["contents"].values()
    return b"".join(lzma.decompress(base64.b64decode(one["xz"])) for one in described if one.get("xz"))


def test_the_canaries_would_be_seen(tmp_path: Path) -> None:
    """What was planted is really there: another program finds it."""
    script = "hostname; cat /etc/machine-id /etc/passwd /proc/mounts; ip address; env; pwd"
    seen = planted(tmp_path, "sh", "-c", script).stdout
    for canary in (
        b"canary-of-host",
        b"canary-of-person",
        b"canary-of-mount",
        b"canary-of-user",
        IPV4.encode(),
    ):
        assert canary in seen, canary
    assert not Path("/etc/machine-id").exists() or MACHINE_ID.encode() in seen


@pytest.mark.parametrize("name", ["collect", "script"])
def test_no_canary_is_in_a_facts_file(host: Planted, name: str) -> None:
    data = host.facts[name].read_bytes()
    document = json.loads(data)
    assert document["host_key"] and len(document["host_key"]) == 20
    assert leaks(data, host.folder) == []
    assert leaks(contents(document), host.folder) == []


def test_both_collectors_name_the_host_alike(host: Planted) -> None:
    keys = {json.loads(path.read_bytes())["host_key"] for path in host.facts.values()}
    assert len(keys) == 1


def test_nothing_is_said_beside_the_facts(host: Planted) -> None:
    assert leaks(host.said, host.folder) == []


@pytest.mark.parametrize("diff", [False, True])
def test_no_canary_is_in_a_report(host: Planted, diff: bool) -> None:
    """Every format, and what is said beside it; objects, facts and catalogue lie in folders with names."""
    out = host.folder / f"canary-of-out-{diff}"
    out.mkdir()
    (host.folder / "made.bpf.o").write_bytes(OBJECT.data)
    # documents that are counted leave no trace of their names; what is skipped is listed by its file's
    facts = [host.facts["collect"], *([host.facts["script"]] if diff else [])]
    forms = ["text", "json", "csv", "markdown", "html"] + ([] if diff else ["prom"])
    words = [
        "fleet",
        *(["--diff"] if diff else []),
        *map(str, facts),
        "--object",
        str(host.folder / "made.bpf.o"),
    ]
    words += [word for form in forms for word in ("--format", f"{form}={out / form}")]
    words += ["--html-dir", str(out / "pages"), "--store", str(host.folder / "canary-of-store"), "-v"]
    words += [] if diff else ["--sqlite", str(out / "fleet.db")]
    done = planted(host.folder, *PREFLIGHT, *words)
    assert done.returncode in (0, 1, 3), done.stderr
    keys = {json.loads(path.read_bytes())["host_key"].encode() for path in facts}
    written = sorted(path for path in out.rglob("*") if path.is_file())
    assert len(written) == len(forms) + 3 + (not diff)
    for path in written:
        data = path.read_bytes()
        assert leaks(data, host.folder) == [], path
        assert not any(key in data for key in keys), path
    assert leaks(done.stdout + done.stderr, host.folder) == []
