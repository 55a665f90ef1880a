# SPDX-License-Identifier: Apache-2.0
"""What a fleet report needs of one facts document, checked: strangers wrote it.

Only the outline is looked at here, because thousands of hosts share it; the facts themselves are read in full
once for each group of hosts that are alike (preflight.fleet.judge).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from preflight.errors import InputError
from preflight.fleet.shared import Shared
from preflight.kernels.facts_file import SCHEMA, is_facts

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,128}\Z")
_CODE = re.compile(r"[A-Z]{1,4}[0-9]{3,4}\Z")
_VERSION = re.compile(r"preflight\.facts/([0-9]{1,6})\Z")
_MAX_LABELS, _MAX_LABEL, _MAX_VALUE = 64, 64, 256
_MAX_POLICY = 16_384
_MAX_CHECKS = 5_000
_MAX_TEXT = 2_000
_MAX_CONFIG = 16 << 20
#: Checks of the run itself: another outcome does not make another host.
_OF_THE_RUN = "PH9"


class RefusedError(Exception):
    """A document that cannot be used; `kind` is a word of `census.SKIPS`."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


class KernelKey(NamedTuple):
    """What makes two kernels one: BTF and configuration, as SHA-256. None is unknown.

    `release` stands in where there is no BTF; otherwise it is empty.
    """

    btf: str | None
    config: str | None
    release: str


class Check(NamedTuple):
    """The outcome of one host check."""

    code: str
    subject: str
    verdict: str
    severity: str
    title: str


class HostRecord(NamedTuple):
    """One host in outline. `policy` is its policy class by name, in plain values.

    `host_key` tells hosts apart where the operator gave a key. `shape` is a digest of all outcomes of checks:
    hosts with one kernel, one policy and one shape are a group.
    """

    kernel: KernelKey
    identity: Mapping[str, str | None]
    policy: Mapping[str, Any]
    policy_digest: str
    checks: tuple[Check, ...]
    shape: bytes
    labels: Mapping[str, str]
    host_key: str | None
    collected_at: str


class Outcomes(NamedTuple):
    """The outcomes of all checks of a host, and their digest (`HostRecord.shape`)."""

    checks: tuple[Check, ...]
    shape: bytes


class Known:
    """What was made of members that documents share."""

    def __init__(self, most: int) -> None:
        self.outcomes: Shared[Outcomes] = Shared(most)
        self.policies: Shared[tuple[dict[str, Any], str]] = Shared(most)


def record_of(document: Any, known: Known | None = None) -> HostRecord:
    """The outline of a facts document. RefusedError says why it cannot be used."""
    if not is_facts(document):
        raise RefusedError("not-facts", "is JSON, and no facts file")
    schema = str(document["schema"])
    if schema != SCHEMA:
        version = _VERSION.match(schema)
        newest = int(SCHEMA.rpartition("/")[2])
        if version and int(version[1]) > newest:
            raise RefusedError("future", f"is of schema {schema}; this version reads up to {SCHEMA}")
        raise RefusedError("malformed", f"is of schema {schema[:60]!r}, which never was")
    try:
        return _record(document, known or Known(1))
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise RefusedError("malformed", f"is damaged: {str(error)[:160] or type(error).__name__}") from None
    except InputError as error:
        raise RefusedError("malformed", f"is damaged: {str(error)[:160]}") from None


def _record(document: Mapping[str, Any], known: Known) -> HostRecord:
    checks, settings = document.get("checks"), document.get("policy")
    outcomes = None if checks is None else known.outcomes.of(checks, lambda raw: _outcomes(_checks(raw)))
    policy = None if settings is None else known.policies.of(settings, _policy)
    if policy is None or outcomes is None:
        # a collector that only collects leaves both to us, and so do facts from before there were any
        own = _derived(json.dumps(document.get("host") or {}, sort_keys=True))
        policy = policy or _policy(own[1])
        outcomes = outcomes or own[0]
    identity = _identity(document)
    return HostRecord(
        _kernel_key(document, identity),
        identity,
        *policy,
        outcomes.checks,
        outcomes.shape,
        _labels(document.get("labels")),
        _host_key(document.get("host_key")),
        _text(document.get("collected_at"), "collected_at") or "",
    )


def _kernel_key(document: Mapping[str, Any], identity: Mapping[str, str | None]) -> KernelKey:
    kernel = document.get("kernel")
    digest = None
    if kernel is not None:
        digest = kernel["btf_sha256"]
        if not isinstance(digest, str) or not _SHA256.match(digest):
            raise ValueError("kernel.btf_sha256 is not a SHA-256")
        if not isinstance(kernel.get("contents"), dict):
            raise TypeError("kernel.contents is not an object")
    config = document.get("config")
    options = _carried_config(kernel) if config is None and kernel is not None else None
    if config is not None:
        options = config["sha256"]
        if not isinstance(options, str) or not _SHA256.match(options):
            raise ValueError("config.sha256 is not a SHA-256")
    return KernelKey(digest, options, "" if digest else f"{identity['release']} {identity['arch']}")


def _carried_config(kernel: Mapping[str, Any]) -> str | None:
    """The digest of a configuration that travels along, where the document does not say it."""
    import base64

    from preflight.fleet.document import config_digest
    from preflight.kernels.config import parse_config
    from preflight.kernels.decompress import decompress

    packed = (kernel["contents"].get("config") or {}).get("xz")
    if packed is None:
        return None
    text = decompress("xz", base64.b64decode(packed, validate=True), limit=_MAX_CONFIG, subject="config")
    return config_digest(parse_config(text.decode("utf-8", "surrogateescape")))


def _identity(document: Mapping[str, Any]) -> dict[str, str | None]:
    """Release, machine and distribution: of the kernel, and without one of the host's own facts."""
    kernel = document.get("kernel")
    if kernel is not None:
        return {key: _text(kernel.get(key), key) for key in ("release", "arch", "distribution")}
    context = (document.get("host") or {}).get("context") or {}
    named = context.get("distribution") or {}
    return {
        "release": _text(context.get("release"), "release"),
        "arch": _text(context.get("machine"), "machine"),
        "distribution": _text(named.get("value") if isinstance(named, dict) else None, "distribution"),
    }


@lru_cache(maxsize=1024)
def _derived(host: str) -> tuple[Outcomes, dict[str, Any]]:
    """Checks and policy class of facts, by their JSON: hosts that are alike are asked once."""
    from preflight.fleet.policy import policy_class
    from preflight.host.checks.runner import run_checks
    from preflight.host.codec import facts_from_dict

    facts = facts_from_dict(json.loads(host))
    checks = tuple(
        Check(f.code, f.subject, f.verdict.value, f.severity.value, f.title) for f in run_checks(facts)
    )
    return _outcomes(checks), policy_class(facts)


def _policy(policy: Any) -> tuple[dict[str, Any], str]:
    """The policy class as it was written, and its digest as we make it."""
    from preflight.fleet.policy import policy_digest

    if not isinstance(policy, dict):
        raise TypeError("policy is not an object")
    plain = {key: value for key, value in policy.items() if key != "digest"}
    if len(json.dumps(plain)) > _MAX_POLICY:
        raise ValueError("policy is too large")
    return plain, policy_digest(plain)


def _outcomes(checks: tuple[Check, ...]) -> Outcomes:
    from hashlib import sha256

    text = "\n".join(
        sorted(f"{c.code}\t{c.subject}\t{c.verdict}" for c in checks if c.code[:3] != _OF_THE_RUN)
    )
    return Outcomes(checks, sha256(text.encode("utf-8", "surrogatepass")).digest()[:12])


def _checks(raw: Any) -> tuple[Check, ...]:
    if not isinstance(raw, list):
        raise TypeError("checks is not a list")
    if len(raw) > _MAX_CHECKS:
        raise ValueError("there are too many checks")
    return tuple(_check(one) for one in raw)


def _check(one: Mapping[str, Any]) -> Check:
    found = Check(one["code"], one.get("subject", ""), one["verdict"], one["severity"], one.get("title", ""))
    for value in found:
        if not isinstance(value, str) or len(value) > _MAX_TEXT:
            raise ValueError("a check is not made of short texts")
    if not _CODE.match(found.code):
        raise ValueError(f"{found.code[:20]!r} is no code of a check")
    return found


def _labels(raw: Any) -> dict[str, str]:
    if raw is None:
        return {}
    if not isinstance(raw, dict) or len(raw) > _MAX_LABELS:
        raise ValueError("labels is not an object of few members")
    for key, value in raw.items():
        if not isinstance(value, str) or not key or len(key) > _MAX_LABEL or len(value) > _MAX_VALUE:
            raise ValueError("a label is not a short text")
    return dict(sorted(raw.items()))


def _host_key(raw: Any) -> str | None:
    if raw is not None and (not isinstance(raw, str) or not _KEY.match(raw)):
        raise ValueError("host_key is not a short name")
    return raw


def _text(value: Any, what: str) -> str | None:
    if value is not None and (not isinstance(value, str) or len(value) > _MAX_TEXT):
        raise ValueError(f"{what} is not a short text")
    return value
