# SPDX-License-Identifier: Apache-2.0
"""Facts about this host for `preflight fleet`, without installation: Python 3.6 or newer and nothing else.

    python3 collect_facts.py [-o FILE] [--with-btf] [--label KEY=VALUE]... [--key-file FILE]

Writes one facts file, schema preflight.facts/1. Tiny programs and maps are loaded and closed at once; nothing
is attached or pinned. No host name, user, path, address, machine id or command line is taken. What this
script does not ask is unknown to whoever reads the file, and never "no".
"""

import argparse
import base64
import ctypes
import errno
import gzip
import hashlib
import hmac
import json
import lzma
import os
import re
import resource
import struct
import sys
import tempfile
import time
from typing import Any, Dict, List, Optional, Tuple

# These constants are filled in by `preflight collect --emit-script`, from the tables preflight itself uses.
VERSION = "@VERSION@"
KEPT_OPTIONS = "@KEPT_OPTIONS@"
PLAIN_VALUES = "@PLAIN_VALUES@"
CAPABILITIES = []  # type: List[str]
SYSCALLS = {}  # type: Dict[str, int]

LIMIT = 64 << 20
SMALL = 1 << 20
LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?\Z")
INITIAL_USER_NAMESPACE = "user:[4026531837]"
ENOTSUPP = 524

#: Ways to load a program type: name, type and its number, attach type and its number ("" and 0: none), flags,
#: what attach_btf_id names ("", func or typedef) and its names; and whether helpers are asked.
VEHICLES = []  # type: List[Tuple[str, str, int, str, int, int, str, List[str], bool]]
#: Attach types that a load answers for, in the same form.
FEATURES = []  # type: List[Tuple[str, str, int, str, int, int, str, List[str], bool]]
#: Surfaces: name, program type and its number, attach type and its number, target as above, what it returns.
SURFACES = []  # type: List[Tuple[str, str, int, str, int, str, List[str], int]]
#: Map types: name, number, bytes of key and value, entries, flags, whether key and value are typed,
#: type of the inner map, whether entries are a page, map_extra.
MAP_TYPES = []  # type: List[Tuple[str, int, int, int, int, int, bool, int, bool, int]]
#: The instruction set: name, level, and instructions as code, registers (dst, src), offset, immediate.
ABILITIES = []  # type: List[Tuple[str, str, List[Tuple[int, int, int, int, int]]]]
#: Names of helpers by number, for a kernel without BTF; and those that write to the kernel log.
HELPERS = []  # type: List[str]
LOGGING = []  # type: List[str]
#: Functions that are in a kernel's BTF where a type was built: program types, map types.
BUILT = []  # type: List[Dict[str, str]]
#: Other names looked up in BTF for attach surfaces: functions, structs, attach types.
SEEN_NAMES = []  # type: List[List[str]]
#: Log lines about helpers with their meaning, lines by which the kernel lacks something, or refuses a caller.
WORDINGS = []  # type: List[Tuple[str, str]]
LACKS = []  # type: List[str]
DENIES = []  # type: List[str]
#: Lines of a log that say nothing: statistics, trace.
SILENT = []  # type: List[str]
#: Kernel options that attach surfaces depend on; capabilities that surfaces' programs take, by type.
SURFACE_OPTIONS = []  # type: List[str]
#: perf_event_open(2) by machine, identifiers of security modules, inodes of initial namespaces.
PERF_NUMBERS = {}  # type: Dict[str, int]
LSM_IDS = {}  # type: Dict[int, str]
INITIAL_INODES = {}  # type: Dict[str, int]
#: How many bytes follow each kind of a BTF type, and per member: Documentation/bpf/btf.rst.
BTF_TAIL = {
    1: (4, 0), 3: (12, 0), 4: (0, 12), 5: (0, 12), 6: (0, 8), 13: (0, 8), 14: (4, 0), 15: (0, 12), 17: (4, 0),
    19: (0, 12),
}  # fmt: skip


def known(value: Any, source: str, detail: str, command: Optional[str] = None) -> Dict[str, Any]:
    return {"value": value, "evidence": [{"source": source, "detail": detail, "command": command}]}


def unknown(reason: str, decided_by: Optional[str] = None) -> Dict[str, Any]:
    return {"reason": reason, "decided_by": decided_by, "evidence": []}


def read(path: str, limit: int = SMALL) -> Tuple[Optional[bytes], str]:
    """The bytes of a file, or None and why not."""
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        return None, "%s: %s" % (path, errno.errorcode.get(error.errno or 0, "cannot be read"))
    return (None, path + ": too large") if len(data) > limit else (data, "")


def text_of(path: str) -> Tuple[Optional[str], str]:
    data, why = read(path)
    return (None, why) if data is None else (data.decode("utf-8", "replace").strip(), "")


def number_fact(path: str, name: str) -> Dict[str, Any]:
    """A sysctl that is a number."""
    text, why = text_of(path)
    if text is None:
        return unknown(why, "sysctl " + name)
    if not re.match(r"-?[0-9]{1,18}\Z", text):
        return unknown(path + ": is no number")
    return known(int(text), "procfs", "%s = %s" % (name, text), "sysctl " + name)


# --- the kernel


def parse_config(text: str) -> Dict[str, str]:
    options = {}
    unset = " is not set"
    for line in text.splitlines():
        if line.startswith("CONFIG_") and "=" in line:
            name, _, value = line.partition("=")
            options[name] = value
        elif line.startswith("# CONFIG_") and line.endswith(unset):
            options[line[2 : -len(unset)]] = "n"
    return options


def seen_as(why: str) -> str:
    """Why a file could not be read, in the words of `preflight collect`."""
    name = why.rpartition(": ")[2]
    if name == "ENOENT":
        return "absent"
    return "%s (%s)" % ("forbidden" if name in ("EACCES", "EPERM") else "error", name)


def plain_options(config: bytes) -> Dict[str, str]:
    """All options without their prefix."""
    options = parse_config(config.decode("utf-8", "surrogateescape"))
    return {name[len("CONFIG_") :]: value for name, value in options.items()}


def find_config(release: str) -> Tuple[Optional[bytes], str, List[Dict[str, str]]]:
    """The configuration's text, where it was, and what was seen in every place."""
    tried = []
    places = (
        ("/proc/config.gz", "/proc/config.gz"),
        ("/boot/config-RELEASE", "/boot/config-" + release),
        ("/lib/modules/RELEASE/config", "/lib/modules/" + release + "/config"),
    )
    for place, path in places:
        data, why = read(path, LIMIT)
        if data is not None and path.endswith(".gz"):
            try:
                data = gzip.decompress(data)
            except (OSError, EOFError):
                data = None
        if data is not None and parse_config(data.decode("utf-8", "surrogateescape")):
            tried.append({"place": place, "seen": "read"})
            return data, place, tried
        tried.append({"place": place, "seen": seen_as(why) if why else "is not a kernel configuration"})
    return None, "", tried


def config_fact(data: Optional[bytes], place: str) -> Dict[str, Any]:
    if data is None:
        return unknown("no kernel configuration could be read", "mount /boot or /lib/modules read-only")
    options = parse_config(data.decode("utf-8", "surrogateescape"))
    kept = {}
    for name, value in options.items():
        plain = name[len("CONFIG_") :]
        lsm = plain == "LSM" and re.match(r'"?[a-z0-9_,]{0,256}"?\Z', value)
        if re.match("(?:%s)\\Z" % KEPT_OPTIONS, plain) and (
            re.match("(?:%s)\\Z" % PLAIN_VALUES, value) or lsm
        ):
            kept[plain] = value.strip('"')
    return known(
        {"source": place, "options": kept, "total": len(options)},
        "config",
        "%s: %d options" % (place, len(options)),
    )


def symbol_names() -> Optional[bytes]:
    """Lines `TYPE NAME [MODULE]`, sorted, without addresses and without the programs that somebody loaded."""
    data, _ = read("/proc/kallsyms", LIMIT)
    if not data:
        return None
    lines = []
    for line in data.decode("utf-8", "surrogateescape").splitlines():
        words = line.split()
        if len(words) >= 3 and len(words[0]) > 1:
            del words[0]
        if len(words) >= 2 and len(words[0]) == 1 and words[2:3] != ["[bpf]"]:
            lines.append(" ".join(words[:3]) + "\n")
    return "".join(sorted(lines)).encode("utf-8", "surrogateescape")


def content(data: bytes, carried: bool) -> Dict[str, Any]:
    described = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}  # type: Dict[str, Any]
    if carried:
        described["xz"] = base64.b64encode(lzma.compress(data, preset=6)).decode("ascii")
    return described


class Btf:
    """Names looked up in the kernel's BTF. `readable` is False where there is none, or a damaged one."""

    def __init__(self, data: Optional[bytes]) -> None:
        self.types, self.error = 0, ""
        self.ids = {}  # type: Dict[Tuple[int, str], int]
        self.enums = {}  # type: Dict[str, Dict[str, int]]
        self.readable = False
        if data is not None:
            try:
                self._walk(data)
                self.readable = self.types > 0
            except (struct.error, ValueError) as error:
                self.error = "ends early" if isinstance(error, struct.error) else str(error)

    def _walk(self, data: bytes) -> None:
        order = "<" if data[:2] == b"\x9f\xeb" else ">"
        magic, version, _, header, start, length, strings, size = struct.unpack_from(order + "HBBIIIII", data)
        at, end = header + start, header + start + length
        if magic != 0xEB9F or version != 1 or end > len(data):
            raise ValueError("no BTF")
        names = data[header + strings : header + strings + size]
        wanted = {}
        for name in wanted_names():
            offset = names.find(b"\0" + name.encode() + b"\0")
            if offset >= 0:
                wanted[offset + 1] = name
        head = struct.Struct(order + "III")
        while at < end:
            offset, info, _ = head.unpack_from(data, at)
            kind, count = info >> 24 & 0x1F, info & 0xFFFF
            fixed, each = BTF_TAIL.get(kind, (0, 0))
            self.types += 1
            if offset in wanted:
                self.ids.setdefault((kind, wanted[offset]), self.types)
                if kind == 6 and wanted[offset] not in self.enums:
                    self.enums[wanted[offset]] = self._values(data, at + 12, count, order, names)
            at += 12 + fixed + each * count
        if at != end:
            raise ValueError("a type crosses the end")

    @staticmethod
    def _values(data: bytes, at: int, count: int, order: str, names: bytes) -> Dict[str, int]:
        found = {}
        for offset, value in struct.iter_unpack(order + "Ii", data[at : at + 8 * count]):
            found[names[offset : names.index(b"\0", offset)].decode("ascii", "replace")] = value
        return found

    def id(self, kind: int, name: str) -> int:
        """The id of a typedef (8), struct (4) or function (12); 0 where there is none."""
        return self.ids.get((kind, name), 0)

    def counts(self, enum: str, number: int) -> Optional[bool]:
        """The same of a value's number."""
        return number in self.enums[enum].values() if enum in self.enums else None

    def has_function(self, name: Optional[str]) -> Optional[bool]:
        """Whether there is such a function; None where nobody can tell, or nothing was asked."""
        return bool(self.id(12, name)) if name and self.readable else None

    def lists(self, enum: str, name: str) -> Optional[bool]:
        """Whether an enum has a value of that name; None where the enum is not known."""
        return name in self.enums[enum] if enum in self.enums else None


def wanted_names() -> List[str]:
    names = ["bpf_func_id", "bpf_prog_type", "bpf_map_type", "bpf_attach_type", "bpf_lsm_file_open"]
    for table in (VEHICLES, FEATURES):
        names += [name for row in table for name in row[7]]
    names += [name for row in SURFACES for name in row[6]]
    names += [name for table in BUILT for name in table.values()]
    return sorted(set(names + [name for group in SEEN_NAMES[:2] for name in group]))


def btf_area(btf: Optional[bytes], why: str, names: Btf) -> Dict[str, Any]:
    path = "/sys/kernel/btf/vmlinux"
    if btf is None:
        vmlinux = unknown(why, "ls -l " + path)
    else:
        file = {"name": "vmlinux", "size": len(btf), "sha256": hashlib.sha256(btf).hexdigest()}  # type: Dict[str, Any]
        if names.error:
            file["error"] = names.error
        else:
            file["types"] = names.types
            file["empty"] = not names.types
        vmlinux = known(file, "btf", "vmlinux: %d bytes" % len(btf))
    seen = "present" if btf is not None else "absent" if why.endswith("ENOENT") else "forbidden"
    return {
        "vmlinux": vmlinux,
        "module_names_unread": [],
        "places": [{"path": path, "seen": seen, "note": "raw BTF" if btf is not None else seen}],
    }


# --- the point of view


def context_area(
    release: str, config: Optional[bytes], place: str, tried: List[Dict[str, str]]
) -> Dict[str, Any]:
    names = os_release()
    hints = [
        {"kind": kind, "seen": path + " exists"}
        for kind, path in (("docker", "/.dockerenv"), ("podman", "/run/.containerenv"))
        if os.path.exists(path)
    ]
    return {
        "release": release,
        "distribution": names.get("ID") or unknown("/etc/os-release names none"),
        "distribution_version": names.get("VERSION_ID") or unknown("/etc/os-release names none"),
        "machine": os.uname().machine,
        "byte_order": sys.byteorder,
        "page_size": resource.getpagesize(),
        "python_bits": struct.calcsize("P") * 8,
        "namespaces": [namespace(kind, inode) for kind, inode in INITIAL_INODES.items()],
        "container": hints,
        "sandbox": [],
        "config": config_fact(config, place),
        "config_tried": tried,
    }


def namespace(kind: str, inode: int) -> Dict[str, Any]:
    try:
        link = os.readlink("/proc/self/ns/" + kind)
    except OSError:
        return {"kind": kind, "initial": unknown("/proc/self/ns/%s cannot be read" % kind)}
    if link == "%s:[%d]" % (kind, inode):
        return {"kind": kind, "initial": known(True, "procfs", "inode is %d, the initial one" % inode)}
    if kind in ("net", "mnt"):
        return {"kind": kind, "initial": unknown("before Linux 6.19 these have no fixed inode")}
    return {"kind": kind, "initial": known(False, "procfs", "the inode is not the initial one")}


def os_release() -> Dict[str, Dict[str, Any]]:
    text, _ = text_of("/etc/os-release")
    found = {}
    for line in (text or "").splitlines():
        match = re.match(r"(ID|VERSION_ID)=\"?([A-Za-z0-9._-]{1,60})\"?\Z", line.strip())
        if match:
            found[match.group(1)] = known(match.group(2), "procfs", "%s=%s" % match.groups())
    return found


def status() -> Dict[str, str]:
    text, _ = text_of("/proc/self/status")
    return dict(line.split(":\t", 1) for line in (text or "").splitlines() if ":\t" in line)


def capability_set(mask: str) -> List[str]:
    bits = int(mask, 16)
    return sorted(
        CAPABILITIES[bit] if bit < len(CAPABILITIES) else "CAP_%d" % bit
        for bit in range(64)
        if bits >> bit & 1
    )


def privilege_area() -> Dict[str, Any]:
    lines = status()
    found = {
        "is_uid_zero": os.geteuid() == 0,
        "memlock": dict(
            zip(("soft", "hard"), (none_if_unlimited(n) for n in resource.getrlimit(resource.RLIMIT_MEMLOCK)))
        ),
        "unprivileged_bpf": number_fact(
            "/proc/sys/kernel/unprivileged_bpf_disabled", "kernel.unprivileged_bpf_disabled"
        ),
        "perf_event_paranoid": number_fact(
            "/proc/sys/kernel/perf_event_paranoid", "kernel.perf_event_paranoid"
        ),
        "kptr_restrict": number_fact("/proc/sys/kernel/kptr_restrict", "kernel.kptr_restrict"),
        "capability_last": number_fact("/proc/sys/kernel/cap_last_cap", "kernel.cap_last_cap"),
    }  # type: Dict[str, Any]
    try:
        sets = {
            name: capability_set(lines[key])
            for name, key in (("effective", "CapEff"), ("permitted", "CapPrm"), ("bounding", "CapBnd"))
        }
        found["capabilities"] = known(
            sets, "procfs", "Cap lines of /proc/self/status", "grep Cap /proc/self/status"
        )
    except (KeyError, ValueError):
        pass
    if lines.get("Seccomp", "").isdigit():
        mode = int(lines["Seccomp"])
        filters = lines.get("Seccomp_filters", "")
        value = {"mode": mode, "filters": int(filters) if filters.isdigit() else None}
        found["seccomp"] = known(value, "procfs", "Seccomp: %d" % mode)
    if lines.get("NoNewPrivs", "") in ("0", "1"):
        found["no_new_privs"] = known(
            lines["NoNewPrivs"] == "1", "procfs", "NoNewPrivs: " + lines["NoNewPrivs"]
        )
    try:
        initial = os.readlink("/proc/self/ns/user") == INITIAL_USER_NAMESPACE
        found["user_namespace_initial"] = known(initial, "procfs", "inode of /proc/self/ns/user")
    except OSError:
        pass
    for name, arguments in (("perf_self", (0, -1, True)), ("perf_system", (-1, 0, False))):
        opened = perf_answer(1, 9, *arguments)
        if opened is not None:
            found[name] = known(
                "OK" if opened == "ok" else opened, "syscall", "perf_event_open(2): " + opened
            )
    hidden = addresses_hidden()
    if hidden is not None:
        found["kallsyms_hidden"] = known(hidden, "procfs", "addresses of /proc/kallsyms")
    answer = bpf_answer(0, ctypes.create_string_buffer(1 << 17), 1 << 17)
    if answer is not None:
        found["bpf_syscall"] = known(error_name(answer), "syscall", "bpf(2) with an impossible size")
    return found


def addresses_hidden() -> Optional[bool]:
    """Whether every address of the first symbols reads as zero; None where there is nothing to read."""
    try:
        with open("/proc/kallsyms", "rb") as file:
            addresses = [file.readline().split(b" ")[0] for _ in range(64)]
    except OSError:
        return None
    shown = [address for address in addresses if address]
    return all(not address.strip(b"0") for address in shown) if shown else None


def none_if_unlimited(value: int) -> Optional[int]:
    return None if value < 0 else value


def policy_area(btf: Btf) -> Dict[str, Any]:
    found = {
        "jit_harden": number_fact("/proc/sys/net/core/bpf_jit_harden", "net.core.bpf_jit_harden"),
        "panic_on_warn": number_fact("/proc/sys/kernel/panic_on_warn", "kernel.panic_on_warn"),
    }  # type: Dict[str, Any]
    text, why = text_of("/sys/kernel/security/lockdown")
    match = re.search(r"\[(none|integrity|confidentiality)\]", text or "")
    if match:
        found["lockdown"] = known(match.group(1), "sysfs", "/sys/kernel/security/lockdown")
    else:
        found["lockdown"] = unknown(
            why or "no level is marked", "mount -t securityfs none /sys/kernel/security"
        )
    lsm = lsm_fact()
    found["lsm_active"] = lsm
    names = lsm.get("value")
    if names is not None:
        shown = (lsm["evidence"][0]["source"], lsm["evidence"][0]["detail"])
        if "selinux" in names:
            enforce, _ = text_of("/sys/fs/selinux/enforce")
            if enforce in ("0", "1"):
                found["selinux"] = known(
                    {"enforcing": enforce == "1", "domain": None}, "sysfs", "enforce: " + enforce
                )
        else:
            found["selinux"] = known(None, *shown)
        if "apparmor" not in names:
            found["apparmor"] = known(None, *shown)
    hook = btf.has_function("bpf_lsm_file_open")
    if hook is not None:
        found["bpf_lsm_hook"] = known(hook, "btf", "bpf_lsm_file_open")
    if not os.path.isdir("/sys/firmware/efi") and os.path.isdir("/sys/firmware"):
        found["secure_boot"] = known(None, "sysfs", "not booted by EFI")
    return found


def lsm_fact() -> Dict[str, Any]:
    """The active security modules, from securityfs or lsm_list_modules(2) (Linux 6.8)."""
    text, why = text_of("/sys/kernel/security/lsm")
    if text is not None:
        names = [name for name in text.split(",") if re.match(r"[a-z0-9_]{1,32}\Z", name)]
        return known(names, "sysfs", "/sys/kernel/security/lsm")
    if struct.calcsize("P") == 8:
        room = (ctypes.c_uint64 * 64)()
        size = ctypes.c_uint32(ctypes.sizeof(room))
        count = system_call(461, ctypes.byref(room), ctypes.byref(size), ctypes.c_uint32(0))
        if count >= 0:
            listed = [LSM_IDS.get(one, "lsm-%d" % one) for one in room[: min(count, 64)]]
            return known(listed, "syscall", "lsm_list_modules(2): " + ", ".join(listed))
    return unknown(why, "mount -t securityfs none /sys/kernel/security")


def resources_area() -> Dict[str, Any]:
    found = {"jit_enable": number_fact("/proc/sys/net/core/bpf_jit_enable", "net.core.bpf_jit_enable")}
    mounts, _ = text_of("/proc/self/mounts")
    if mounts is not None:
        lines = [line.split() for line in mounts.splitlines()]
        here = [words for words in lines if words[1:3] == ["/sys/fs/bpf", "bpf"]]
        other = [words for words in lines if words[2:3] == ["bpf"] and words[1] != "/sys/fs/bpf"]
        readonly = bool(here) and "ro" in here[-1][3].split(",")
        value = {
            "mounted": bool(here),
            "writable": bool(here) and os.access("/sys/fs/bpf", os.W_OK),
            "readonly": readonly,
            "elsewhere": len(other),
        }
        found["bpffs"] = known(value, "procfs", "/proc/self/mounts", "mount -t bpf")
    return found


# --- bpf(2)


def system_call(number: int, *arguments: Any) -> int:
    """syscall(2): its value, or minus errno."""
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    value = call(ctypes.c_long(number), *arguments)
    return int(value) if value >= 0 else -(ctypes.get_errno() or errno.EIO)


def bpf_number() -> Optional[int]:
    machine = os.uname().machine
    if struct.calcsize("P") == 4:
        machine = {"x86_64": "i386", "aarch64": "armv7l"}.get(machine, machine)
    return SYSCALLS.get(machine)


def bpf_call(command: int, attributes: Any, size: int) -> Optional[int]:
    """bpf(2): a descriptor, or minus errno; None where its number is not known."""
    number = bpf_number()
    if number is None:
        return None
    value = -errno.EAGAIN
    for _ in range(5):
        value = system_call(number, ctypes.c_int(command), attributes, ctypes.c_uint(size))
        if value != -errno.EAGAIN:
            break
    return value


def bpf_answer(command: int, attributes: Any, size: int) -> Optional[int]:
    """errno of one bpf(2), 0 when it was done (and closed)."""
    value = bpf_call(command, attributes, size)
    if value is not None and value >= 0:
        os.close(value)
        return 0
    return None if value is None else -value


def perf_answer(kind: int, config: int, process: int, cpu: int, user_only: bool) -> Optional[str]:
    """Errno name of opening a disabled perf event, closed at once; None on an unknown machine."""
    number = PERF_NUMBERS.get(os.uname().machine)
    if number is None or struct.calcsize("P") != 8:
        return None
    flags = 1 | (1 << 5 | 1 << 6 if user_only else 0)
    attributes = struct.pack("=IIQQQQQIIQQ", kind, 72, config, 0, 0, 0, flags, 0, 0, 0, 0)
    value = system_call(
        number, ctypes.c_char_p(attributes), ctypes.c_int(process), ctypes.c_int(cpu), ctypes.c_int(-1),
        ctypes.c_ulong(8),
    )  # fmt: skip
    if value >= 0:
        os.close(value)
    return error_name(-min(value, 0))


def error_name(number: int) -> str:
    special = {0: "ok", ENOTSUPP: "ENOTSUPP", errno.EOPNOTSUPP: "EOPNOTSUPP"}
    return special.get(number) or errno.errorcode.get(number, "errno %d" % number)


def messages(log: bytes) -> List[str]:
    """Lines of a log that are neither trace nor statistics."""
    lines = [line.strip("\0") for line in log.decode("utf-8", "backslashreplace").splitlines()]
    return [line[:300] for line in lines if not any(re.fullmatch(one, line) for one in SILENT)][:32]


def meaning_of(line: str) -> Optional[str]:
    return next((meaning for pattern, meaning in WORDINGS if re.fullmatch(pattern, line)), None)


def trial(error: Optional[int], log: bytes = b"") -> Dict[str, str]:
    """What one load or creation says, read as preflight reads it."""
    if error is None:
        return {"state": "not-tried", "reason": "the number of bpf(2) on this machine is not known"}
    state, line = load_state(error, log)
    return {"state": state, "errno": error_name(error), "line": line}


def load_state(error: int, log: bytes) -> Tuple[str, str]:
    if error == 0:
        return "works", ""
    lines = messages(log)
    for line in lines:
        if any(re.fullmatch(one, line) for one in LACKS) or meaning_of(line) in (
            "not-for-type", "unknown-id", "cannot-sleep",
        ):  # fmt: skip
            return "unsupported", line
        if any(re.fullmatch(one, line) for one in DENIES):
            return "denied", line
    if lines:
        return "inconclusive", lines[0]
    if error in (errno.EPERM, errno.EACCES):
        return "denied", ""
    if not log and error in (errno.EINVAL, errno.EOPNOTSUPP, ENOTSUPP):
        return "unsupported", ""
    return "inconclusive", ""


def instruction(code: int, dst: int, src: int, off: int, imm: int) -> bytes:
    registers = src << 4 | dst if sys.byteorder == "little" else dst << 4 | src
    return struct.pack("=BBhi", code, registers, off, imm)


def returning(value: int) -> bytes:
    """`r0 = VALUE; exit`"""
    return instruction(0xB7, 0, 0, 0, value) + instruction(0x95, 0, 0, 0, 0)


class Program:
    """The arguments of one load; the same buffers serve many."""

    def __init__(
        self, kind: int, code: bytes, version: int, flags: int = 0, attach: int = 0, btf_id: int = 0
    ) -> None:
        self.code = ctypes.create_string_buffer(code, len(code))
        self.log = ctypes.create_string_buffer(8192)
        self._licence = ctypes.create_string_buffer(b"GPL")
        packed = struct.pack(
            "=IIQQIIQII16xIIIIQIIQIII", kind, len(code) // 8, ctypes.addressof(self.code),
            ctypes.addressof(self._licence), 4, len(self.log), ctypes.addressof(self.log), version, flags, 0,
            attach, 0, 0, 0, 0, 0, 0, 0, btf_id, 0,
        )  # fmt: skip
        self._attributes = ctypes.create_string_buffer(packed, 120)

    def load(self) -> Tuple[Optional[int], bytes]:
        """errno, 0 when it was loaded (and closed), and the log."""
        self.log[0] = b"\0"
        error = bpf_answer(5, self._attributes, 120)
        return error, b"" if error == errno.ENOSPC else self.log.value


class Vehicle:
    """One way to load a program type here: its attach target found, its minimal program tried once."""

    def __init__(
        self, row: Tuple[str, str, int, str, int, int, str, List[str], bool], btf: Btf, version: int
    ) -> None:
        self.name, self.type, self.number, self.attach_name, self.attach, self.flags = row[:6]
        self.common = row[8]
        self._version, self.btf_id, self.missing, self.target = version, 0, "", ""
        if row[6]:
            kind = 12 if row[6] == "func" else 8
            found = [name for name in row[7] if btf.id(kind, name)]
            if found:
                self.target = found[0]
                self.btf_id = btf.id(kind, found[0])
            elif btf.readable:
                self.missing = "the kernel's BTF has none of the attach targets " + ", ".join(row[7])
            else:
                self.missing = "needs an attach target, and there is no kernel BTF to find it in"

    def program(self, code: bytes, flags: int = 0) -> Program:
        """Instructions to load in this way."""
        return Program(self.number, code, self._version, self.flags | flags, self.attach, self.btf_id)

    def trial(self, flags: int = 0) -> Dict[str, str]:
        """What becomes of the minimal program."""
        if self.missing:
            return {"state": "not-tried", "reason": self.missing}
        return trial(*self.program(returning(0), flags).load())


BEST = ("works", "denied", "inconclusive", "unsupported", "not-tried")


def version_code(release: str) -> int:
    """LINUX_VERSION_CODE, which kernels before 5.0 want to see in kprobe programs."""
    match = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", release)
    if not match:
        return 0
    major, minor, patch = (int(part or 0) for part in match.groups())
    return major << 16 | minor << 8 | min(patch, 255)


def programs_area(btf: Btf, version: int) -> Dict[str, Any]:
    by_type = {}  # type: Dict[Tuple[str, int], List[Vehicle]]
    for row in VEHICLES:
        by_type.setdefault((row[1], row[2]), []).append(Vehicle(row, btf, version))
    types = []
    for (name, number), vehicles in by_type.items():
        trials = [vehicle.trial() for vehicle in vehicles]
        types.append(
            {
                "name": name,
                "number": number,
                "in_btf": btf.counts("bpf_prog_type", number),
                "load": min(trials, key=lambda one: BEST.index(one["state"])),
                "tried": [vehicle.name for vehicle in vehicles],
                "built": btf.has_function(BUILT[0].get(name)),
            }
        )
    source = "btf" if "bpf_prog_type" in btf.enums else "table"
    return {"types": types, "features": features(btf, version), "btf_source": source}


def features(btf: Btf, version: int) -> List[Dict[str, Any]]:
    """Attach types by loads; a load says something only where the kernel refuses a senseless attach type."""
    checked = {}  # type: Dict[int, bool]
    found = []
    for row in FEATURES:
        vehicle = Vehicle(row, btf, version)
        evident = not row[3] or bool(vehicle.flags) or bool(row[6])
        if not evident:
            if vehicle.number not in checked:
                answer = Program(vehicle.number, returning(0), version, 0, 0x7FFF0000).load()[0]
                checked[vehicle.number] = answer != 0
            evident = checked[vehicle.number]
        listed = (
            btf.lists("bpf_attach_type", "BPF_" + row[3])
            if row[3]
            else btf.lists("bpf_prog_type", "BPF_PROG_TYPE_" + row[1].upper())
        )
        found.append(
            {
                "name": vehicle.name, "program_type": vehicle.type, "attach_type": row[3], "in_btf": listed,
                "load": vehicle.trial(), "load_is_evidence": evident, "target": vehicle.target,
            }
        )  # fmt: skip
    return found


def maps_area(btf: Btf) -> Dict[str, Any]:
    types = []
    for row in MAP_TYPES:
        types.append(
            {
                "name": row[0],
                "number": row[1],
                "in_btf": btf.counts("bpf_map_type", row[1]),
                "create": map_trial(row),
                "built": btf.has_function(BUILT[1].get(row[0])),
            }
        )
    return {"types": types, "features": [], "btf_source": "btf" if "bpf_map_type" in btf.enums else "table"}


def map_trial(row: Tuple[str, int, int, int, int, int, bool, int, bool, int]) -> Dict[str, str]:
    """Create the smallest map of this type."""
    _, number, key, value, entries, flags, typed, inner, pages, extra = row
    held = []  # type: List[int]
    try:
        btf = template = 0
        if typed:
            answer = int_btf()
            if answer is None or answer < 0:
                return trial(None if answer is None else -answer)
            btf = answer
            held.append(btf)
        if inner:
            answer = bpf_call(0, map_attributes(inner, 4, 4, 1), 72)
            if answer is None or answer < 0:
                return map_answer(None if answer is None else -answer)
            template = answer
            held.append(template)
        if pages:
            entries = resource.getpagesize() if number != ARENA else entries
        attributes = map_attributes(number, key, value, entries, flags, template, btf, typed, extra)
        return map_answer(bpf_answer(0, attributes, 72))
    finally:
        for descriptor in held:
            os.close(descriptor)


ARENA = 33


def map_attributes(
    number: int, key: int, value: int, entries: int, flags: int = 0, inner: int = 0, btf: int = 0,
    typed: bool = False, extra: int = 0,
) -> Any:  # fmt: skip
    one = 1 if typed else 0
    packed = struct.pack(
        "=IIIIIII16xIIIIIQ", number, key, value, entries, flags, inner, 0, 0, btf, one, one, 0, extra
    )
    return ctypes.create_string_buffer(packed, 72)


def map_answer(error: Optional[int]) -> Dict[str, str]:
    if error is None:
        return trial(None)
    state = "inconclusive"
    if error == 0:
        state = "works"
    elif error in (errno.EPERM, errno.EACCES):
        state = "denied"
    elif error in (errno.EINVAL, errno.EOPNOTSUPP, ENOTSUPP):
        state = "unsupported"
    return {"state": state, "errno": error_name(error)}


def int_btf() -> Optional[int]:
    """BTF with one `int`, for maps whose key and value have types."""
    types = struct.pack("=IIII", 1, 1 << 24, 4, 1 << 24 | 32)
    blob = struct.pack("=HBBIIIII", 0xEB9F, 1, 0, 24, 0, 16, 16, 5) + types + b"\0int\0"
    data = ctypes.create_string_buffer(blob, len(blob))
    packed = struct.pack("=QQIII", ctypes.addressof(data), 0, len(blob), 0, 0)
    return bpf_call(18, ctypes.create_string_buffer(packed, 28), 28)


# --- helpers and the instruction set


def helpers_area(btf: Btf, version: int) -> Dict[str, Any]:
    """Helpers by way of loading: `call HELPER; r0 = r9; exit`, which never loads, and what is said of it."""
    names = helper_names(btf)
    ids = [number for number, name in enumerate(names) if name and name not in LOGGING]
    rows = []
    loads = 0
    listed = {(row[2], row[4], row[5]) for row in VEHICLES}
    for row in VEHICLES:
        vehicle = Vehicle(row, btf, version)
        base = vehicle.trial()
        rows.append(helper_row(vehicle, base, names, ids, btf, 0))
        sleeps = (vehicle.number, vehicle.attach, vehicle.flags | SLEEPABLE) in listed
        asked = vehicle.common and base["state"] == "works"
        loads += len(ids) if asked else 0
        if asked and not vehicle.flags & SLEEPABLE and not sleeps:
            twin = vehicle.trial(SLEEPABLE)
            if twin["state"] == "works":
                rows.append(helper_row(vehicle, twin, names, ids, btf, SLEEPABLE))
                loads += len(ids)
    return {
        "names": names,
        "names_from": "btf" if "bpf_func_id" in btf.enums else "table",
        "rows": rows,
        "claims": [],
        "features": abilities(version),
        "limit": instruction_limit(version),
        "kfuncs": None,
        "not_probed": sorted(set(LOGGING) & set(names)),
        "loads": loads,
    }


SLEEPABLE = 16
NOT_TRIED = "not tried: --full, or an object that needs such programs, asks for their helpers"


def helper_names(btf: Btf) -> List[str]:
    enum = btf.enums.get("bpf_func_id")
    if enum is None:
        return HELPERS
    named = {
        number: name[len("BPF_FUNC_") :]
        for name, number in enum.items()
        if name.startswith("BPF_FUNC_") and 0 < number <= 1023
    }
    return [named.get(number, "") for number in range(max(named or [0]) + 1)]


def helper_row(
    vehicle: Vehicle, base: Dict[str, str], names: List[str], ids: List[int], btf: Btf, flags: int
) -> Dict[str, Any]:
    name = vehicle.name + (".s" if flags else "")
    row = {"program_type": vehicle.type, "vehicle": name, "notes": []}  # type: Dict[str, Any]
    if base["state"] != "works":
        letter, row["reason"] = whole_row(vehicle, base, btf)
        row["states"] = "".join(letter if one else "-" for one in names)
        return row
    letters = ["?" if one else "-" for one in names]
    if not vehicle.common:
        row["reason"] = NOT_TRIED
        row["states"] = "".join(letters)
        return row
    program = vehicle.program(instruction(0x85, 0, 0, 0, 0) + instruction(0xBF, 0, 9, 0, 0) + EXIT, flags)
    number = ctypes.c_int32.from_buffer(program.code, 4)
    read = {}  # type: Dict[Tuple[int, bytes], Tuple[str, str]]
    for helper in ids:
        number.value = helper
        error, log = program.load()
        answer = (error or 0, log.partition(b"verification time ")[0])
        if answer not in read:
            read[answer] = helper_letter(answer[0], answer[1], bool(vehicle.btf_id))
        letters[helper], note = read[answer]
        if note:
            row["notes"].append({"helper": names[helper], "text": note})
    row["states"] = "".join(letters)
    return row


EXIT = instruction(0x95, 0, 0, 0, 0)


def helper_letter(error: int, log: bytes, targeted: bool) -> Tuple[str, str]:
    """Letter and note of one answer."""
    if error == 0:
        return "u", ""
    lines = messages(log)
    meaning = next((found for found in map(meaning_of, lines) if found), None)
    settled = {
        "reached": ("u", ""),
        "not-for-type": ("n", ""),
        "unknown-id": ("x", ""),
        "wants-sleepable": ("n", "only in sleepable programs"),
        "other-attach": ("n", "only for fentry, fexit and fmod_ret"),
        "other-target": ("?", "allowed for some attach targets only")
        if targeted
        else ("n", "not allowed for programs of this kind"),
    }
    if meaning is not None:
        return settled.get(meaning, ("?", ""))
    if lines:
        return "?", "unread answer, please report: " + lines[0]
    return ("d", "") if error in (errno.EPERM, errno.EACCES) else ("?", "")


def whole_row(vehicle: Vehicle, base: Dict[str, str], btf: Btf) -> Tuple[str, str]:
    """Letter and reason for all helpers of a way of loading that does not load."""
    line = base.get("line", "")
    said = base.get("errno", "") + (": " + line if line else "")
    if base["state"] == "denied":
        return "d", "no program of this kind loads here (%s)" % said
    attach = "BPF_" + vehicle.attach_name if vehicle.attach_name else ""
    if attach and btf.lists("bpf_attach_type", attach) is False:
        return "n", "the kernel has no attach type " + attach
    if base["state"] == "unsupported" and line:
        return "n", "the kernel does not take such programs (%s)" % said
    if base["state"] == "unsupported":
        listed = btf.lists("bpf_prog_type", "BPF_PROG_TYPE_" + vehicle.type.upper())
        if listed is False or btf.has_function(BUILT[0].get(vehicle.type)) is False:
            return "n", "the kernel has no such programs (%s)" % said
    return "?", base.get("reason") or "no program of this kind could be loaded (%s)" % said


def abilities(version: int) -> List[Dict[str, Any]]:
    return [
        {
            "name": name,
            "level": level,
            "trial": trial(*Program(1, b"".join(instruction(*one) for one in code), version).load()),
        }
        for name, level, code in ABILITIES
    ]


def instruction_limit(version: int) -> Dict[str, str]:
    """Whether more than 4,096 instructions load; the line holds the verifier's own limit."""
    error, log = Program(1, instruction(0xB7, 0, 0, 0, 0) * 4100 + EXIT, version).load()
    found = trial(error, log)
    stated = re.search(r"^processed \d+ insns \(limit (\d+)\)", log.decode("utf-8", "replace"), re.MULTILINE)
    if error == 0 and stated:
        found["line"] = "limit " + stated.group(1)
    return found


# --- attach surfaces: whether their programs load, and what the kernel shows of attaching to them


def surfaces_area(config: Optional[bytes], btf: Btf) -> Dict[str, Any]:
    """What is seen. Whether a surface can be attached to follows from it, and is said by who reads this."""
    options = None if config is None else plain_options(config)
    pmus = listing("/sys/bus/event_source/devices")
    software, hardware = perf_answer(1, 0, 0, -1, True), perf_answer(0, 0, 0, -1, True)
    formats = {
        name: listing("/sys/bus/event_source/devices/%s/format" % name) for name in ("kprobe", "uprobe")
    }
    names = [name for name in SEEN_NAMES[0] if btf.id(12, name)]
    names += [name for name in SEEN_NAMES[1] if btf.id(4, name)]
    names += [name for name in SEEN_NAMES[2] if btf.lists("bpf_attach_type", name)]
    answers = {}  # type: Dict[Any, Dict[str, Any]]
    surfaces = []
    for row in SURFACES:
        key = row[1:]
        if str(key) not in answers:
            answers[str(key)] = surface_load(row, btf)
        surfaces.append({"name": row[0], "loadable": answers[str(key)], "attachable": NOT_SAID})
    return {
        "tracefs": tracefs_fact(),
        "pmus": unknown("perf's sources cannot be listed")
        if pmus is None
        else known(pmus, "sysfs", "/sys/bus/event_source/devices"),
        "config": unknown("no kernel configuration could be read")
        if options is None
        else known({name: options.get(name, "n") for name in SURFACE_OPTIONS}, "config", "kernel options"),
        "ftrace_enabled": number_fact("/proc/sys/kernel/ftrace_enabled", "kernel.ftrace_enabled"),
        "perf": unknown("perf_event_open(2) has no known number here")
        if software is None or hardware is None
        else known({"software": software, "hardware": hardware}, "syscall", "perf_event_open(2)"),
        "cgroup": cgroup_fact(),
        "network": [network_module(name, option, options) for name, option in NETWORK],
        "surfaces": surfaces,
        "features": [],
        "seen": {
            "pmu_formats": {name: found for name, found in formats.items() if found is not None},
            "lsm": lsm_fact(),
            "btf_read": btf.readable,
            "names": names,
        },
    }


NOT_SAID = {"state": "unknown", "level": "none", "evidence": [], "reason": "follows from what was seen"}
NETWORK = (("cls_bpf", "NET_CLS_BPF"), ("sch_ingress", "NET_SCH_INGRESS"))


def surface_load(row: Tuple[str, str, int, str, int, str, List[str], int], btf: Btf) -> Dict[str, Any]:
    """Whether the surface's program loads."""
    _, kind, number, _, attach, target, targets, value = row
    btf_id = 0
    if target:
        found = [btf.id(12 if target == "func" else 8, name) for name in targets]
        btf_id = next((one for one in found if one), 0)
        if not btf_id:
            return surface_answer("unknown", "none", "its attach target was not found in the kernel's BTF")
    error, log = Program(number, returning(value), 0, 0, attach, btf_id).load()
    shown = "BPF_PROG_TYPE_%s: " % kind + ("loaded and closed" if error == 0 else error_name(error or 0))
    if error is None:
        return surface_answer("unknown", "none", "the number of bpf(2) on this machine is not known")
    if error == 0:
        return surface_answer("yes", "measured", None, shown)
    if messages(log):
        return surface_answer("unknown", "measured", "the verifier refused the trial program", shown)
    if error in (errno.EINVAL, errno.E2BIG, errno.EOPNOTSUPP, ENOTSUPP):
        return surface_answer("no", "measured", "this kernel does not have it", shown)
    if error in (errno.EPERM, errno.EACCES):
        return surface_answer("blocked", "measured", "the kernel refused this caller", shown)
    return surface_answer("unknown", "measured", "an answer that decides nothing", shown)


def surface_answer(state: str, level: str, reason: Optional[str], shown: str = "") -> Dict[str, Any]:
    evidence = [{"source": "trial-load", "detail": shown, "command": None}] if shown else []
    return {"state": state, "level": level, "evidence": evidence, "reason": reason}


def listing(path: str) -> Optional[List[str]]:
    try:
        return sorted(os.listdir(path))
    except OSError:
        return None


def mounts_of(kind: str) -> Optional[List[Tuple[str, List[str]]]]:
    """Mount points and options of one kind of file system; None where nobody can tell."""
    text, _ = text_of("/proc/self/mountinfo")
    if text is None:
        return None
    found = []
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        if right.split(" ")[:1] == [kind] and len(left.split(" ")) > 4:
            found.append((left.split(" ")[4], right.split(" ")[-1].split(",")))
    return found


def tracefs_fact() -> Dict[str, Any]:
    mounts = mounts_of("tracefs")
    usual = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
    if mounts is None:
        return unknown("/proc/self/mountinfo cannot be read", "mount /proc and /sys")
    places = [point for point, _ in mounts]
    if not places:
        value = {"path": None, "readable": False, "files": []}  # type: Dict[str, Any]
        return known(value, "procfs", "tracefs is mounted nowhere")
    path = next((place for place in usual if place in places), places[0])
    names = listing(path)
    files = [
        name
        for name in (
            "available_events", "available_filter_functions", "dynamic_events", "events", "kprobe_events",
            "uprobe_events",
        )
        if name in (names or [])
    ]  # fmt: skip
    # a mount elsewhere may name a user: its path is not kept
    shown = path if path.startswith("/sys/") else "a place outside /sys"
    readable = names is not None and os.access(path, os.R_OK | os.X_OK)
    return known({"path": shown, "readable": readable, "files": files}, "procfs", "tracefs at " + shown)


def cgroup_fact() -> Dict[str, Any]:
    second, first = mounts_of("cgroup2"), mounts_of("cgroup")
    if second is None or first is None:
        return unknown("/proc/self/mountinfo cannot be read", "mount /proc")
    controllers = sorted({word for _, words in first for word in words} & CONTROLLERS)
    mode = {(True, True): "hybrid", (True, False): "v2", (False, True): "v1"}.get(
        (bool(second), bool(controllers)), "none"
    )
    value = {"mode": mode, "v2_path": None, "v1": controllers, "v2_controllers": [], "readable": False}
    if second:
        path = min((point for point, _ in second), key=lambda one: (not one.startswith("/sys/"), len(one)))
        value["v2_path"] = path if path.startswith("/sys/") else "(outside /sys)"
        text, _ = text_of(path + "/cgroup.controllers")
        value["v2_controllers"] = (text or "").split()
        value["readable"] = os.access(path, os.R_OK | os.X_OK)
    return known(value, "procfs", "mode " + mode)


CONTROLLERS = {
    "cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "net_cls", "net_prio", "blkio", "perf_event",
    "hugetlb", "pids", "rdma", "misc",
}  # fmt: skip


def network_module(name: str, option: str, options: Optional[Dict[str, str]]) -> Dict[str, str]:
    value = None if options is None else options.get(option, "n")
    if value in ("y", "n"):
        state = "built-in" if value == "y" else "absent"
        detail = "CONFIG_%s%s" % (option, "=y" if value == "y" else " is not set")
        return {"name": name, "state": state, "detail": detail}
    if os.path.isdir("/sys/module/" + name):
        return {"name": name, "state": "loaded", "detail": "/sys/module/%s exists" % name}
    for file, state in (("modules.builtin", "built-in"), ("modules.dep", "available")):
        data, _ = read("/lib/modules/%s/%s" % (os.uname().release, file), 16 << 20)
        for line in (data or b"").splitlines():
            last = line.split(b":", 1)[0].rsplit(b"/", 1)[-1]
            if b".ko" in last and last.split(b".ko", 1)[0] == name.encode():
                return {"name": name, "state": state, "detail": "listed in " + file}
    return {"name": name, "state": "unknown", "detail": "in no list of modules that can be read"}


def with_memlock(work: Any) -> Any:
    """Before Linux 5.11 programs and maps count against RLIMIT_MEMLOCK; it is raised meanwhile if allowed."""
    before = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    try:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (ValueError, OSError):
        try:
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (before[1], before[1]))
        except (ValueError, OSError):
            pass
    try:
        return work()
    finally:
        try:
            resource.setrlimit(resource.RLIMIT_MEMLOCK, before)
        except (ValueError, OSError):
            pass


# --- the document


def document(labels: Dict[str, str], with_btf: bool, host_key: Optional[str]) -> Dict[str, Any]:
    release, machine = os.uname().release, os.uname().machine
    btf, why = read("/sys/kernel/btf/vmlinux", LIMIT)
    config, place, tried = find_config(release)
    context = context_area(release, config, place, tried)
    # before anything is loaded: a limit that the trials raise is not this host's
    privilege = privilege_area()
    names = Btf(btf)
    version = version_code(release)
    asked = with_memlock(
        lambda: {
            "programs": programs_area(names, version),
            "maps": maps_area(names),
            "helpers": helpers_area(names, version),
            "surfaces": surfaces_area(config, names),
        }
    )
    kernel = None
    if btf is not None:
        contents = {"vmlinux.btf": content(btf, with_btf)}
        if config is not None:
            contents["config"] = content(config, with_btf)
        symbols = symbol_names()
        if symbols is not None:
            contents["symbols"] = content(symbols, with_btf)
        kernel = {
            "release": release, "arch": machine, "byteorder": sys.byteorder,
            "distribution": context["distribution"].get("value"), "suite": None, "flavour": None,
            "package": None, "version": None, "btf_sha256": hashlib.sha256(btf).hexdigest(),
            "source": {"kind": "host", "files": [], "notes": []}, "contents": contents,
        }  # fmt: skip
    return {
        "schema": "preflight.facts/1",
        "tool": {"name": "preflight-collect-script", "version": VERSION},
        "collected_at": time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime()),
        "labels": labels,
        "host_key": host_key,
        "kernel": kernel,
        "config": config_digest(config) if btf is not None else None,
        "host": dict(
            asked,
            context=context,
            btf=btf_area(btf, why, names),
            privilege=privilege,
            policy=policy_area(names),
            resources=resources_area(),
        ),
    }


def config_digest(config: Optional[bytes]) -> Optional[Dict[str, Any]]:
    if config is None:
        return None
    options = parse_config(config.decode("utf-8", "surrogateescape"))
    text = "".join("%s=%s\n" % pair for pair in sorted(options.items()))
    return {
        "options": len(options),
        "sha256": hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest(),
    }


def parse_labels(texts: List[str]) -> Dict[str, str]:
    labels = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not LABEL.match(key) or not value.isprintable() or len(value) > 128 or key in labels:
            sys.exit("--label: write KEY=VALUE, each key once, VALUE printable and at most 128 long")
        labels[key] = value
    return labels


def keyed(path: str) -> str:
    """A name that only the holder of the key can make: HMAC of the machine id."""
    key, why = read(path, 4096)
    machine_id, _ = read("/etc/machine-id", 256)
    if key is None or len(key.strip()) < 16:
        sys.exit("--key-file: " + (why or "a key has 16 bytes or more"))
    if not machine_id or machine_id.strip() == b"uninitialized":
        sys.exit("this host has no machine id, so that no keyed hash can be made of it")
    return hmac.new(key.strip(), b"preflight.facts\0" + machine_id.strip(), "sha256").hexdigest()[:20]


def write(path: str, text: str) -> None:
    """Whole or not at all, mode 0600."""
    handle, name = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), prefix=".preflight-")
    try:
        with os.fdopen(handle, "w") as out:
            out.write(text)
        os.rename(name, path)
    except OSError:
        os.unlink(name)
        raise


def main() -> int:
    parser = argparse.ArgumentParser(description="Facts about this host for `preflight fleet`.")
    parser.add_argument("-o", "--output", default="-", metavar="FILE")
    parser.add_argument("--with-btf", action="store_true", help="carry the kernel's BTF along (a few MB)")
    parser.add_argument("--label", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--key-file", metavar="FILE", help="name the host by a keyed hash")
    given = parser.parse_args()
    host_key = keyed(given.key_file) if given.key_file else None
    found = document(parse_labels(given.label), given.with_btf, host_key)
    text = json.dumps(found, sort_keys=True, separators=(",", ":")) + "\n"
    if given.output == "-":
        sys.stdout.write(text)
        return 0
    try:
        write(given.output, text)
    except OSError as error:
        sys.exit("cannot write the facts file: " + (error.strerror or "unknown reason"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
