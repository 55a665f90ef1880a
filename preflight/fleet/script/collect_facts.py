# SPDX-License-Identifier: Apache-2.0
"""Facts about this host for `preflight fleet`, without installation: Python 3.6 or newer and nothing else.

    python3 collect_facts.py [-o FILE] [--with-btf] [--label KEY=VALUE]... [--key-file FILE]

Writes one facts file, schema preflight.facts/1. Tiny programs and maps are loaded and closed at once; nothing
is attached or pinned. No host name, user, path, address, machine id or command line is taken. What this
script does not ask (helpers, attach points) is unknown to whoever reads the file, and never "no".
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

#: Program types that load with `r0 = 0; exit` and no attach type: enum bpf_prog_type of linux/bpf.h.
PROGRAM_TYPES = {
    "socket_filter": 1, "kprobe": 2, "sched_cls": 3, "sched_act": 4, "tracepoint": 5, "xdp": 6,
    "perf_event": 7, "cgroup_skb": 8, "cgroup_sock": 9, "lwt_in": 10, "lwt_out": 11, "lwt_xmit": 12,
    "sock_ops": 13, "sk_skb": 14, "cgroup_device": 15, "sk_msg": 16, "raw_tracepoint": 17,
    "lwt_seg6local": 19, "raw_tracepoint_writable": 24,
}  # fmt: skip
#: Map types: number, bytes of key and value, entries (0: one page), flags.
MAP_TYPES = {
    "hash": (1, 4, 4, 1, 0), "array": (2, 4, 4, 1, 0), "prog_array": (3, 4, 4, 1, 0),
    "perf_event_array": (4, 4, 4, 1, 0), "percpu_hash": (5, 4, 4, 1, 0), "percpu_array": (6, 4, 4, 1, 0),
    "stack_trace": (7, 4, 8, 1, 0), "lru_hash": (9, 4, 4, 1, 0), "lru_percpu_hash": (10, 4, 4, 1, 0),
    "lpm_trie": (11, 8, 4, 1, 1), "queue": (22, 0, 4, 1, 0), "stack": (23, 0, 4, 1, 0),
    "ringbuf": (27, 0, 0, 0, 0),
}  # fmt: skip
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
        tried.append({"place": place, "seen": why.rpartition(": ")[2] or "is not a kernel configuration"})
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


def count_types(btf: bytes) -> int:
    """How many types a BTF holds; ValueError when it is damaged."""
    order = "<" if btf[:2] == b"\x9f\xeb" else ">"
    try:
        magic, version, _, header, start, length = struct.unpack_from(order + "HBBIII", btf)
        at, end, count = header + start, header + start + length, 0
        if magic != 0xEB9F or version != 1 or end > len(btf):
            raise ValueError("no BTF")
        while at < end:
            info = struct.unpack_from(order + "I", btf, at + 4)[0]
            fixed, each = BTF_TAIL.get(info >> 24 & 0x1F, (0, 0))
            at += 12 + fixed + each * (info & 0xFFFF)
            count += 1
    except struct.error:
        raise ValueError("ends early")
    if at != end:
        raise ValueError("a type crosses the end")
    return count


def btf_area(btf: Optional[bytes], why: str) -> Dict[str, Any]:
    path = "/sys/kernel/btf/vmlinux"
    if btf is None:
        vmlinux = unknown(why, "ls -l " + path)
    else:
        file = {"name": "vmlinux", "size": len(btf), "sha256": hashlib.sha256(btf).hexdigest()}  # type: Dict[str, Any]
        try:
            file["types"] = count_types(btf)
            file["empty"] = not file["types"]
        except ValueError as error:
            file["error"] = str(error)
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
        "namespaces": [],
        "container": hints,
        "sandbox": [],
        "config": config_fact(config, place),
        "config_tried": tried,
    }


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
        found["seccomp"] = known({"mode": mode, "filters": None}, "procfs", "Seccomp: %d" % mode)
    if lines.get("NoNewPrivs", "") in ("0", "1"):
        found["no_new_privs"] = known(
            lines["NoNewPrivs"] == "1", "procfs", "NoNewPrivs: " + lines["NoNewPrivs"]
        )
    try:
        initial = os.readlink("/proc/self/ns/user") == INITIAL_USER_NAMESPACE
        found["user_namespace_initial"] = known(initial, "procfs", "inode of /proc/self/ns/user")
    except OSError:
        pass
    answer = bpf_answer(0, ctypes.create_string_buffer(1 << 17), 1 << 17)
    if answer is not None:
        found["bpf_syscall"] = known(error_name(answer), "syscall", "bpf(2) with an impossible size")
    return found


def none_if_unlimited(value: int) -> Optional[int]:
    return None if value < 0 else value


def policy_area() -> Dict[str, Any]:
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
    lsm, why = text_of("/sys/kernel/security/lsm")
    if lsm is not None:
        names = [name for name in lsm.split(",") if re.match(r"[a-z0-9_]{1,32}\Z", name)]
        evidence = (names, "sysfs", "/sys/kernel/security/lsm")
        found["lsm_active"] = known(*evidence)
        if "selinux" in names:
            enforce, _ = text_of("/sys/fs/selinux/enforce")
            if enforce in ("0", "1"):
                found["selinux"] = known(
                    {"enforcing": enforce == "1", "domain": None}, "sysfs", "enforce: " + enforce
                )
        else:
            found["selinux"] = known(None, *evidence[1:])
        if "apparmor" not in names:
            found["apparmor"] = known(None, *evidence[1:])
    else:
        found["lsm_active"] = unknown(why, "mount -t securityfs none /sys/kernel/security")
    if not os.path.isdir("/sys/firmware/efi") and os.path.isdir("/sys/firmware"):
        found["secure_boot"] = known(None, "sysfs", "not booted by EFI")
    return found


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


def bpf_answer(command: int, attributes: Any, size: int) -> Optional[int]:
    """errno of one bpf(2), 0 when it was done (and closed); None where its number is not known."""
    machine = os.uname().machine
    if struct.calcsize("P") == 4:
        machine = {"x86_64": "i386", "aarch64": "armv7l"}.get(machine, machine)
    number = SYSCALLS.get(machine)
    if number is None:
        return None
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    for _ in range(5):
        descriptor = call(ctypes.c_long(number), ctypes.c_int(command), attributes, ctypes.c_uint(size))
        if descriptor >= 0:
            os.close(descriptor)
            return 0
        error = ctypes.get_errno()
        if error != errno.EAGAIN:
            break
    return error


def error_name(number: int) -> str:
    special = {0: "ok", ENOTSUPP: "ENOTSUPP", errno.EOPNOTSUPP: "EOPNOTSUPP"}
    return special.get(number) or errno.errorcode.get(number, "errno %d" % number)


def trial(error: Optional[int], log: bytes = b"") -> Dict[str, str]:
    if error is None:
        return {"state": "not-tried", "reason": "the number of bpf(2) on this machine is not known"}
    state = "inconclusive"
    if error == 0:
        state = "works"
    elif error in (errno.EPERM, errno.EACCES) and not log:
        state = "denied"
    elif error in (errno.EINVAL, errno.EOPNOTSUPP, ENOTSUPP) and not log:
        state = "unsupported"
    return {"state": state, "errno": error_name(error)}


def program_trial(number: int, version: int) -> Dict[str, str]:
    """Load `r0 = 0; exit` as this type."""
    code = ctypes.create_string_buffer(struct.pack("=BBhiBBhi", 0xB7, 0, 0, 0, 0x95, 0, 0, 0), 16)
    licence = ctypes.create_string_buffer(b"GPL")
    log = ctypes.create_string_buffer(4096)
    packed = struct.pack(
        "=IIQQIIQI", number, 2, ctypes.addressof(code), ctypes.addressof(licence), 1, len(log),
        ctypes.addressof(log), version,
    )  # fmt: skip
    attributes = ctypes.create_string_buffer(packed, 72)
    found = trial(bpf_answer(5, attributes, 72), log.value)
    if found["state"] == "unsupported" and number == 2 and version < 5 << 16:
        found["state"] = "inconclusive"  # these kernels say the same of another version code
    return found


def map_trial(number: int, key: int, value: int, entries: int, flags: int) -> Dict[str, str]:
    """Create the smallest map of this type."""
    entries = entries or resource.getpagesize()
    attributes = ctypes.create_string_buffer(struct.pack("=IIIII", number, key, value, entries, flags), 72)
    return trial(bpf_answer(0, attributes, 72))


def version_code(release: str) -> int:
    """LINUX_VERSION_CODE, which kernels before 5.0 want to see in kprobe programs."""
    match = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", release)
    if not match:
        return 0
    major, minor, patch = (int(part or 0) for part in match.groups())
    return major << 16 | minor << 8 | min(patch, 255)


def programs_area(release: str) -> Dict[str, Any]:
    version = version_code(release)
    types = [
        {"name": name, "number": number, "load": program_trial(number, version)}
        for name, number in PROGRAM_TYPES.items()
    ]
    return {"types": types, "features": [], "btf_source": "table"}


def maps_area() -> Dict[str, Any]:
    types = [
        {"name": name, "number": shape[0], "create": map_trial(*shape)} for name, shape in MAP_TYPES.items()
    ]
    return {"types": types, "features": [], "btf_source": "table"}


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
    trials = with_memlock(lambda: (programs_area(release), maps_area()))
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
        "host": {
            "context": context,
            "btf": btf_area(btf, why),
            "privilege": privilege,
            "policy": policy_area(),
            "resources": resources_area(),
            "programs": trials[0],
            "maps": trials[1],
        },
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
