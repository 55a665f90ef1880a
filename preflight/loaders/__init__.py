# SPDX-License-Identifier: Apache-2.0
"""What differs between libbpf, cilium/ebpf and aya, as data.

`loader(name)` gives the rules one loader follows; `differences()` gives the same table with
its sentences and sources, for people. Imports nothing of preflight but facts and errors.
"""

from preflight.loaders.rules import LIBBPF, Loader, essential_name, unreadable
from preflight.loaders.table import NAMES, Behaviour, behaviours, differences, loader

__all__ = [
    "LIBBPF",
    "NAMES",
    "Behaviour",
    "Loader",
    "behaviours",
    "differences",
    "essential_name",
    "loader",
    "unreadable",
]
