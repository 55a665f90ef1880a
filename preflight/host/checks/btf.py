# SPDX-License-Identifier: Apache-2.0
"""PH1xx: the kernel's type information, who can read it, and what to do where there is none."""

from __future__ import annotations

from collections.abc import Iterable

from preflight.facts import Evidence
from preflight.findings.model import Confidence, Finding, Severity, Verdict
from preflight.host.areas.btf import BtfFacts, BtfFile
from preflight.host.areas.context import KernelConfig
from preflight.host.checks.btf_readers import LOADERS, Part, is_older, needed_version, parts_in
from preflight.host.checks.common import area_check, finding, listed, undecided
from preflight.host.facts import HostFacts

_BY_HAND = "ls -l /sys/kernel/btf/vmlinux; zgrep DEBUG_INFO_BTF /proc/config.gz"

#: Packages with the running kernel's debug information, by ID of os-release. They hold an ELF file
#: `vmlinux` in a place libbpf searches; where it has no .BTF section, pahole makes one from it.
_DEBUG_PACKAGES = {
    "debian": "apt install linux-image-{release}-dbg",
    "ubuntu": "apt install linux-image-{release}-dbgsym (from ddebs.ubuntu.com)",
    "fedora": "dnf debuginfo-install kernel-{release}",
    "rhel": "debuginfo-install kernel-{release}",
    "centos": "debuginfo-install kernel-{release}",
    "rocky": "dnf debuginfo-install kernel-{release}",
    "almalinux": "dnf debuginfo-install kernel-{release}",
    "ol": "yum install kernel-uek-debuginfo-{release}",
    "amzn": "debuginfo-install kernel-{release}",
    "opensuse-leap": "zypper install kernel-default-debuginfo",
    "sles": "zypper install kernel-default-debuginfo",
}


def _config(host: HostFacts) -> KernelConfig | None:
    return host.context.config.value if host.context is not None else None


def _seen(facts: BtfFacts) -> str:
    """What became of the look at /sys/kernel/btf/vmlinux, which is libbpf's first place."""
    return facts.places[0].seen if facts.places else "error"


def ways_forward(host: HostFacts) -> str:
    """What to do without kernel BTF, best first."""
    release = host.context.release if host.context is not None else "$(uname -r)"
    distribution = host.context.distribution.value if host.context is not None else None
    package = _DEBUG_PACKAGES.get(distribution or "", "the distribution's debug package of this kernel")
    machine = host.context.machine if host.context is not None else "$(uname -m)"
    steps = (
        f"a kernel package built with CONFIG_DEBUG_INFO_BTF=y, or the debug information of this one "
        f"({package.format(release=release)}; then pahole --btf_encode_detached={release}.btf vmlinux)",
        f"an external BTF file of exactly this release, from BTFHub's archive ({release}.btf for {machine}), "
        "given to the loader (libbpf: btf_custom_path) and to preflight with --btf-dir",
        "a build without CO-RE for this host: compiled against its kernel headers, or with BCC",
        "this vendor kernel as a target of its own: keep its BTF with `preflight kernels add` and "
        "predict against it",
    )
    return "; ".join(f"({number}) {step}" for number, step in enumerate(steps, 1))


@area_check("PH101", "btf")
def vmlinux_present(host: HostFacts, facts: BtfFacts) -> Iterable[Finding]:
    """Tell "this kernel has none" from "it cannot be seen from here"."""
    file = facts.vmlinux.value
    if facts.vmlinux.is_known and file is not None:
        if file.size == 0:
            yield _without(host, facts, "the kernel's BTF file is empty", "an empty file holds no types")
        else:
            title = f"/sys/kernel/btf/vmlinux, {file.size / 1e6:.1f} MB"
            data = {"size": file.size, "sha256": file.sha256}
            yield finding("PH101", Verdict.OK, title, facts.vmlinux, data=data)
        return
    config = _config(host)
    switched_on = config is not None and config.get("DEBUG_INFO_BTF") == "y"
    seen = _seen(facts)
    if config is not None and not switched_on:
        yield _without(
            host,
            facts,
            "this kernel was built without BTF",
            "its configuration does not have CONFIG_DEBUG_INFO_BTF=y",
        )
    elif seen in _INVISIBLE:
        yield undecided(
            "PH101",
            f"the kernel's BTF cannot be seen from here: {_INVISIBLE[seen]}",
            facts.vmlinux,
            cause=f"{_INVISIBLE[seen]}{'; its configuration says it has BTF' if switched_on else ''}",
        )
    elif switched_on:
        yield undecided(
            "PH101",
            "no BTF file, although the configuration says CONFIG_DEBUG_INFO_BTF=y",
            facts.vmlinux,
            cause="either the configuration found is not this kernel's, or the kernel dropped BTF that "
            "pahole had made wrongly (it says so at boot)",
            fix=f"dmesg | grep -i btf; without BTF: {ways_forward(host)}",
        )
    else:
        yield undecided(
            "PH101",
            "no BTF file, and no configuration that says whether there should be one",
            facts.vmlinux,
            cause="a missing file alone does not say why it is missing",
            fix=f"pass --kernel-config FILE; without BTF: {ways_forward(host)}",
        )


#: Reasons for not seeing the file that say nothing about the kernel.
_INVISIBLE = {
    "not-mounted": "/sys is not mounted here",
    "masked": "a container runtime hides this part of /sys",
    "forbidden": "this caller may not read it",
    "error": "reading it failed",
}


def _without(host: HostFacts, facts: BtfFacts, title: str, cause: str) -> Finding:
    """No BTF in the kernel. Where libbpf finds one elsewhere, CO-RE still works, and that is said."""
    config = _config(host)
    detail = f"CONFIG_DEBUG_INFO_BTF={config.get('DEBUG_INFO_BTF')}" if config is not None else ""
    evidence = [Evidence("config", detail, _BY_HAND)] if detail else []
    source = external_source(facts)
    if source is not None:
        verdict, cause = Verdict.DEGRADED, f"{cause}; loaders can use {source} instead"
    else:
        verdict = Verdict.MISSING
    return finding(
        "PH101", verdict, title, facts.vmlinux, evidence=evidence, cause=cause, fix=ways_forward(host)
    )


def external_source(facts: BtfFacts) -> str | None:
    """Where BTF for this kernel would come from when not from the kernel; None when from nowhere."""
    found = next(
        (p.path for p in facts.places[1:] if p.seen == "present" and p.note[:3] in ("raw", "ELF")), None
    )
    if found is not None:
        return found
    external = facts.external.value
    if facts.external.is_known and external is not None and external.plausible:
        return external.file.name
    return None


@area_check("PH102", "btf")
def vmlinux_parses(_: HostFacts, facts: BtfFacts) -> Iterable[Finding]:
    """Our own reader goes over header, bounds and the length of every record."""
    file = facts.vmlinux.value
    if not facts.vmlinux.is_known or file is None:
        yield finding("PH102", Verdict.NOT_APPLICABLE, "no kernel BTF to read, see PH101", facts.vmlinux)
    elif file.error is not None:
        yield finding(
            "PH102",
            Verdict.MISSING,
            f"the kernel's BTF does not parse: {file.error}",
            facts.vmlinux,
            data={"size": file.size, "sha256": file.sha256},
        )
    elif file.empty:
        yield finding("PH102", Verdict.MISSING, "the kernel's BTF holds no types", facts.vmlinux)
    else:
        title = f"{file.types:,} types, {file.size / 1e6:.1f} MB"
        yield finding(
            "PH102", Verdict.OK, title, facts.vmlinux, data={"types": file.types, "size": file.size}
        )


@area_check("PH103", "btf")
def module_btf(host: HostFacts, facts: BtfFacts) -> Iterable[Finding]:
    """One broken module file stops loaders that read all of them, whatever the program needs."""
    files = facts.modules.value
    if not facts.modules.is_known or files is None:
        yield undecided("PH103", "module BTF cannot be read", facts.modules)
        return
    broken = [f for f in files if f.error is not None]
    hollow = [f for f in files if f.error is None and (f.empty or not f.own_strings)]
    data = {
        "modules": len(files),
        "broken": {f.name: f.error for f in broken},
        "hollow": [f.name for f in hollow],
        "unread": list(facts.module_names_unread),
    }
    if broken or hollow:
        yield _bad_modules(facts, broken, hollow, data)
    elif facts.module_names_unread:
        names = listed(facts.module_names_unread)
        yield finding(
            "PH103",
            Verdict.UNKNOWN,
            f"module BTF could not be read: {names}",
            facts.modules,
            cause=f"the files of {names} are there and cannot be opened",
            fix="to decide: run as root of the host",
            data=data,
        )
    elif files:
        yield finding(
            "PH103", Verdict.OK, f"{len(files)} module BTF files, all sound", facts.modules, data=data
        )
    else:
        yield _no_module_btf(host, facts)


def _bad_modules(
    facts: BtfFacts, broken: list[BtfFile], hollow: list[BtfFile], data: dict[str, object]
) -> Finding:
    """Broken ones first; hollow ones (no types, or no strings of their own) trip older readers only."""
    evidence = [
        Evidence("btf", f"{f.name}: {f.error}", f"bpftool btf dump file /sys/kernel/btf/{f.name}")
        for f in broken
    ]
    evidence += [
        Evidence(
            "btf",
            f"{f.name}: {f.types} types, no strings of its own"
            if not f.own_strings
            else f"{f.name}: no types",
        )
        for f in hollow
    ]
    words = []
    if broken:
        words.append(f"broken: {listed(f.name for f in broken)}")
    if hollow:
        words.append(f"empty: {listed(f.name for f in hollow)}")
    cause = (
        "cilium/ebpf reads the BTF of every loaded module and loads nothing when one is broken "
        "(cilium/ebpf#1902, #2039); libbpf fails only when it looks for a type in modules; aya reads none"
        if broken
        else "cilium/ebpf before 0.20 refuses split BTF without strings of its own (cilium/ebpf#1818)"
    )
    names = " ".join(f.name for f in (*broken, *hollow))
    return finding(
        "PH103",
        Verdict.DEGRADED,
        f"module BTF is {'; '.join(words)}",
        facts.modules,
        evidence=evidence,
        cause=cause,
        fix=f"unload what nobody needs (modprobe -r {names}), rebuild it, or update the loader",
        data=data,
    )


def _no_module_btf(host: HostFacts, facts: BtfFacts) -> Finding:
    config = _config(host)
    if config is None:
        return finding(
            "PH103", Verdict.OK, "no module BTF files: no module with BTF is loaded", facts.modules
        )
    if config.get("MODULES") == "n":
        evidence = [Evidence("config", "CONFIG_MODULES is not set", "zgrep MODULES= /proc/config.gz")]
        title = "this kernel has no loadable modules"
        return finding("PH103", Verdict.NOT_APPLICABLE, title, facts.modules, evidence=evidence)
    if config.get("DEBUG_INFO_BTF_MODULES") != "y":
        evidence = [Evidence("config", "CONFIG_DEBUG_INFO_BTF_MODULES is not set", _BY_HAND)]
        return finding("PH103", Verdict.DEGRADED, "modules carry no BTF", facts.modules, evidence=evidence)
    return finding("PH103", Verdict.OK, "no module with BTF is loaded", facts.modules)


@area_check("PH104", "btf")
def kinds_vs_loader(host: HostFacts, facts: BtfFacts) -> Iterable[Finding]:
    """What a loader must be able to read, and from which version on each one does."""
    file = facts.vmlinux.value
    if not facts.vmlinux.is_known or file is None or file.format is None:
        yield finding("PH104", Verdict.NOT_APPLICABLE, "no kernel BTF to judge, see PH101", facts.vmlinux)
        return
    files = [file, *(facts.modules.value or ())]
    used = parts_in(files)
    versions = {loader: needed_version(loader, used) for loader in LOADERS}
    shown = ", ".join(_version_words(loader, version) for loader, version in versions.items())
    recent = [part for part in used if part.recent]
    bpftool = _old_bpftool(host, versions["libbpf"])
    level = file.format
    evidence = [
        Evidence(
            "btf",
            f"header {level.header_length} bytes, {'with' if level.has_layout else 'no'} layout section, "
            f"kinds up to {level.newest_kind}, at most {max(_vlen(f) for f in files):,} members",
            "bpftool btf dump file /sys/kernel/btf/vmlinux format raw | head -1; "
            "od -A d -t x4 -N 32 /sys/kernel/btf/vmlinux",
        ),
        *(Evidence("btf", f"{part.what}: {_sources(part)}") for part in (recent or used[-1:])),
    ]
    data = {"needs": versions, "parts": [part.has for part in used], "kinds": list(level.kinds)}
    if recent or bpftool:
        reasons = [f"the kernel's BTF has {part.what}" for part in recent]
        yield finding(
            "PH104",
            Verdict.DEGRADED,
            f"BTF newer than loaders in the field: needs {shown}",
            evidence=evidence,
            cause="; ".join([*reasons, *([bpftool] if bpftool else [])]),
            fix=f"rebuild the tool with {shown}",
            data=data,
        )
    else:
        yield finding("PH104", Verdict.OK, f"readable by {shown}", evidence=evidence, data=data)


def _vlen(file: BtfFile) -> int:
    return file.format.max_vlen if file.format is not None else 0


def _version_words(loader: str, version: str | None) -> str:
    if version is None:
        return f"no {LOADERS[loader]} yet"
    return f"{LOADERS[loader]} >= {version}" if version else f"any {LOADERS[loader]}"


def _sources(part: Part) -> str:
    return "; ".join(f"{LOADERS[key]}: {reader.source}" for key, reader in part.readers.items())


def _old_bpftool(host: HostFacts, needed: str | None) -> str | None:
    """A sentence when the installed bpftool is linked with a libbpf too old for this BTF."""
    summary = host.instruments.bpftool.value if host.instruments is not None else None
    if summary is None or not needed or not is_older(summary.libbpf, needed):
        return None
    return f"the installed bpftool has libbpf {summary.libbpf}, this BTF needs {needed}"


@area_check("PH105", "btf")
def external_btf(_: HostFacts, facts: BtfFacts) -> Iterable[Finding]:
    """Which source a loader would take, and what became of the other places."""
    tried = [Evidence("sysfs", f"{p.path}: {p.note}", f"ls -l {p.path}") for p in facts.places]
    file = facts.vmlinux.value
    external = facts.external.value
    if external is not None:
        tried += facts.external.evidence
    data = {"tried": [p.path for p in facts.places]}
    if facts.vmlinux.is_known and file is not None and file.error is None:
        yield finding("PH105", Verdict.OK, "loaders use the kernel's own BTF", evidence=tried, data=data)
        return
    source = external_source(facts)
    if source is not None:
        yield finding(
            "PH105",
            Verdict.DEGRADED,
            f"loaders would use {source}",
            evidence=tried,
            cause="BTF from outside is as good as its match with this very build, which nothing can prove",
            fix=f"give it to the loader: libbpf btf_custom_path, bpftool -B, BPFTRACE_BTF={source} bpftrace",
            confidence=Confidence.MEDIUM,
            data=data,
        )
    elif external is not None:
        yield finding(
            "PH105",
            Verdict.MISSING,
            f"the external BTF file is of no use: {external.note}",
            evidence=tried,
            cause=external.note,
            data=data,
        )
    else:
        fact_less = undecided("PH105", f"no BTF in any of {len(facts.places)} places", facts.vmlinux)
        yield Finding(
            "PH105",
            Verdict.UNKNOWN,
            Severity.INFO,
            fact_less.title,
            evidence=tuple(tried),
            cause="none of the places libbpf searches has BTF for this release, and no other file was given",
            fix="fetch the file of exactly this release (BTFHub's archive), pass its folder with --btf-dir",
            data=data,
        )


@area_check("PH106", "btf")
def fd_by_id(_: HostFacts, facts: BtfFacts) -> Iterable[Finding]:
    """BTF objects by id are what fentry on modules and freplace need; the rest does without."""
    answer = facts.fd_by_id.value
    if not facts.fd_by_id.is_known or answer is None:
        yield undecided("PH106", "BTF by id was not asked for", facts.fd_by_id)
    elif answer in ("OK", "ENOENT"):
        yield finding("PH106", Verdict.OK, "BTF objects can be had by id", facts.fd_by_id)
    elif answer in ("EPERM", "EACCES"):
        yield finding("PH106", Verdict.BLOCKED, f"BTF objects by id are refused ({answer})", facts.fd_by_id)
    elif answer == "EINVAL":
        yield finding(
            "PH106",
            Verdict.MISSING,
            "this kernel does not know BTF objects by id",
            facts.fd_by_id,
            cause="bpf(2) answers EINVAL to BPF_BTF_GET_NEXT_ID, as it does to commands it does not have",
        )
    else:
        yield finding(
            "PH106",
            Verdict.UNKNOWN,
            f"BTF by id: an answer that says neither yes nor no ({answer})",
            facts.fd_by_id,
            cause=f"bpf(2) answered {answer}, see PH201",
            fix="to decide: bpftool btf show",
        )
