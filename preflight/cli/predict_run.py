# SPDX-License-Identifier: Apache-2.0
"""What `preflight predict` does between its options and its output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from preflight.cli.exits import Exit
from preflight.cli.targets import WithoutBtf, kernels_named, modules_named
from preflight.errors import InputError
from preflight.kernels.model import Kernel
from preflight.objects.model import BpfObject
from preflight.predict.predict_report import exit_word, result, summarise, without_btf


class Request(NamedTuple):
    """The options, checked."""

    objects: tuple[str, ...]
    kernels: tuple[str, ...]
    judge: str
    modules: tuple[str, ...]
    store: str
    fail_on: str
    undecided: str


def run(request: Request) -> tuple[dict[str, Any], int]:
    """The result object and the exit code."""
    from preflight.kernels.host import HOST, PREDICTED_NOTE
    from preflight.objects.sources import open_all
    from preflight.render.envelope import envelope

    objects = open_all(request.objects)
    results: list[dict[str, Any]] = []
    names: list[str] = []
    seen: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    kernels = kernels_named(request.kernels, request.store)
    kernels.reverse()
    while kernels:
        # popped, so that a kernel's facts are freed before the next one's are read
        kernel = kernels.pop()
        names.append(kernel.name)
        key = _identity(kernel)
        known = seen.get(key)
        if known is None:
            known = seen[key] = _on(kernel, objects, request)
        results += [{**one, "kernel": kernel.name} for one in known]
    code = _exit(results, request)
    notes = [PREDICTED_NOTE] if HOST in names else []
    return envelope("predict", summarise(results, names, code, request.judge, notes), results), code


def _identity(kernel: Kernel | WithoutBtf) -> tuple[Any, ...]:
    """What makes two kernels the same for prediction: every fact it looks at."""
    if not isinstance(kernel, Kernel):
        return (kernel.name,)
    from hashlib import sha256

    contents = kernel.contents
    blobs = (
        contents.config,
        contents.symbols,
        contents.tracepoints,
        contents.filter_functions,
        contents.sites,
    )
    digests = tuple(None if blob is None else sha256(blob.read()).hexdigest() for blob in blobs)
    modules = tuple(sorted(kernel.modules)) if kernel.modules is not None else None
    return (kernel.btf_sha256, kernel.release, kernel.arch, digests, modules)


def _on(kernel: Kernel | WithoutBtf, objects: Sequence[BpfObject], request: Request) -> list[dict[str, Any]]:
    if not isinstance(kernel, Kernel):
        return [without_btf(obj, kernel.name, kernel.why)[0] for obj in objects]
    from preflight.kernels.indexed import use_index
    from preflight.predict.kernel_facts import KernelFacts
    from preflight.predict.target import KernelTarget
    from preflight.predict.verdict import predict

    use_index(kernel)
    facts = KernelFacts(KernelTarget(kernel, modules_named(kernel, request.modules)))
    found = []
    for obj in objects:
        try:
            found.append(result(predict(obj, facts), kernel.name))
        except InputError as error:
            raise error.about(f"{obj.name} on {kernel.name}") from None
    return found


def _exit(results: list[dict[str, Any]], request: Request) -> int:
    word = exit_word(results, request.judge)
    if word == "fails" and request.fail_on != "never":
        return int(Exit.FINDINGS)
    if word == "fails":
        # what fails is decided; whether anything else is open still counts
        word = "unknown" if any(one["adjusted_verdict"] == "unknown" for one in results) else "fine"
    if word == "unknown":
        return int({"ok": Exit.FINE, "fail": Exit.FINDINGS}.get(request.undecided, Exit.UNDECIDED))
    return int(Exit.FINE)
