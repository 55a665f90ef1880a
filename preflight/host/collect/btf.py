# SPDX-License-Identifier: Apache-2.0
"""PH1xx: every BTF file of the kernel, libbpf's search path, external BTF, and BTF by id."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preflight.errors import InputError
from preflight.facts import Evidence, Fact, known, unknown
from preflight.host.areas.btf import BtfFacts, BtfFile, BtfFormat, BtfPlace, ExternalBtf
from preflight.host.bpf import syscall as bpf
from preflight.host.bpf.attrs import Cmd
from preflight.host.codec import encode
from preflight.host.collect.look import unseen
from preflight.host.collect.session import BTF_LIMIT, VMLINUX_BTF, Session
from preflight.host.system import Reading, Seen, System

if TYPE_CHECKING:
    from preflight.btf import Btf

BTF_FOLDER = "/sys/kernel/btf"
#: More modules than any kernel has loaded.
_MAX_MODULES = 4096

#: What libbpf opens, in its order (btf__load_vmlinux_btf in src/btf.c, v1.1 to v1.6).
LIBBPF_PLACES = (
    VMLINUX_BTF,
    "/boot/vmlinux-{release}",
    "/lib/modules/{release}/vmlinux-{release}",
    "/lib/modules/{release}/build/vmlinux",
    "/usr/lib/modules/{release}/kernel/vmlinux",
    "/usr/lib/debug/boot/vmlinux-{release}",
    "/usr/lib/debug/boot/vmlinux-{release}.debug",
    "/usr/lib/debug/lib/modules/{release}/vmlinux",
)


def collect(session: Session) -> BtfFacts:
    """Read and parse all BTF of one system."""
    system = session.system
    vmlinux = _vmlinux(session)
    modules, unread = _modules(session)
    return BtfFacts(
        vmlinux=vmlinux,
        modules=modules,
        module_names_unread=unread,
        places=tuple(_place(system, path.format(release=system.release)) for path in LIBBPF_PLACES),
        external=_external(session, vmlinux.value),
        fd_by_id=_fd_by_id(session),
    )


def _vmlinux(session: Session) -> Fact[BtfFile]:
    if not session.vmlinux_head.is_present:
        return unseen(session.vmlinux_head)
    # Every reference of 100,000 types costs most of a second; the kernel checked its own at boot.
    file = _thorough(session) if session.options.full else _brief(session)
    command = f"bpftool btf dump file {VMLINUX_BTF} | tail -1"
    return known(file, Evidence("btf", _summary(file), command))


def _thorough(session: Session) -> BtfFile:
    parsed = session.vmlinux
    outcome = InputError("cannot be read") if parsed is None else parsed
    return _describe("vmlinux", session.vmlinux_reading, outcome, session.vmlinux_digest)


def _brief(session: Session) -> BtfFile:
    """The same without every reference; what was measured of these bytes before is not measured again."""
    digest = session.vmlinux_digest
    if not session.vmlinux_is_whole or not session.types.readable:
        outcome = session.vmlinux if isinstance(session.vmlinux, InputError) else InputError("cannot be read")
        return _describe("vmlinux", session.vmlinux_reading, outcome, digest)
    try:
        found = session.types.ask(
            "format", lambda btf: encode(_measured("vmlinux", session.vmlinux_reading, btf, digest))
        )
    except InputError as error:
        return _describe("vmlinux", session.vmlinux_reading, error, digest)
    return _decoded(found, "vmlinux")


def _module(session: Session, name: str, reading: Reading) -> BtfFile:
    """A module's file; its bytes on these bytes of the kernel's say the same every time."""
    digest = _sha256(reading.data)
    found = session.types.ask(
        f"module {digest}", lambda base: encode(_describe(name, reading, _parsed(reading.data, base), digest))
    )
    return _decoded(found, name)


def _decoded(found: dict[str, Any], name: str) -> BtfFile:
    """A file's facts from their JSON form."""
    level = found["format"]
    if level is not None:
        level = BtfFormat(**{**level, "kinds": tuple(level["kinds"])})
    return BtfFile(**{**found, "name": name, "format": level})


def _describe(name: str, reading: Reading, parsed: Btf | InputError, digest: str = "") -> BtfFile:
    """One file's facts, after a look at every reference and name. `digest` when it is known already."""
    digest = digest or _sha256(reading.data)
    if reading.truncated:
        parsed = InputError(f"larger than {BTF_LIMIT >> 20} MiB")
    if not isinstance(parsed, InputError):
        try:
            parsed.validate()
            return _measured(name, reading, parsed, digest)
        except InputError as error:
            parsed = error
    where = f" at offset {parsed.offset:#x}" if parsed.offset is not None else ""
    return BtfFile(name, len(reading.data), digest, error=f"{parsed.message}{where}")


def _measured(name: str, reading: Reading, btf: Btf, digest: str) -> BtfFile:
    from preflight.btf import kind_name
    from preflight.btf.wire import read_header

    begin, end = read_header(memoryview(reading.data)).strings
    level = btf.format_level()
    own = btf.type_count - btf.start_id
    return BtfFile(
        name=name,
        size=len(reading.data),
        sha256=digest,
        types=own,
        empty=own == 0,
        own_strings=end - begin > 1,
        format=BtfFormat(
            header_length=level.header_length,
            has_layout=level.has_layout,
            kinds=tuple(kind_name(kind) for kind in sorted(level.kinds)),
            max_vlen=level.max_vlen,
            byte_order=level.byteorder,
            tag_attributes=level.kflag_tags,
            newest_kind=max(level.kinds, default=0),
        ),
    )


def _sha256(data: bytes) -> str:
    from hashlib import sha256

    return sha256(data).hexdigest()


def _summary(file: BtfFile) -> str:
    if file.error is not None:
        return f"{file.name}: {file.size} bytes, does not parse: {file.error}"
    return f"{file.name}: {file.size} bytes, {file.types} types"


def _modules(session: Session) -> tuple[Fact[tuple[BtfFile, ...]], tuple[str, ...]]:
    """All split BTF files in the kernel's folder; names that are not module names are left out."""
    listing = session.system.names(BTF_FOLDER, _MAX_MODULES)
    if not listing.is_present:
        return unseen(listing), ()
    if not session.types.readable:
        reason = "module BTF continues the kernel's own BTF, which cannot be used"
        return unknown(reason, Evidence("btf", reason), decided_by="see PH101 and PH102"), ()
    files: list[BtfFile] = []
    unread: list[str] = []
    for name in listing.names:
        if name == "vmlinux" or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
            continue
        reading = session.system.read(f"{BTF_FOLDER}/{name}", BTF_LIMIT)
        if reading.is_present:
            files.append(_module(session, name, reading))
        elif reading.seen is not Seen.ABSENT:
            # A module may be unloaded between listing and reading; anything else is worth saying.
            unread.append(name)
    evidence = Evidence("btf", f"{len(files)} module BTF files", f"ls {BTF_FOLDER}")
    return known(tuple(files), evidence), tuple(unread)


def _parsed(data: bytes, base: Btf | None) -> Btf | InputError:
    from preflight.btf import Btf

    try:
        return Btf.parse(data, base)
    except InputError as error:
        return error


def _place(system: System, path: str) -> BtfPlace:
    reading = system.read(path, 8)
    if not reading.is_present:
        return BtfPlace(path, reading.seen.value, reading.seen.value)
    if reading.data[:2] in (b"\x9f\xeb", b"\xeb\x9f"):
        return BtfPlace(path, Seen.PRESENT.value, "raw BTF")
    if reading.data[:4] == b"\x7fELF":
        return BtfPlace(path, Seen.PRESENT.value, "ELF file, libbpf reads its .BTF section")
    return BtfPlace(path, Seen.PRESENT.value, "neither BTF nor ELF")


def _external(session: Session, own: BtfFile | None) -> Fact[ExternalBtf]:
    """This release's file in the user's directory: RELEASE.btf, or where BTFHub's archive keeps it."""
    folder = session.options.btf_dir
    release = session.system.release
    if folder is None:
        return unknown("no directory of external BTF was given", decided_by="--btf-dir DIRECTORY")
    path = _external_path(folder, f"{release}.btf", session.system.machine)
    if path is None:
        reason = f"the directory has no {release}.btf"
        return unknown(
            reason, Evidence("btf", reason), decided_by="fetch and unpack the file of this exact release"
        )
    reading = System("/").read(str(path.resolve()), BTF_LIMIT)
    if not reading.is_present:
        reason = f"{path.name} cannot be read ({reading.seen.value})"
        return unknown(reason, Evidence("btf", reason), decided_by=f"ls -l {path.name}")
    parsed = _parsed(reading.data, None)
    file = _describe(path.name, reading, parsed)
    plausible, note = _plausible(file, parsed, own)
    return known(ExternalBtf(file, plausible, note), Evidence("btf", f"{_summary(file)}; {note}"))


def _external_path(folder: Path, name: str, machine: str) -> Path | None:
    """BTFHub's archive keeps distribution/version/architecture/RELEASE.btf."""
    architecture = {"aarch64": "arm64"}.get(machine, machine)
    if (folder / name).is_file():
        return folder / name
    # The release is data: glob characters in it must not widen the search.
    escaped = re.sub(r"([*?[])", r"[\1]", name)
    return next(iter(sorted(folder.glob(f"*/*/{architecture}/{escaped}"))), None)


def _plausible(file: BtfFile, parsed: Btf | InputError, own: BtfFile | None) -> tuple[bool, str]:
    """Whether a file could describe this kernel: it parses, and holds the types every kernel has."""
    import sys

    from preflight.btf.kinds import Kind

    if file.error is not None or isinstance(parsed, InputError):
        return False, "does not parse"
    if own is not None and own.error is None:
        same = own.sha256 == file.sha256
        return (
            same,
            "identical with the kernel's own" if same else "differs from the kernel's own, which wins",
        )
    if parsed.byteorder != sys.byteorder:
        return False, f"is {parsed.byteorder}-endian, this machine is not"
    absent = [
        name for name in ("task_struct", "file", "sk_buff") if not parsed.ids_by_name(name, (Kind.STRUCT,))
    ]
    if absent:
        return False, f"has no struct {absent[0]}: a trimmed file, or not a kernel's"
    return True, "parses and holds a kernel's types; that it is this build's cannot be proved"


def _fd_by_id(session: Session) -> Fact[str]:
    """Ask for the first BTF object by id, which is what attaching to modules and other programs needs.

    The kernel's own BTF is loaded on first use, so an empty list answers ENOENT, not a refusal.
    """
    if not session.is_live:
        return unknown("only files of another system were given", decided_by="run preflight on that system")
    answer, identifier = bpf.next_id(Cmd.BTF_GET_NEXT_ID)
    what = "BPF_BTF_GET_NEXT_ID"
    if answer.ok:
        what = "BPF_BTF_GET_FD_BY_ID"
        with bpf.btf_fd_by_id(identifier) as answer:
            pass
    name = "OK" if answer.ok else answer.errno_name
    return known(name, Evidence("syscall", f"{what}: {name}", "bpftool btf show"))
