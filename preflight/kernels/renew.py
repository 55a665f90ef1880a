# SPDX-License-Identifier: Apache-2.0
"""Entries that an earlier version made, brought to what this one reads from a kernel's image.

The package is found again by release and version in the suite that the entry names. Only facts that are
missing are added, and only when the package holds the very BTF of the entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from preflight.errors import InputError, InstrumentError, PreflightError
from preflight.kernels.aptroot import AptRoot
from preflight.kernels.fetch_debian import Build, Outcome, Request, builds, load, open_suite, outcome_of
from preflight.kernels.model import Kernel
from preflight.kernels.packages import ARCHITECTURES
from preflight.kernels.store import Store
from preflight.records import replace


def lacking(kernel: Kernel) -> str:
    """What an image would add to this kernel's facts, in words; "" when nothing is known to be missing.

    A kernel without symbols of its own, and one that was not read from an image, has none here that would
    tell more.
    """
    contents = kernel.contents
    from_image = kernel.provenance.kind in ("deb", "image")
    return "trace sites" if from_image and contents.symbols is not None and contents.sites is None else ""


def with_missing(kernel: Kernel, again: Kernel) -> Kernel:
    """The kernel with what it lacks taken from a newer reading. InputError when that is another kernel."""
    if again.btf_sha256 != kernel.btf_sha256:
        raise InputError("the package of this release and version holds another BTF", subject=kernel.name)
    contents = replace(kernel.contents, sites=again.contents.sites)
    return Kernel(kernel.identity, contents, kernel.provenance)


def renew(
    store: Store,
    names: Sequence[str],
    *,
    done: Callable[[Outcome], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> list[Outcome]:
    """Bring entries up to date, one after the other; `done` hears of each. In the order of `names`."""
    suites: dict[tuple[str, str], tuple[AptRoot, list[Build]]] = {}
    outcomes = []
    for name in names:
        outcomes.append(_renewed(store, name, suites, say))
        done(outcomes[-1])
    return outcomes


def _renewed(
    store: Store,
    name: str,
    suites: dict[tuple[str, str], tuple[AptRoot, list[Build]]],
    say: Callable[[str], None],
) -> Outcome:
    try:
        kernel = store.get(name)
        if not lacking(kernel):
            return Outcome(name, "present")
        found = _build(kernel, suites, say)
        if isinstance(found, str):
            return Outcome(name, "lost", found)
        root, build = found
        again = load(root, replace(build, base=None), Request(root.suite, root.arch, ()))
        store.add(with_missing(kernel, again), name, replace_existing=True)
    except (InputError, InstrumentError) as error:
        return outcome_of(name, error)
    except OSError as error:
        return Outcome(name, "failed", error.strerror or str(error))
    return Outcome(name, "renewed", lacking(kernel))


def _build(
    kernel: Kernel,
    suites: dict[tuple[str, str], tuple[AptRoot, list[Build]]],
    say: Callable[[str], None],
) -> tuple[AptRoot, Build] | str:
    """The build a kernel is from, or why it cannot be had again."""
    identity = kernel.identity
    arch = next((debian for debian, uname in ARCHITECTURES.items() if uname == identity.arch), None)
    if identity.distribution != "debian" or not identity.suite or arch is None:
        return "its suite is not known: add its image or package again with `preflight kernels add --replace`"
    key = (identity.suite, arch)
    if key not in suites:
        try:
            root = open_suite(identity.suite, arch, say=say)
        except PreflightError as error:
            return str(error)
        suites[key] = (root, builds(root.packages("linux-")))
    root, known = suites[key]
    for build in known:
        if build.release == identity.release:
            same = tuple(one for one in build.image if one.version == identity.version)
            if same:
                return root, replace(build, image=same)
    return f"{identity.suite} no longer has {identity.release} {identity.version}"
