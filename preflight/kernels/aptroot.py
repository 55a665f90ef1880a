# SPDX-License-Identifier: Apache-2.0
"""A private apt: the host's mirrors, keys and network settings, and nothing else of the host's.

The system's package state is neither read nor changed, and its hooks do not run. Signatures are
always checked. This module is the only one here that runs a process: apt's own tools, with a
fixed argument list. Formats: sources.list(5), apt.conf(5).
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from preflight.errors import InputError, InstrumentError, UsageError
from preflight.records import dataclass

_TIMEOUT = 3600
#: The host's settings that say how to reach a mirror; never those that relax what is accepted.
_NETWORK = re.compile(
    r"Acquire::(?:(?:http|https|ftp|tor|socks5h)\b|Retries|ForceIPv[46]|Queue-Mode|By-Hash"
    r"|Check-Valid-Until|Check-Date|Min-ValidTime|Max-ValidTime)"
)
_URI = re.compile(r"[a-z][a-z0-9+.-]*:[!-Z^-~]+\Z")
_SUITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/~+-]{0,79}\Z")
_ARCH = re.compile(r"[a-z0-9-]{2,20}\Z")
_SECURITY = re.compile(r"(?:-security|/updates)(?:/|\Z)")


@dataclass(frozen=True, slots=True)
class Source:
    """One repository of the host; `signed_by` is what `Signed-By` says, None for the host's default keys."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str | None = None

    @property
    def is_security(self) -> bool:
        """Whether the suite is one of the security archive, which has a mirror of its own."""
        return bool(_SECURITY.search(self.suite))


@dataclass(frozen=True, slots=True)
class Package:
    """A package of an index: `size` in bytes as downloaded, `sha256` of the file."""

    name: str
    version: str
    arch: str
    size: int
    sha256: str


class AptError(InstrumentError):
    """apt could not do it; `missing_keys` when a signature was made by a key that is not known."""

    def __init__(self, message: str, *, missing_keys: bool = False) -> None:
        super().__init__(message)
        self.missing_keys = missing_keys


def host_sources() -> list[Source]:
    """The binary repositories the host's apt uses, in its own order. InstrumentError without apt."""
    text = _run(["apt-config", "shell", "LIST", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d"])
    places = dict(re.findall(r"^(LIST|PARTS)='([^']*)'$", text, re.MULTILINE))
    files = [Path(places.get("LIST", "/etc/apt/sources.list"))]
    with suppress(OSError):
        files += sorted(Path(places.get("PARTS", "/etc/apt/sources.list.d")).iterdir())
    found: list[Source] = []
    for file in files:
        parse = {".list": parse_list, ".sources": parse_deb822}.get(file.suffix)
        if parse is not None:
            with suppress(OSError):
                found += parse(file.read_text("utf-8", "replace"))
    return found


def parse_list(text: str) -> list[Source]:
    """The `deb` lines of a one-line-style file."""
    found = []
    for line in text.splitlines():
        match = re.match(
            r"\s*deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<rest>[^#]*)", line
        )
        if match is None:
            continue
        options = dict(word.partition("=")[::2] for word in (match["options"] or "").split())
        components = tuple(match["rest"].split())
        found.append(Source(match["uri"], match["suite"], components, options.get("signed-by") or None))
    return found


def parse_deb822(text: str) -> list[Source]:
    """The enabled `deb` stanzas of a deb822-style file, one Source per URI and suite."""
    found = []
    for stanza in re.split(r"\n[ \t]*\n", text):
        fields: dict[str, str] = {}
        key = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace():
                # A continuation; in an embedded key a lone dot stands for an empty line.
                fields[key] = fields.get(key, "") + "\n" + ("" if line.strip() == "." else line.strip())
                continue
            key, _, value = line.partition(":")
            key = key.strip().lower()
            fields[key] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in (
            "no",
            "false",
        ):
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                components = tuple(fields.get("components", "").split())
                found.append(Source(uri, suite, components, fields.get("signed-by", "").strip() or None))
    return found


def mirrors_for(suite: str, sources: Sequence[Source]) -> list[Source]:
    """The host's repositories that can be asked for `suite`, best first.

    The security archive is apart: a security suite is looked for only where the host gets security updates.
    """
    wanted = bool(_SECURITY.search(suite))
    fitting: dict[tuple[str, str | None], Source] = {}
    for source in sorted(sources, key=lambda s: (s.suite != suite, "debian" not in s.uri.lower())):
        if source.is_security == wanted and "main" in source.components:
            fitting.setdefault((source.uri, source.signed_by), source)
    return list(fitting.values())


class AptRoot:
    """apt for one suite of one architecture of one mirror, in a folder of its own.

    One suite per root, because apt drops every index of an update when the mirror is
    inconsistent in one of them.
    """

    def __init__(self, folder: Path, uri: str, suite: str, arch: str, signed_by: str | None = None) -> None:
        for what, text, pattern in (
            ("mirror", uri, _URI),
            ("suite", suite, _SUITE),
            ("architecture", arch, _ARCH),
        ):
            if not pattern.match(text):
                raise UsageError(f"{text[:120]!r} cannot be a {what}")
        if re.search(r'["\\\n]', str(folder)):
            raise UsageError(f"apt cannot work in a folder of this name: {str(folder)[:200]!r}")
        self.folder = folder
        self.uri = uri
        self.suite = suite
        self.arch = arch
        self.signed_by = signed_by

    def update(self) -> None:
        """Fetch the signed index. AptError when the mirror has none, or the signature does not hold."""
        self._prepare()
        with self.locked():
            self._apt("apt-get", "-q", "-o", "APT::Update::Error-Mode=any", "update")

    def packages(self, prefix: str) -> Iterator[Package]:
        """The packages of the index whose names begin with `prefix`."""
        for stanza in self._apt("apt-cache", "dumpavail").split("\n\n"):
            if not stanza.startswith(f"Package: {prefix}"):
                continue
            fields = dict(
                re.findall(r"^(Package|Version|Architecture|Size|SHA256): (\S+)$", stanza, re.MULTILINE)
            )
            if len(fields) == 5 and fields["Size"].isdigit():
                yield Package(
                    fields["Package"],
                    fields["Version"],
                    fields["Architecture"],
                    int(fields["Size"]),
                    fields["SHA256"],
                )

    def download(self, package: Package, folder: Path) -> Path:
        """The package's file in `folder`, checked by apt against the signed index.

        A file that is already there is used when its digest is right. AptError when the mirror lost it.
        """
        from preflight.kernels.files import source_path

        for file in folder.glob(f"{package.name}_*.deb"):
            if source_path(file).sha256 == package.sha256:
                return file
            file.unlink()
        self._apt("apt-get", "-q", "download", f"{package.name}={package.version}", cwd=folder)
        for file in folder.glob(f"{package.name}_*.deb"):
            if source_path(file).sha256 != package.sha256:
                file.unlink()
                raise AptError(f"{file.name} is not the file the index describes")
            return file
        raise AptError(f"apt did not deliver {package.name} {package.version}")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Held while the index changes, so that two runs do not disturb each other."""
        with hold(self.folder / "lock"):
            yield

    def _prepare(self) -> None:
        for part in ("lists/partial", "cache/archives/partial", "etc/none"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        source = f"deb [arch={self.arch}{self._signed_by()}] {self.uri} {self.suite} main\n"
        _write(self.folder / "etc" / "sources.list", source)
        _write(self.folder / "etc" / "apt.conf", self._configuration())

    def _signed_by(self) -> str:
        if self.signed_by is None:
            return ""
        if "-----BEGIN" in self.signed_by:
            key = self.folder / "etc" / "signed-by.asc"
            _write(key, self.signed_by.strip() + "\n")
            return f" signed-by={key}"
        return f" signed-by={','.join(self.signed_by.replace(',', ' ').split())}"

    def _configuration(self) -> str:
        network = [line for line in _run(["apt-config", "dump"]).splitlines() if _NETWORK.match(line)]
        folder = self.folder
        return "\n".join(
            [
                *network,
                f'Dir::State "{folder}";',
                f'Dir::State::lists "{folder}/lists";',
                f'Dir::State::status "{folder}/status";',
                f'Dir::Cache "{folder}/cache";',
                f'Dir::Etc::sourcelist "{folder}/etc/sources.list";',
                *(
                    f'Dir::Etc::{part} "{folder}/etc/none";'
                    for part in ("sourceparts", "parts", "preferencesparts")
                ),
                f'Dir::Etc::main "{folder}/etc/none/apt.conf";',
                f'Dir::Etc::preferences "{folder}/etc/none/preferences";',
                f'APT::Architecture "{self.arch}";',
                f'APT::Architectures "{self.arch}";',
                'Acquire::Languages "none";',
                # Indexes stay as small as they come; one of apt's two caches is enough.
                'Acquire::GzipIndexes "true";',
                'Dir::Cache::srcpkgcache "";',
                'Acquire::AllowInsecureRepositories "false";',
                'Acquire::AllowWeakRepositories "false";',
                'APT::Get::AllowUnauthenticated "false";',
                "",
            ]
        )

    def _apt(self, *command: str, cwd: Path | None = None) -> str:
        return _run(command, config=self.folder / "etc" / "apt.conf", cwd=cwd)


def _write(path: Path, text: str) -> None:
    """Write a file unless it says so already: another run may be reading it."""
    if not path.exists() or path.read_text() != text:
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_text(text)
        temporary.replace(path)


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """An advisory lock on a file, made when absent; waits for whoever holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _run(command: Sequence[str], *, config: Path | None = None, cwd: Path | None = None) -> str:
    """Standard output of one of apt's tools. AptError with apt's own words when it fails."""
    if shutil.which(command[0]) is None:
        raise InstrumentError(f"{command[0]} is not installed: packages are fetched through the host's apt")
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    if config is not None:
        environment["APT_CONFIG"] = str(config)
    try:
        process = subprocess.Popen(
            list(command),
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )
    except OSError as error:
        raise AptError(f"{command[0]} cannot be started: {error.strerror}") from error
    try:
        output, said = process.communicate(timeout=_TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise AptError(f"{command[0]} did not finish within {_TIMEOUT} s") from error
    finally:
        _end(process)
    errors = said.decode("utf-8", "replace")
    if process.returncode:
        raise AptError(_complaint(errors) or f"{command[0]} failed", missing_keys="NO_PUBKEY" in errors)
    return output.decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """No process of apt's outlives an interrupt or a run that takes too long: those that download are
    children of the one that was started, and in its group."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _complaint(errors: str) -> str:
    """The first error of apt's, in one line; its later ones follow from it."""
    lines = [line[2:].strip() for line in errors.splitlines() if line.startswith(("E:", "W:"))]
    fatal = [line[2:].strip() for line in errors.splitlines() if line.startswith("E:")]
    keys = [line for line in lines if "NO_PUBKEY" in line]
    return next(iter(keys or fatal or lines), "")


def newer_keyring(sources: Sequence[Source], arch: str, folder: Path) -> Path:
    """The archive keyring as the host's own suites carry it now, verified with the keys the host has.

    For suites signed by keys younger than the host's installed keyring. InputError when no suite
    of the host carries one.
    """
    from preflight.kernels import deb

    folder.mkdir(parents=True, exist_ok=True)
    best: Path | None = None
    for number, source in enumerate(sources):
        if source.is_security or "main" not in source.components:
            continue
        root = AptRoot(folder / f"suite-{number}", source.uri, source.suite, arch, source.signed_by)
        try:
            root.update()
            packages = [
                p for p in root.packages("debian-archive-keyring") if p.name == "debian-archive-keyring"
            ]
            for package in packages:
                path = root.download(package, root.folder)
                for file in deb.files(path):
                    if (
                        re.fullmatch(r"usr/share/keyrings/debian-archive-keyring\.(gpg|pgp)", file.name)
                        and file.size
                    ):
                        target = folder / file.name.rpartition("/")[2]
                        data = file.read()
                        if best is None or len(data) > best.stat().st_size:
                            target.write_bytes(data)
                            best = target
        except AptError:
            continue
    if best is None:
        raise InputError("no suite of the host's apt carries debian-archive-keyring")
    return best
