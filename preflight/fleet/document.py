# SPDX-License-Identifier: Apache-2.0
"""The facts file of one host, schema `preflight.facts/1`.

What `preflight.kernels.facts_file` describes, and beside it:

    labels     what the operator wrote with --label, and nothing else that could name the host
    host_key   an HMAC of the machine id under the operator's own key, or null
    policy     the policy class (preflight.fleet.policy) in plain values, and its digest
    config     digest and number of all options; the options that matter are in `host.context.config`
    checks     code, subject, verdict, severity and title of every check, evidence of those that do not pass
    host       the facts themselves, so that any later version can ask them again

Nothing is taken that is not listed in the fact types: no host name, user, path, address, machine id,
command line or kernel address. The list of kernel symbols travels as a digest of their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from preflight.errors import UsageError
from preflight.findings.model import Verdict
from preflight.fleet.policy import policy_class, policy_digest
from preflight.host.codec import facts_to_dict
from preflight.kernels.blob import Blob
from preflight.kernels.facts_file import SCHEMA, kernel_part
from preflight.kernels.model import Kernel, symbol_lines
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.findings.model import Finding
    from preflight.host.facts import HostFacts

_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?\Z")
_MAX_LABELS = 32
_MAX_LABEL_VALUE = 128
#: Characters of the host's key: 80 bits, enough to tell hosts of one fleet apart.
_KEY_DIGITS = 20


def facts_document(
    facts: HostFacts,
    checks: Iterable[Finding],
    kernel: Kernel | None,
    *,
    tool: Mapping[str, str],
    collected_at: str,
    labels: Mapping[str, str],
    host_key: str | None = None,
    with_btf: bool = False,
) -> dict[str, Any]:
    """The document, ready for JSON. `kernel` is None where the host shows no BTF; `collected_at` ISO UTC."""
    policy = policy_class(facts)
    return {
        "schema": SCHEMA,
        "tool": dict(tool),
        "collected_at": collected_at,
        "labels": dict(sorted(labels.items())),
        "host_key": host_key,
        "kernel": None if kernel is None else _kernel(kernel, facts, with_btf),
        "config": _config(kernel),
        "policy": {"digest": policy_digest(policy), **policy},
        "checks": [_check(found) for found in checks],
        "host": without_nulls(facts_to_dict(facts)),
    }


def parse_labels(texts: Iterable[str]) -> dict[str, str]:
    """`KEY=VALUE` texts as a mapping. UsageError for what could not be a label."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not _LABEL.match(key) or not value.isprintable() or len(value) > _MAX_LABEL_VALUE:
            raise UsageError(
                f"--label {text[:80]!r}: write KEY=VALUE, KEY of letters, digits and ._/- (at most 63), "
                f"VALUE printable (at most {_MAX_LABEL_VALUE})"
            )
        if key in found:
            raise UsageError(f"--label {key}: given twice")
        found[key] = value
    if len(found) > _MAX_LABELS:
        raise UsageError(f"at most {_MAX_LABELS} labels; these are {len(found)}")
    return found


def keyed(machine_id: bytes, key: bytes) -> str:
    """A host's name that only the holder of the key can make: HMAC-SHA256, cut."""
    import hmac

    return hmac.new(key, b"preflight.facts\0" + machine_id.strip(), "sha256").hexdigest()[:_KEY_DIGITS]


def without_nulls(value: Any) -> Any:
    """Records without their null members: reading takes what is absent for null.

    Items of lists stay, nulls among them count.
    """
    if isinstance(value, dict):
        return {key: without_nulls(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [without_nulls(one) for one in value]
    return value


def _kernel(kernel: Kernel, facts: HostFacts, with_btf: bool) -> dict[str, Any]:
    contents = kernel.contents
    if contents.symbols is not None:
        contents = replace(contents, symbols=Blob(data=_symbol_names(contents.symbols)))
    context = facts.context
    identity = kernel.identity
    if context is not None:
        identity = replace(identity, distribution=context.distribution.value)
    named = Kernel(identity, contents, kernel.provenance)
    # with its BTF a file answers for the kernel anywhere; the rest that prediction asks is small beside it
    return kernel_part(named, carried=None if with_btf else ())


def _symbol_names(symbols: Blob) -> bytes:
    """The kernel's own symbols and its modules', sorted: the same after every boot.

    Addresses are nobody's business, and neither are the BPF programs that somebody has loaded (`[bpf]`).
    """
    lines = symbol_lines(symbols.text()).splitlines(keepends=True)
    return b"".join(sorted(line for line in lines if not line.rstrip().endswith(b"[bpf]")))


def _config(kernel: Kernel | None) -> dict[str, Any] | None:
    options = kernel.config if kernel is not None else None
    return None if options is None else {"options": len(options), "sha256": config_digest(options)}


def config_digest(options: Mapping[str, str]) -> str:
    """SHA-256 of a configuration, whatever file it was read from: comments and order do not count."""
    from hashlib import sha256

    text = "".join(f"{name}={value}\n" for name, value in sorted(options.items()))
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _check(found: Finding) -> dict[str, Any]:
    return {
        "code": found.code,
        "subject": found.subject,
        "verdict": found.verdict.value,
        "severity": found.severity.value,
        "title": found.title,
        # what passes has its evidence in the facts, and there are some two hundred of those
        "evidence": []
        if found.verdict is Verdict.OK
        else [f"{item.source}: {item.detail}" for item in found.evidence],
    }
