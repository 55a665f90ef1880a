#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write preflight/predict/data/helper_types.toml from recorded helper tables.

    python tools/make_helper_types.py NAME[@SINCE[..UNTIL]]=FILE...

Each FILE is a facts file of `preflight collect` (its part `host`), or a result of `preflight check --format
json`, whose helper table was made by trial loads; a NAME that ends in `+lockdown` says that the kernel was
under lockdown=confidentiality. SINCE is a function that kernels older than the recorded one do not have,
UNTIL that it does not have and newer ones do: no helper got a number after 6.2. The table holds per kernel
and way of loading one letter per helper id, index 0 unused: u usable, n not for this type, others
undecided.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).resolve().parent.parent / "preflight" / "predict" / "data" / "helper_types.toml"

HEAD = """\
# SPDX-License-Identifier: Apache-2.0
#
# What the verifiers of real kernels said of every helper in every way of loading, by trial loads.
# Made by tools/make_helper_types.py. One letter per helper id, index 0 unused: u usable, n not for this
# type, d denied to whoever asked, x not in that kernel, ? not understood. `locked`: the kernel was under
# lockdown=confidentiality, where `n` says nothing about helpers that read memory. `since`: a kernel without
# this function is older than the recorded one, whatever helpers it has; `until`: one with it is newer.
"""


def record(document: dict[str, Any]) -> tuple[int, list[dict[str, str]]]:
    """How many ids there are, and rows of `type`, `vehicle`, `states`."""
    helpers = document.get("host", document)["helpers"]
    rows = [
        {"type": row.get("program_type", row.get("type")), "vehicle": row["vehicle"], "states": row["states"]}
        for row in helpers["rows"]
        if set(row["states"]) & {"u"}
    ]
    return len(helpers["names"]), rows


def main() -> int:
    """Command line."""
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    lines = [HEAD]
    for argument in sys.argv[1:]:
        name, _, path = argument.partition("=")
        name, _, span = name.partition("@")
        since, _, until = span.partition("..")
        ids, rows = record(json.loads(Path(path).read_text(encoding="utf-8")))
        locked = name.endswith("+lockdown")
        lines += ["[[kernel]]", f'name = "{name.removesuffix("+lockdown")}"', f"ids = {ids}"]
        lines += [f'{key} = "{value}"' for key, value in (("since", since), ("until", until)) if value]
        lines += [f"locked = {str(locked).lower()}", "rows = ["]
        lines += [
            f'  {{ type = "{row["type"]}", vehicle = "{row["vehicle"]}", states = "{row["states"]}" }},'
            for row in rows
        ]
        lines += ["]", ""]
    OUTPUT.write_text("\n".join(lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
