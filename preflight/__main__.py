# SPDX-License-Identifier: Apache-2.0
"""Where the process begins and ends: `preflight`, `bpf-preflight` and `python -m preflight`."""

from __future__ import annotations

import gc
import signal
import sys
from functools import partial
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and leave with the exit codes of the contract.

    Importing takes longer than many commands, so an interrupt there is one like any other. Whoever ends us
    (a time limit, a job that is cancelled) interrupts us, too: nothing that we started outlives that.
    """
    # What a command builds it mostly keeps: looking for garbage every 700 objects finds none.
    gc.set_threshold(500_000, 50, 100)
    try:
        signal.signal(signal.SIGTERM, _interrupted)
        code = _run(sys.argv[1:])
    except KeyboardInterrupt:
        print("preflight: interrupted", file=sys.stderr)
        code = 130
    _leave(code)


def _interrupted(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _run(words: list[str]) -> int:
    """A plain `check`, `core` or `matrix` does without Typer; the rest of the command line is read by it."""
    if words[:1] in (["check"], ["core"], ["matrix"]):
        from preflight.cli import plain
        from preflight.cli.outcome import outcome_of

        arguments = plain.read(words[1:], plain.TABLES[words[0]])
        if arguments is not None and words[0] == "check":
            from preflight.cli.check_run import checked

            return outcome_of(partial(checked, **arguments))
        if arguments is not None and words[0] == "matrix":
            from preflight.cli import matrix_run

            return outcome_of(partial(matrix_run.asked, **arguments))
        if arguments is not None and arguments["objects"]:
            from preflight.cli.core_run import asked

            return outcome_of(partial(asked, **arguments))
    from preflight.cli.main import run

    return run()


def _leave(code: int) -> NoReturn:
    """End the process without taking apart every module first, which takes as long as starting.

    What is to happen at exit happens; output that cannot be written is left to the ordinary way.
    """
    import atexit
    import os

    try:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
    except (OSError, ValueError):
        sys.exit(code)
    atexit._run_exitfuncs()
    os._exit(code)


if __name__ == "__main__":
    main()
