# SPDX-License-Identifier: Apache-2.0
"""The shipped tracers as `preflight check` wants them: the catalogue's entries beside their objects."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from preflight import bpf_objects
from preflight.host.shipped import Shipped, ShippedProgram, ShippedTracer, ShippedVariant

if TYPE_CHECKING:
    from preflight.tracers.model import Tracer, Variant


def shipped() -> Shipped:
    """All tracers of the catalogue; it is read only when something about them changed."""
    folder = bpf_objects.root() / "tracers" / ("bpfel" if sys.byteorder == "little" else "bpfeb")
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208
    except OSError:
        names = []  # not compiled: the rows say so
    return Shipped(_load, tuple(folder / name for name in names))


def _load() -> tuple[ShippedTracer, ...]:
    from preflight.tracers.load import catalogue

    return tuple(_tracer(one) for one in catalogue())


def _tracer(tracer: Tracer) -> ShippedTracer:
    return ShippedTracer(
        tracer.name, tracer.domain, tracer.question, tuple(_variant(one) for one in tracer.variants)
    )


def _variant(variant: Variant) -> ShippedVariant:
    from preflight.errors import InstrumentError

    path: Path | None = None
    missing = ""
    try:
        path = bpf_objects.find("tracers", variant.object)
    except InstrumentError as error:
        missing = str(error)
    programs = tuple(ShippedProgram(one.program, one.optional, one.group) for one in variant.attach)
    return ShippedVariant(variant.name, variant.surface, path, missing, programs)
