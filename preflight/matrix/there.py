# SPDX-License-Identifier: Apache-2.0
"""What runs on a cluster's workers. A worker has preflight installed, and nothing of ours on its disk.

`work` is the one entry: it is told which function to run on a text and on parcels, which are held against
their digests first, and refuses where the worker's preflight is not the sender's.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

from preflight import __version__
from preflight.errors import InstrumentError

#: Judging keeps its batch in the process, and threads of one interpreter would not make it faster.
_judging = threading.Lock()


def hold(data: bytes) -> bytes:
    """A parcel, as a result that the cluster keeps and hands to whoever needs it."""
    return data


@cache
def fingerprint() -> str:
    """What must be equal where answers are to be equal: versions, and a digest of preflight's own files."""
    from hashlib import sha256

    import preflight

    root = Path(preflight.__file__).parent
    digest = sha256()
    for path in sorted((*root.rglob("*.py"), *root.rglob("*.toml"))):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root)}\0{len(content)}\0".encode())
        digest.update(content)
    return f"preflight {__version__}, Python {python()}, files {digest.hexdigest()[:16]}"


def python() -> str:
    """The version of Python that matters, `3.12`."""
    return "{}.{}".format(*sys.version_info)


def work(function: str, sender: str, text: str, digests: Sequence[str], *parcels: bytes) -> tuple[str, str]:
    """Run `module:function` of preflight on a text and parcels: `("answer", its text)`.

    `("refused", why)` where this worker's preflight differs from the sender's or a parcel arrived damaged,
    and `("failed", what)` for what the function raises: an exception may be one that cannot be sent.
    """
    try:
        return "answer", _work(function, sender, text, digests, *parcels)
    except InstrumentError as error:
        return "refused", str(error)
    except Exception as error:
        return "failed", f"{type(error).__name__}: {error}"[:300]


def _work(function: str, sender: str, text: str, digests: Sequence[str], *parcels: bytes) -> str:
    from hashlib import sha256

    if fingerprint() != sender:
        raise InstrumentError(f"a worker has another preflight: {fingerprint()}; here it is {sender}")
    for digest, data in zip(digests, parcels, strict=True):
        if sha256(data).hexdigest() != digest:
            raise InstrumentError("a parcel arrived damaged: its digest is not the one it was sent by")
    module, _, name = function.partition(":")
    if not module.startswith("preflight."):
        raise InstrumentError(f"{module[:80]!r} is not a module of preflight")
    found: str = getattr(import_module(module), name)(text, digests, *parcels)
    return found


def judge(text: str, digests: Sequence[str], batch: bytes, kernel: bytes) -> str:
    """The answer of `preflight.matrix.work.judge` for the kernel of one parcel and the objects of another.

    `text` is the name that the kernel has in the result.
    """
    from preflight.matrix.parcel import unpack_batch, unpack_kernel
    from preflight.matrix.work import judge_found, set_up

    with _judging:
        set_up(unpack_batch(batch, digests[0]))
        return judge_found(text, lambda: unpack_kernel(kernel))
