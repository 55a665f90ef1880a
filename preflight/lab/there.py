# SPDX-License-Identifier: Apache-2.0
"""Booting on a worker of a cluster: the kernel's image and the guest's archive come as bytes, and what the
machine wrote goes back. A worker needs QEMU and nothing else; what it means is judged where it was asked."""

from __future__ import annotations

import errno
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from zlib import compress, decompress

from preflight.errors import InstrumentError
from preflight.lab.machine import Setting
from preflight.lab.qemu import Ended, Limits


class Problem(NamedTuple):
    """Why a worker could not run a machine; `errno` of what its disk said, 0 for anything else."""

    why: str
    errno: int


def ask(arch: str, accel: str, setting: Setting) -> str:
    """The text that `boot` understands."""
    import json

    limits = setting.limits
    return json.dumps(
        {
            "arch": arch,
            "accel": accel,
            "memory": setting.memory,
            "append": setting.append,
            "limits": {"boot": limits.boot, "idle": limits.idle, "total": limits.total},
        }
    )


def boot(text: str, _digests: Sequence[str], image: bytes, initrd: bytes) -> str:
    """Boot once, as `ask` says, until the machine ends or the task is cancelled."""
    import json

    from preflight.lab import tools
    from preflight.lab.machine import Acceleration, booted
    from preflight.lab.scratch import scratch

    asked = json.loads(text)
    arch = str(asked["arch"])
    try:
        with scratch() as folder:
            file = folder / "vmlinuz"
            file.write_bytes(image)
            ended = booted(
                tools.emulator(arch),
                file,
                initrd,
                arch,
                Setting(asked["memory"], asked["append"], Limits(**asked["limits"])),
                Acceleration(asked["accel"], arch),
                _cancelled(),
            )
    except InstrumentError as error:
        return json.dumps({"problem": str(error), "errno": 0})
    except OSError as error:
        return json.dumps({"problem": error.strerror or str(error), "errno": error.errno or errno.EIO})
    return json.dumps(
        {
            "reason": ended.reason,
            "console": packed(ended.console),
            "output": packed(ended.output),
            "stderr": ended.stderr,
            "seconds": ended.seconds,
            "accel": ended.accel,
        }
    )


def answered(text: str) -> Ended | Problem:
    """How the machine ended, from what `boot` gave back."""
    import json

    told: dict[str, Any] = json.loads(text)
    if "problem" in told:
        return Problem(told["problem"], told["errno"])
    return Ended(**{**told, "console": unpacked(told["console"]), "output": unpacked(told["output"])})


def packed(data: bytes) -> str:
    """Bytes as text that JSON takes."""
    return b64encode(compress(data, 1)).decode("ascii")


def unpacked(text: str) -> bytes:
    """The bytes in such a text."""
    return decompress(b64decode(text))


def _cancelled() -> Callable[[], bool]:
    """Whether nobody waits for this task any more: its user interrupted it, or is gone."""
    try:
        from distributed import get_worker

        worker = get_worker()
        key = worker.get_current_task()
    except (ImportError, ValueError):
        return lambda: False

    def look() -> bool:
        task = worker.state.tasks.get(key)
        return task is None or task.state != "executing"

    return look
