# SPDX-License-Identifier: Apache-2.0
"""`preflight collect`: what this host can run, as one portable facts file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from preflight.host.facts import HostFacts
    from preflight.kernels.model import Kernel

#: Machine ids, in the order systemd documents them (machine-id(5)).
_MACHINE_IDS = ("/etc/machine-id", "/var/lib/dbus/machine-id")
_KEY_LIMITS = (16, 4096)


def collect(
    output: str = typer.Option("-", "-o", "--output", metavar="FILE", help="- is standard output."),
    with_btf: bool = typer.Option(
        False,
        "--with-btf",
        help="Carry the kernel's BTF, symbols and configuration along, compressed: a few MB, not digests.",
    ),
    label: list[str] = typer.Option(
        [], "--label", metavar="KEY=VALUE", help="Say something about this host; repeatable."
    ),
    key_file: str | None = typer.Option(
        None, "--key-file", metavar="FILE", help="Secret of 16 bytes or more: name the host by a keyed hash."
    ),
    kernel_config: str | None = typer.Option(
        None, "--kernel-config", metavar="FILE", help="The kernel's configuration file."
    ),
    full: bool = typer.Option(False, "--full", help="Ask all program types for all helpers."),
    cache: bool = typer.Option(True, help="Remember what was read off files that do not change."),
    emit_script: bool = typer.Option(
        False,
        "--emit-script",
        help="Write a collector that needs Python 3.6 and no installation, and collect nothing here.",
    ),
) -> int:
    """Collect facts about this host for `preflight fleet` and for `--kernel FACTS`. No identity is taken.

    Tiny programs are loaded and closed at once; nothing is attached or pinned.
    """
    import json
    from datetime import UTC, datetime

    from preflight import __version__
    from preflight.fleet.document import facts_document, keyed, parse_labels
    from preflight.host.checks.runner import run_checks
    from preflight.host.collect.run import collect_host
    from preflight.host.collect.session import Options

    if emit_script:
        from preflight.fleet.script import text as script

        return _written(output, script())
    labels = parse_labels(label)
    key = _key(key_file) if key_file else None
    options = Options(kernel_config=Path(kernel_config) if kernel_config else None, full=full, cache=cache)
    facts = collect_host(None, options)
    document = facts_document(
        facts,
        run_checks(facts),
        _kernel(facts),
        tool={"name": "preflight", "version": __version__},
        collected_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
        labels=labels,
        host_key=keyed(_machine_id(), key) if key else None,
        with_btf=with_btf,
    )
    return _written(output, json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n")


def _written(output: str, text: str) -> int:
    from preflight.cli.output import write_file, write_stdout

    if output == "-":
        write_stdout(text)
    else:
        write_file(Path(output), text)
    return 0


def _kernel(facts: HostFacts) -> Kernel | None:
    """The running kernel; None where it shows no BTF, which the facts of the BTF area explain."""
    from preflight.errors import InputError
    from preflight.kernels.host import running

    try:
        return running()
    except InputError:
        return None


def _key(path: str) -> bytes:
    from preflight.errors import InputError, UsageError

    least, most = _KEY_LIMITS
    try:
        with Path(path).open("rb") as file:
            key = file.read(most + 1).strip()
    except OSError as error:
        raise InputError(error.strerror or "cannot be read", subject=path) from None
    if not least <= len(key) <= most:
        raise UsageError(f"--key-file: a key has {least} to {most} bytes, this one {len(key)}")
    return key


def _machine_id() -> bytes:
    from preflight.errors import InputError

    for path in _MACHINE_IDS:
        try:
            with Path(path).open("rb") as file:
                found = file.read(256).strip()
        except OSError:
            continue
        if found and found != b"uninitialized":
            return found
    raise InputError("has no machine id, so that no keyed hash can be made of it", subject="this host")
