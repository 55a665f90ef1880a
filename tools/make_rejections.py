# SPDX-License-Identifier: Apache-2.0
"""Writes docs/rejections: seven classic rejections, each with its log and what `preflight log` says of it.

Every folder holds `rejected.bpf.c` and `fixed.bpf.c`. Both are compiled and loaded on this host (root and
bpftool are needed); `log.txt` and `README.md` are written from what happened. `--check` loads nothing: it
decodes the recorded logs again and fails when a page is not what it would be.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight.render.console import Style  # noqa: E402
from preflight.render.envelope import envelope  # noqa: E402
from preflight.render.text_log import render  # noqa: E402
from preflight.verifier.decode import decode  # noqa: E402
from preflight.verifier.result import to_dict  # noqa: E402
from tools.compile_bpf import FLAGS, find_toolchain  # noqa: E402

FOLDER = ROOT / "docs" / "rejections"
#: Lines of a log that are kept; of a longer one its end, where the message stands.
KEPT = 120
_PIN = "/sys/fs/bpf/preflight-rejections"


@dataclass(frozen=True, slots=True)
class Shape:
    """One classic rejection. `cause` has to be named; `dropped` are capabilities taken away."""

    name: str
    title: str
    cause: str
    story: str
    dropped: tuple[str, ...] = ()


SHAPES = (
    Shape(
        "uninitialised-stack",
        "Uninitialised stack read",
        "uninit_stack_read",
        "The key has three bytes of padding behind `protocol`. The two assignments leave them as they "
        "were, and the lookup reads all eight bytes. Since 6.3 a loader with CAP_PERFMON may read such "
        "bytes; one that has only CAP_BPF, and every loader on older kernels, may not. The fix clears the "
        "variable before it is filled.",
        ("sys_admin", "perfmon"),
    ),
    Shape(
        "packet-bounds",
        "Packet access not proven",
        "packet_bounds",
        "The comparison proves 13 bytes, and the Ethernet header has 14: `r=13` in the message is what is "
        "proven, `off=13 size=1` is what is read. The fix compares the end of what is read.",
    ),
    Shape(
        "helper-argument",
        "Helper argument of the wrong type",
        "helper_arg_type",
        "A lookup takes a pointer to the key. Here the key itself is passed, a number. The fix puts it on "
        "the stack and passes its address.",
    ),
    Shape(
        "unbounded-loop",
        "Loop not bounded",
        "infinite_loop",
        "Nothing in the loop changes what the verifier knows: it meets the same state twice and stops. "
        "The fix counts the rounds.",
    ),
    Shape(
        "map-value-null",
        "Map value not checked for NULL",
        "null_check",
        "A lookup may find nothing. The fix compares with NULL before the value is written.",
    ),
    Shape(
        "reference-leak",
        "Reference not released",
        "reference_leak",
        "The socket that the lookup found is released on one path and not on the other. The log shows one "
        "exit for both; the statement that leaves too early is found through the branch. The fix releases "
        "before it returns.",
    ),
    Shape(
        "too-complex",
        "Program too complex",
        "complexity_limit",
        "Each round leaves a branch for later, and after 8,192 of them the verifier gives up, long before "
        "the million instructions. The fix makes the loop short. (The log is long: its end is kept here.)",
    ),
)


def compiled(source: Path, out: Path) -> Path:
    """Compile one of the programs; CalledProcessError with clang's words when it cannot be."""
    toolchain = find_toolchain()
    target = out / f"{source.stem}.o"
    includes = [word for folder in toolchain.includes for word in ("-idirafter", folder)]
    command = [
        toolchain.clang,
        *FLAGS,
        "-target",
        "bpf",
        "-mcpu=v2",
        *includes,
        "-c",
        source.name,
        "-o",
        str(target),
    ]
    subprocess.run(command, cwd=source.parent, check=True, capture_output=True, text=True)
    return target


def load(obj: Path, dropped: tuple[str, ...] = ()) -> tuple[bool, str]:
    """Load an object with bpftool, without these capabilities: whether it was accepted, and what was said."""
    away = ",".join(f"-{name}" for name in dropped)
    front = ["setpriv", "--bounding-set", away, "--inh-caps", away] if dropped else []
    pin = f"{_PIN}-{os.getpid()}"
    done = subprocess.run(
        [*front, "bpftool", "prog", "load", str(obj), pin],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    Path(pin).unlink(missing_ok=True)
    return done.returncode == 0, done.stderr


def verifier_log(said: str) -> str:
    """The kernel's log out of what libbpf printed, without the host's addresses; the end of a long one."""
    lines = said.splitlines()
    begin = next(n for n, line in enumerate(lines) if "BEGIN PROG LOAD LOG" in line)
    end = next(n for n, line in enumerate(lines) if "END PROG LOAD LOG" in line)
    kept = lines[begin + 1 : end][-KEPT:]
    return "".join(_without_address(line) + "\n" for line in kept)


def _without_address(line: str) -> str:
    """A map's address in the kernel is nobody's business."""
    words = line.split(" ")
    return " ".join("0x0" if word.startswith("0xffff") and len(word) >= 18 else word for word in words)


def decoded(log: str) -> str:
    """What `preflight log` prints for a log."""
    found = [to_dict(one) for one in decode(io.BytesIO(log.encode()), "log.txt").rejections]
    summary = {"sentence": f"{len(found)} rejection{'s' if len(found) != 1 else ''}"}
    return render(envelope("log", summary, found), Style())


def page(shape: Shape) -> str:
    """The page of one shape, from its four files."""
    folder = FOLDER / shape.name
    rejected, fixed, log = (
        (folder / name).read_text(encoding="utf-8") for name in ("rejected.bpf.c", "fixed.bpf.c", "log.txt")
    )
    (found,) = decode(io.BytesIO(log.encode()), "log.txt").rejections
    privileges = (
        f" It was loaded without {' and '.join(f'`CAP_{name.upper()}`' for name in shape.dropped)}."
        if shape.dropped
        else ""
    )
    return f"""<!-- made by tools/make_rejections.py; edit the programs or the tool instead -->

# {shape.title}

Family [{found.family}](../../codes/{found.family}.md), cause `{found.cause_id}`.

{shape.story}{privileges}

## The program that is rejected

```c
{_body(rejected)}```

## What the kernel says

```text
{_excerpt(log)}```

## What `preflight log` says

```text
{decoded(log)}```

## The program that loads

```c
{_body(fixed)}```
"""


def _body(source: str) -> str:
    """A program without its first line, the licence tag."""
    return source.partition("\n")[2]


def _excerpt(log: str) -> str:
    lines = log.splitlines(keepends=True)
    return log if len(lines) <= 45 else "...\n" + "".join(lines[-30:])


def overview() -> str:
    """The list of the shapes."""
    rows = "".join(f"| [{shape.title}]({shape.name}/README.md) | `{shape.cause}` |\n" for shape in SHAPES)
    return f"""<!-- made by tools/make_rejections.py; edit the programs or the tool instead -->

# Classic rejections

Seven programs that the verifier rejects: the program, the kernel's log, what `preflight log` makes of it, and
the program that loads. Tests compile and load both, and compare what is decoded.

| rejection | cause |
|---|---|
{rows}"""


def record(shape: Shape) -> None:
    """Load both programs here and keep the log. SystemExit when the kernel does not do what the page says."""
    folder = FOLDER / shape.name
    with tempfile.TemporaryDirectory() as out:
        accepted, said = load(compiled(folder / "rejected.bpf.c", Path(out)), shape.dropped)
        if accepted:
            raise SystemExit(f"{shape.name}: this kernel accepts the program that should be rejected")
        fine, why = load(compiled(folder / "fixed.bpf.c", Path(out)), shape.dropped)
        if not fine:
            raise SystemExit(f"{shape.name}: this kernel rejects the fixed program:\n{why[-2000:]}")
    (folder / "log.txt").write_text(verifier_log(said), encoding="utf-8")


def main() -> int:
    """Record and write, or with --check compare the pages with the recorded logs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="load nothing; compare the pages")
    parser.add_argument("--pages", action="store_true", help="load nothing; write the pages again")
    arguments = parser.parse_args()
    if not (arguments.check or arguments.pages):
        if os.geteuid() or not shutil.which("bpftool"):
            print("root and bpftool are needed to load the programs", file=sys.stderr)
            return 1
        for shape in SHAPES:
            record(shape)
    pages = {FOLDER / "README.md": overview()}
    pages |= {FOLDER / shape.name / "README.md": page(shape) for shape in SHAPES}
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text("utf-8") != text]
    if arguments.check:
        print(json.dumps([str(path.relative_to(ROOT)) for path in stale]))
        return int(bool(stale))
    for path in stale:
        path.write_text(pages[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
