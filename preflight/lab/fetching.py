# SPDX-License-Identifier: Apache-2.0
"""Kernels a lab run names that the catalogue does not have yet: fetched from Debian's suites."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

from preflight.errors import InstrumentError, UsageError
from preflight.kernels.store import Store

#: Suites of Debian that have kernels, the likeliest first; the first that has a match wins.
SUITES = (
    "trixie",
    "trixie-backports",
    "bookworm",
    "bookworm-backports",
    "bullseye",
    "trixie-security",
    "bookworm-security",
    "bullseye-security",
    "sid",
    "experimental",
)
_PREFIX = "debian/"


def fetch_missing(
    refs: Iterable[str], store: Store, *, arch: str = "amd64", say: Callable[[str], None] = lambda _: None
) -> list[str]:
    """Fetch what `debian/...` names and patterns match nowhere in the catalogue; the names that were added.

    Of each flavour the newest build of the first suite that has one. What no suite has stays missing, and
    resolving the reference says so. InstrumentError when no suite could be read at all.
    """
    added: list[str] = []
    for ref in refs:
        if ref.startswith(_PREFIX) and ref not in store and not store.match(ref):
            added += _fetch(ref, store, arch, say)
    return added


def _fetch(ref: str, store: Store, arch: str, say: Callable[[str], None]) -> list[str]:
    from preflight.kernels import fetch_debian
    from preflight.kernels.fetch_debian import Request

    unread: list[str] = []
    for suite in SUITES:
        request = Request(suite, arch, ("*",))
        try:
            root = fetch_debian.open_suite(suite, arch, say=say)
            found = [b for b in fetch_debian.builds(root.packages("linux-")) if fnmatchcase(b.name, ref)]
        except (InstrumentError, UsageError) as error:
            unread.append(f"{suite}: {error}")
            continue
        added = []
        for build in fetch_debian.select(found, request):
            say(f"fetching {build.name} from {suite}")
            outcome = fetch_debian.fetch(root, build, store, request)
            if outcome.state in ("added", "present"):
                added.append(outcome.name)
            else:
                say(f"{outcome.name}: {outcome.state}: {outcome.detail}")
        if added:
            return added
    if len(unread) == len(SUITES):
        raise InstrumentError(f"{ref} is not in the catalogue, and cannot be fetched: {unread[0]}")
    for why in unread:
        say(f"not looked for {ref} in {why}")
    return []
