#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fetch the unmodified libbpf source that the differential tests compare with.

The source package comes from the distribution's archive, through a private apt root: the
mirror and the keyring are those of the host's own apt configuration, only the suite is
asked for. apt checks the signature chain, so nothing unverified is unpacked. The system's
apt state is not touched.

    python tools/fetch_libbpf.py [--suite sid] [--version 1.7.0-1] [--into .cache/libbpf]

Prints the folder of the unpacked source. Does nothing when it is already there.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUITE = "sid"
VERSION = "1.7.0-1"


class UnavailableError(Exception):
    """The source cannot be had here; the message says why."""


def _deb822(text: str) -> list[dict[str, str]]:
    """The stanzas of a deb822 file; continuation lines are joined, comments dropped."""
    stanzas: list[dict[str, str]] = [{}]
    key = ""
    for line in text.splitlines():
        if not line.strip():
            stanzas.append({})
        elif line.startswith("#"):
            continue
        elif line[0] in " \t":
            stanzas[-1][key] += " " + line.strip()
        else:
            key, _, value = line.partition(":")
            key = key.strip().lower()
            stanzas[-1][key] = value.strip()
    return [stanza for stanza in stanzas if stanza]


def _one_line(text: str) -> list[dict[str, str]]:
    """The entries of a one-line style sources.list as deb822-like stanzas."""
    found = []
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words or words[0] not in ("deb", "deb-src"):
            continue
        options: dict[str, str] = {}
        if words[1].startswith("["):
            end = next(i for i, word in enumerate(words) if word.endswith("]"))
            for option in " ".join(words[1 : end + 1]).strip("[]").split():
                name, _, value = option.partition("=")
                options[name.lower()] = value
            words = words[:1] + words[end + 1 :]
        if len(words) >= 3:
            found.append({"uris": words[1], "suites": words[2], "components": " ".join(words[3:]), **options})
    return found


def host_mirrors() -> list[tuple[str, str]]:
    """(mirror, keyring path or "") of every `main` entry of the host's apt configuration, in order."""
    folder = Path("/etc/apt")
    entries: list[dict[str, str]] = []
    for path in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]:
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.suffix == ".sources":
            entries += _deb822(text)
        elif path.suffix == ".list" or path.name == "sources.list":
            entries += _one_line(text)
    mirrors = []
    for entry in entries:
        if "main" in entry.get("components", "").split() and "security" not in entry.get("suites", ""):
            for uri in entry.get("uris", "").split():
                pair = (uri, entry.get("signed-by", ""))
                if pair not in mirrors:
                    mirrors.append(pair)
    return mirrors


def _run(command: list[str], cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise UnavailableError(f"{command[0]} failed: {' / '.join(last)}")
    return done.stdout


def _download(mirror: str, keyring: str, suite: str, version: str, root: Path) -> Path:
    """The upstream tarball of libbpf=version, fetched and verified by apt below `root`."""
    for name in ("lists/partial", "cache/archives/partial", "etc", "download"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "status").touch()
    (root / "etc/preferences").touch()
    signed = f" [signed-by={keyring}]" if keyring else ""
    (root / "etc/sources.list").write_text(f"deb-src{signed} {mirror} {suite} main\n", encoding="utf-8")
    options = {
        "Dir::State::Lists": root / "lists",
        "Dir::State::status": root / "status",
        "Dir::Cache": root / "cache",
        "Dir::Etc::sourcelist": root / "etc/sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::Etc::preferences": root / "etc/preferences",
        "Dir::Etc::preferencesparts": "-",
        "Acquire::Languages": "none",
        # a machine without network should learn that soon
        "Acquire::Retries": "0",
        "Acquire::http::Timeout": "10",
        "Acquire::https::Timeout": "10",
        # the download runs as whoever runs this tool, also below a folder of root's
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-qq", *(part for key, value in options.items() for part in ("-o", f"{key}={value}"))]
    _run([*apt, "update"], root)
    _run([*apt, "source", "--download-only", f"libbpf={version}"], root / "download")
    for tarball in sorted((root / "download").glob("libbpf_*.orig.tar.*")):
        if tarball.suffix != ".asc":
            return tarball
    raise UnavailableError(f"the source package libbpf {version} holds no upstream tarball")


def _unpack(tarball: Path, into: Path) -> None:
    with tempfile.TemporaryDirectory(dir=into.parent) as scratch:
        with tarfile.open(tarball) as archive:
            # Debian 12's Python is older than the filters; the tarball is the signed archive's either way.
            archive.extractall(scratch, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
        tops = [path for path in Path(scratch).iterdir() if (path / "src/libbpf.c").is_file()]
        if not tops:
            raise UnavailableError(f"{tarball.name} does not hold src/libbpf.c")
        try:
            tops[0].rename(into)
        except OSError:
            # another process was faster
            if not (into / "src/libbpf.c").is_file():
                raise


def fetch(into: Path, suite: str = SUITE, version: str = VERSION) -> Path:
    """The folder of libbpf's unmodified source below `into`; raises UnavailableError with the reason."""
    target = into / version
    if (target / "src/libbpf.c").is_file():
        return target
    if shutil.which("apt-get") is None:
        raise UnavailableError("apt-get is not installed")
    mirrors = host_mirrors()
    if not mirrors:
        raise UnavailableError("the host's apt configuration names no mirror with a main component")
    into.mkdir(parents=True, exist_ok=True)
    problems = []
    for mirror, keyring in mirrors:
        with tempfile.TemporaryDirectory(prefix="libbpf-apt-", dir=into) as scratch:
            try:
                _unpack(_download(mirror, keyring, suite, version, Path(scratch)), target)
                return target
            except (UnavailableError, OSError, subprocess.TimeoutExpired, tarfile.TarError) as problem:
                problems.append(str(problem))
    raise UnavailableError("; ".join(problems))


def main() -> int:
    """Command line; 0 fetched or already there, 1 unavailable."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--suite", default=SUITE)
    parser.add_argument("--version", default=VERSION)
    parser.add_argument("--into", type=Path, default=ROOT / ".cache/libbpf")
    arguments = parser.parse_args()
    try:
        print(fetch(arguments.into, arguments.suite, arguments.version))
    except UnavailableError as problem:
        print(f"libbpf's source is not available here: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
