# SPDX-License-Identifier: Apache-2.0
"""The catalogue: a directory of entries, added whole or not at all.

An entry is written into a hidden directory and renamed into place; whoever looks sees all of
it or nothing, and where it replaces another one, either of them. One lock file orders the
renames, so that any number of runs may work at once. A hidden directory whose owner is gone
(its lock is free) is swept away by the next run.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from preflight.errors import InputError, InstrumentError, UsageError
from preflight.kernels import entry, trace_sites
from preflight.kernels.blob import Blob
from preflight.kernels.model import Kernel
from preflight.records import replace

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,127}\Z")
_DEPTH = 3
_NEW = ".new-"
_OLD = ".old-"
_LOCK = ".lock"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def default_root() -> Path:
    """`$XDG_DATA_HOME/preflight/kernels`, normally `~/.local/share/preflight/kernels`."""
    base = os.environ.get("XDG_DATA_HOME", "")
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "share"
    return root / "preflight" / "kernels"


class Store:
    """The catalogue in one directory; it need not exist until something is added."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or default_root()

    def names(self) -> list[str]:
        """Names of all entries, in the order versions are read (6.9 before 6.12)."""
        with self._shared():
            return sorted(self._walk(self.root, ""), key=natural)

    def _walk(self, folder: Path, prefix: str, depth: int = _DEPTH) -> Iterator[str]:
        try:
            children = sorted(child for child in folder.iterdir() if _PART.match(child.name))
        except FileNotFoundError:
            return
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", subject=str(folder)) from error
        for child in children:
            if not child.is_dir():
                continue
            if entry.is_entry(child):
                yield prefix + child.name
            elif depth > 1:
                yield from self._walk(child, f"{prefix}{child.name}/", depth - 1)

    def __contains__(self, name: str) -> bool:
        return _valid(name) and entry.is_entry(self.root / name)

    def get(self, name: str) -> Kernel:
        """The kernel of that name. UsageError when there is none, InputError when it is damaged."""
        with self._shared():
            if name not in self:
                raise UsageError(f"no kernel {name[:120]!r} in the catalogue {self.root}")
            return entry.read(self.root / name, name)

    def btf_digest(self, name: str) -> str:
        """The SHA-256 of a kernel's BTF, from what its entry records where that is of the BTF itself."""
        recorded = entry.read_facts(self.root / name).digests.get(entry.BTF)
        return recorded[1] if recorded else self.get(name).btf_sha256

    def btf_of(self, digest: str) -> Blob | None:
        """The BTF of that digest, of whichever kernel has it; None when none does, or only damaged ones."""
        for name in self.names():
            try:
                if self.btf_digest(name) == digest:
                    return self.get(name).contents.btf
            except InputError:
                continue
        return None

    def match(self, pattern: str) -> list[str]:
        """Names that a shell pattern matches; a pattern without `/` is also tried on the last part."""
        from fnmatch import fnmatchcase

        return [
            name
            for name in self.names()
            if fnmatchcase(name, pattern)
            or ("/" not in pattern and fnmatchcase(name.rpartition("/")[2], pattern))
        ]

    def add(
        self, kernel: Kernel, name: str | None = None, *, replace_existing: bool = False, packed: bool = False
    ) -> Kernel:
        """Write a kernel's facts as the entry `name` (default: its own name) and return it from there.

        The BTF must parse. An entry that holds the same facts is left alone, or mended where its files
        are damaged; another one under the same name is an InputError unless `replace_existing`.
        InstrumentError when there is no room or no permission; then the catalogue is as it was.
        `packed` keeps the files as `.xz`: a quarter of the size, and a quarter of a second more to read.
        """
        name = name or kernel.name
        if not _valid(name):
            raise UsageError(
                f"{name[:120]!r} cannot be a catalogue name: letters, digits and ._+~- in at most 3 parts"
            )
        kernel = Kernel(replace(kernel.identity, name=name), kernel.contents, kernel.provenance)
        self._validate(kernel)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with self._workspace() as folder:
                _write(kernel, folder, packed)
                self._place(folder, name, replace_existing)
                return self.get(name)
        except OSError as error:
            raise InstrumentError(_not_written(name, self.root, error)) from error

    def remove(self, name: str) -> None:
        """Take an entry out of the catalogue. UsageError when there is none of that name."""
        if name not in self:
            raise UsageError(f"no kernel {name[:120]!r} in the catalogue {self.root}")
        try:
            with self._locked():
                self._discard(self.root / name)
                with contextlib.suppress(OSError):
                    (self.root / name).parent.rmdir()
        except OSError as error:
            raise InstrumentError(f"cannot remove {name}: {error.strerror}") from error

    def verify(self, name: str) -> list[str]:
        """What is wrong with an entry, one sentence each; empty when every digest and the BTF are right."""
        folder = self.root / name
        try:
            kernel = self.get(name)
            digests = entry.read_facts(folder).digests
        except InputError as error:
            return [str(error)]
        if not digests:
            return [f"{entry.FACTS} records no digests"]
        problems = _damages(folder, digests)
        present = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} - {entry.FACTS}
        problems += [f"{file}: not recorded" for file in sorted(present - set(digests))]
        try:
            self._validate(kernel)
        except InputError as error:
            problems.append(str(error))
        return problems

    @staticmethod
    def _validate(kernel: Kernel) -> None:
        """Look at every type, in a BTF of its own because it leaves all of them decoded, and at the sites."""
        from preflight.btf import Btf

        try:
            Btf.parse(kernel.contents.btf.read()).validate()
            if kernel.contents.sites is not None:
                trace_sites.parse(kernel.contents.sites.read()).validate()
        except InputError as error:
            raise error.about(kernel.name) from None

    @contextlib.contextmanager
    def _shared(self) -> Iterator[None]:
        """No renames meanwhile. A catalogue that nobody has written to, or that is not ours, has no lock."""
        try:
            handle = os.open(self.root / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            yield
            return
        try:
            fcntl.flock(handle, fcntl.LOCK_SH)
            yield
        finally:
            os.close(handle)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        handle = os.open(self.root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    @contextlib.contextmanager
    def _workspace(self) -> Iterator[Path]:
        """A hidden directory of our own, locked while we live, gone afterwards."""
        import shutil
        import tempfile

        with self._locked():
            self._sweep()
            folder = Path(tempfile.mkdtemp(prefix=_NEW, dir=self.root))
            handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)

    def _sweep(self) -> None:
        """Remove hidden directories whose owners are gone."""
        import shutil

        for folder in [*self.root.glob(f"{_NEW}*"), *self.root.glob(f"{_OLD}*")]:
            try:
                handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:  # its owner has just finished
                continue
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            except BlockingIOError:
                pass
            finally:
                os.close(handle)

    def _place(self, folder: Path, name: str, replace_existing: bool) -> None:
        target = self.root / name
        with self._locked():
            if any(entry.is_entry(parent) for parent in target.parents if parent.is_relative_to(self.root)):
                raise UsageError(f"{name[:120]!r} would lie inside another entry")
            if next(self._walk(target, ""), None) is not None:
                raise UsageError(f"{name[:120]!r} is a folder of other entries")
            if target.exists():
                same = _same(folder, target)
                if same and not _damages(target, entry.read_facts(target).digests):
                    return
                if not same and not replace_existing:
                    raise InputError(
                        "the catalogue already has another kernel of this name; "
                        "give it another name or replace it",
                        subject=name,
                    )
            # The directory was made private by mkdtemp; an entry is as public as the umask allows.
            mask = os.umask(0)
            os.umask(mask)
            folder.chmod(0o777 & ~mask)
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                folder.rename(target)
            elif not _exchanged(folder, target):
                self._discard(target)
                folder.rename(target)
            _sync(target.parent)

    def _discard(self, target: Path) -> None:
        """Out of sight in one step, then gone."""
        import shutil
        import tempfile

        grave = Path(tempfile.mkdtemp(prefix=_OLD, dir=self.root))
        target.rename(grave / "entry")
        shutil.rmtree(grave, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Let two directories change places in one step, so that who reads the one finds either; else False.

    renameat2(2) with RENAME_EXCHANGE, which Python does not offer, and some file systems do not.
    """
    import ctypes

    at_cwd, exchange = -100, 2
    try:
        rename = ctypes.CDLL(None).renameat2
    except (OSError, AttributeError):
        return False
    return bool(rename(at_cwd, os.fsencode(one), at_cwd, os.fsencode(other), exchange) == 0)


def _not_written(name: str, root: Path, error: OSError) -> str:
    if error.errno in _NO_ROOM:
        return f"no room for {name} in {root}; nothing was added"
    return f"cannot write to {root}: {error.strerror}; nothing was added"


def _write(kernel: Kernel, folder: Path, packed: bool) -> None:
    from hashlib import sha256

    digests: dict[str, tuple[int, str]] = {}
    if kernel.contents.modules is not None:
        (folder / entry.MODULES).mkdir()
    for file, blob in entry.files_of(kernel.contents):
        if packed:
            import lzma

            data = lzma.compress(blob.read(), preset=9 | lzma.PRESET_EXTREME)
            stored = f"{file}.xz"
        else:
            data, stored = blob.read(), file
        digests[stored] = (len(data), sha256(data).hexdigest())
        _write_file(folder / stored, data)
    _write_file(folder / entry.FACTS, entry.facts_json(kernel, digests))
    _sync(folder)


def _write_file(path: Path, data: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _same(one: Path, other: Path) -> bool:
    """Whether two entries record the same files with the same digests."""
    try:
        return entry.read_facts(one).digests == entry.read_facts(other).digests
    except InputError:
        return False


def _damages(folder: Path, digests: Mapping[str, tuple[int, str]]) -> list[str]:
    """Which of the recorded files are not as they were recorded, one sentence each."""
    from hashlib import sha256

    problems = []
    for file, (size, digest) in sorted(digests.items()):
        try:
            data = (folder / file).read_bytes() if _inside(file) else b""
        except OSError as error:
            problems.append(f"{file}: {error.strerror}")
            continue
        if len(data) != size:
            problems.append(f"{file}: {len(data)} bytes, recorded were {size}")
        elif sha256(data).hexdigest() != digest:
            problems.append(f"{file}: the content is not what was recorded")
    return problems


def _valid(name: str) -> bool:
    parts = name.split("/")
    return len(parts) <= _DEPTH and all(_PART.match(part) for part in parts)


def _inside(file: str) -> bool:
    """A file name from kernel.json that stays within the entry."""
    path = Path(file)
    return not path.is_absolute() and ".." not in path.parts and "\0" not in file


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sorting key that compares digits as numbers."""
    return tuple(
        (1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.findall(r"[0-9]+|[^0-9]+", name)
    )
