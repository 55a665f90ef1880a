# SPDX-License-Identifier: Apache-2.0
"""Whether the classifier and the qdisc that tc programs need are built in, loaded, loadable or absent."""

from __future__ import annotations

from preflight.facts import Fact
from preflight.host.areas.surfaces import NetModule
from preflight.host.system import Reading, System

#: Module name and the option that builds it.
_PARTS = (("cls_bpf", "NET_CLS_BPF"), ("sch_ingress", "NET_SCH_INGRESS"))
#: /lib/modules/RELEASE/modules.dep of a distribution kernel has about a megabyte.
_LIST_LIMIT = 16 << 20


def network_modules(system: System, config: Fact[dict[str, str]]) -> tuple[NetModule, ...]:
    """The parts in the order of `_PARTS`."""
    return tuple(_one(system, name, option, config) for name, option in _PARTS)


def _one(system: System, name: str, option: str, config: Fact[dict[str, str]]) -> NetModule:
    value = None if config.value is None else config.value.get(option, "n")
    if value == "y":
        return NetModule(name, "built-in", f"CONFIG_{option}=y")
    if value == "n":
        return NetModule(name, "absent", f"CONFIG_{option} is not set")
    if system.look(f"/sys/module/{name}").is_present:
        return NetModule(name, "loaded", f"/sys/module/{name} exists")
    folder = f"/lib/modules/{system.release}"
    builtin = system.read(f"{folder}/modules.builtin", _LIST_LIMIT)
    if _lists(builtin, name):
        return NetModule(name, "built-in", "listed in modules.builtin")
    installed = system.read(f"{folder}/modules.dep", _LIST_LIMIT)
    if _lists(installed, name):
        return NetModule(name, "available", "a module that is not loaded")
    if value == "m":
        # The configuration promises a module that is not installed, or whose folder is not visible here.
        return NetModule(name, "unknown", f"CONFIG_{option}=m, and {installed.why}")
    return NetModule(name, "unknown", f"no kernel configuration, and {installed.why}")


def _lists(reading: Reading, name: str) -> bool:
    """Whether a module list has `.../NAME.ko`, compressed or not, at the head of a line."""
    for line in reading.data.splitlines():
        file = line.split(b":", 1)[0].rsplit(b"/", 1)[-1]
        if file.split(b".ko", 1)[0] == name.encode() and b".ko" in file:
            return True
    return False
