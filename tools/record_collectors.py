# SPDX-License-Identifier: Apache-2.0
"""Record what both collectors of host facts say of booted kernels, one after the other in the same guest.

    python tools/record_collectors.py 'debian/5.10.0-32-cloud-amd64' ...

Writes fixtures/facts/guest-RELEASE.json.xz: `collect`, the facts of `preflight collect`, and `script`, those
of `collect --emit-script`. tests/fleet/test_script.py holds the one against the other.
"""

from __future__ import annotations

import json
import lzma
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from preflight.fleet.script import text
from preflight.lab import collector, facts
from preflight.lab.results import KernelRun

_FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "facts"
#: What the script imports beside what the collection does.
_MODULES = ("argparse", "base64", "gzip", "hmac", "lzma", "tempfile", "typing")
_BOTH = """\
import json, sys
sys.path.insert(0, sys.path[0] + "/app")
from preflight.host.codec import facts_to_dict
from preflight.host.collect.run import collect_host
found = facts_to_dict(collect_host())
names = {{"__name__": "collect_facts"}}
exec(compile({text!r}, "collect_facts.py", "exec"), names)
found["script"] = names["document"]({{}}, False, None)["host"]
json.dump(found, sys.stdout, separators=(",", ":"))
"""


def main() -> int:
    """Boot each kernel named; the exit code of the last run."""
    from preflight.cli.main import run

    told: list[dict[str, Any]] = []
    reading = facts.host_facts

    def keep(of: KernelRun) -> dict[str, Any] | None:
        told.append({"release": of.release, "host": json.loads(of.facts.get("host") or b"null")})
        return reading(of)

    changed = {"_START": (*collector._START, *_MODULES), "_COLLECT": _BOTH.format(text=text())}
    for name, value in changed.items():
        setattr(collector, name, value)
    vars(facts)["host_facts"] = keep
    with TemporaryDirectory() as folder:
        kernels = [word for name in sys.argv[1:] for word in ("--kernel", name)]
        sys.argv = ["preflight", "lab", "probe", *kernels, "--jobs", "1", "-o", folder]
        code = run()
    for one in told:
        script = one["host"].pop("script")
        both = json.dumps({"collect": one["host"], "script": script}, sort_keys=True, separators=(",", ":"))
        path = _FOLDER / f"guest-{one['release']}.json.xz"
        path.write_bytes(lzma.compress(both.encode(), preset=9 | lzma.PRESET_EXTREME))
        print(f"{path.name}: {path.stat().st_size} bytes")
    return code


if __name__ == "__main__":
    sys.exit(main())
