# SPDX-License-Identifier: Apache-2.0
"""Regenerate fixtures/btf: BTF and configuration of four packaged Debian kernels.

    python tools/make_btf_fixtures.py

needs a Debian host whose mirror still has the packages, and the network. A package the mirror
lost leaves its fixture as it is; the next build of the same series would serve as well, but
then the tests that name a release have to follow.
"""

from __future__ import annotations

import sys
from pathlib import Path

from preflight.kernels import Store
from preflight.kernels.aptroot import AptError
from preflight.kernels.fetch_debian import Request, builds, load, open_suite, select

#: suite, architecture, flavour, release: the oldest and the newest amd64, one in between, one big-endian.
KERNELS = (
    ("bullseye", "amd64", "amd64", "5.10.0-32-amd64"),
    ("bookworm", "amd64", "amd64", "6.1.0-50-amd64"),
    ("trixie", "s390x", "s390x", "6.12.107+deb13-s390x"),
    ("trixie-backports", "amd64", "amd64", "7.3.4+deb13-amd64"),
)


def main() -> int:
    """Fetch and pack each kernel; 1 when one could not be had."""
    folder = Path(__file__).parent.parent / "fixtures" / "btf"
    store = Store(folder)
    failed = 0
    for suite, arch, flavour, release in KERNELS:
        request = Request(suite, arch, (flavour,), (release,))
        try:
            root = open_suite(suite, arch, say=print)
            (build,) = select(builds(root.packages("linux-")), request)
            store.add(load(root, build, request), build.name, replace_existing=True, packed=True)
            print(f"{build.name} {build.version}")
        except (AptError, ValueError) as error:
            print(f"{release}: {error}", file=sys.stderr)
            failed = 1
    (folder / ".lock").unlink(missing_ok=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
