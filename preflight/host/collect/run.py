# SPDX-License-Identifier: Apache-2.0
"""Runs every collector; a crash in one leaves its area empty and the others alone."""

from __future__ import annotations

import importlib
from contextlib import suppress
from dataclasses import fields
from typing import Any

from preflight.host.collect import instruments
from preflight.host.collect.session import Options, Session
from preflight.host.facts import INTERRUPTED, HostFacts
from preflight.host.system import System

#: The areas in the order they are collected, which is that of the facts.
AREAS = tuple(field.name for field in fields(HostFacts) if field.name != "failures")


def collect_host(system: System | None = None, options: Options | None = None) -> HostFacts:
    """Facts of the whole host. Never raises for what a collector meets; see `HostFacts.failures`.

    An interrupt ends the collection; what was collected before it is kept. InputError when the options
    name files that cannot be used.
    """
    session = Session(system, options)
    failures: dict[str, str] = {}
    with suppress(Exception):  # without a first count PH903 is unknown, and says so
        instruments.begin(session)
    found: dict[str, Any] = dict.fromkeys(AREAS)
    for area in AREAS:
        try:
            module = importlib.import_module(f"preflight.host.collect.{area}")
            found[area] = module.collect(session)
        except KeyboardInterrupt:
            failures |= dict.fromkeys(AREAS[AREAS.index(area) :], INTERRUPTED)
            break
        except Exception as error:
            failures[area] = _described(error)
    session.types.keep()
    return HostFacts(**found, failures=failures)


def _described(error: Exception) -> str:
    """The error's kind and the line it came from; its text could hold paths, so it stays out."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    module = trace.tb_frame.f_globals.get("__name__", "?")
    return f"{type(error).__name__} in {module}, line {trace.tb_lineno}"
