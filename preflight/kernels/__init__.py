# SPDX-License-Identifier: Apache-2.0
"""A kernel as facts, from any source, and the catalogue of kernels kept on disk.

`resolve` turns what a user typed into kernels, `Kernel` is what rules see of one, `Store` is the
catalogue. May import btf. All I/O on kernel images and packages happens here.
"""

from __future__ import annotations

from preflight.kernels.model import Identity, Kernel, Provenance
from preflight.kernels.refs import resolve, resolve_all
from preflight.kernels.store import Store

__all__ = ("Identity", "Kernel", "Provenance", "Store", "resolve", "resolve_all")
