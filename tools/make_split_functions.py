#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write preflight/predict/data/split_functions.toml: functions that packaged kernels have in BTF, but split.

    python tools/make_split_functions.py [--only PATTERN]

Reads every kernel of the catalogue whose symbols are known. A function counts when the kernel's BTF describes
it, the kernel has no symbol of that name, and it has one that the compiler made of it (NAME.part.0).
Names that the file has already are kept: another catalogue saw them.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight import tables  # noqa: E402
from preflight.btf import Kind  # noqa: E402
from preflight.kernels import Store  # noqa: E402
from preflight.kernels.model import Kernel  # noqa: E402
from preflight.predict.kernel_facts import KernelFacts  # noqa: E402
from preflight.predict.target import KernelTarget  # noqa: E402

PATH = ROOT / "preflight" / "predict" / "data" / "split_functions.toml"
HEAD = """# SPDX-License-Identifier: Apache-2.0
#
# Functions that some packaged kernel describes in its BTF and has no symbol for, because the compiler split
# or cloned them. Where a kernel's symbols are not known, an address for these is not certain.
# Made by tools/make_split_functions.py from Debian's kernels 5.10 to 7.3.

"""


def split_functions(kernel: Kernel) -> set[str]:
    """Functions of BTF that are only there as versions the compiler made; none where symbols are unknown."""
    symbols = kernel.symbols
    if symbols is None:
        return set()
    facts = KernelFacts(KernelTarget(kernel))
    described = {kernel.btf.name(type_id) for type_id in kernel.btf.ids_of_kind(Kind.FUNC)}
    return {name for name in described if name not in symbols and facts.variants(name)}


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--only", default="*", help="pattern of catalogue names")
    arguments = parser.parse_args()
    store = Store(None)
    found = set(tables.load(PATH)["names"].split()) if PATH.exists() else set()
    for name in store.match(arguments.only):
        found |= split_functions(store.get(name))
    lines = textwrap.wrap(" ".join(sorted(found)), 110, break_long_words=False, break_on_hyphens=False)
    PATH.write_text(HEAD + 'names = """\n' + "\n".join(lines) + '\n"""\n', encoding="utf-8")
    print(f"{PATH}: {len(found)} functions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
