# SPDX-License-Identifier: Apache-2.0
"""The one place that turns what a command did, or what stopped it, into an exit code and one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from preflight.cli.exits import Exit
from preflight.errors import PreflightError
from preflight.render.safe import safe_text


def outcome_of(command: Callable[[], object]) -> int:
    """Run a command and give the exit code of the contract; nothing it raises comes out of here."""
    try:
        outcome = command()
        sys.stdout.flush()
        if outcome == Exit.INTERRUPTED:  # Typer has taken the interrupt for an exit
            raise KeyboardInterrupt
        return int(outcome) if isinstance(outcome, int) else int(Exit.FINE)
    except PreflightError as error:
        print(f"preflight: {safe_text(str(error), limit=2000)}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("preflight: interrupted", file=sys.stderr)
        return int(Exit.INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output went away; nothing is wrong with what was found.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(Exit.FINE)
    except MemoryError:
        print("preflight: out of memory", file=sys.stderr)
        return int(Exit.INTERNAL)
    except Exception as error:
        return _unexpected(error)


def _unexpected(error: Exception) -> int:
    usage_code = getattr(error, "exit_code", None)
    show = getattr(error, "show", None)
    if usage_code == Exit.USAGE and callable(show):
        show()
        return int(Exit.USAGE)
    if os.environ.get("PREFLIGHT_TRACEBACK"):
        import traceback

        traceback.print_exc()
    text = safe_text(f"{type(error).__name__}: {error}", limit=500)
    print(
        f"preflight: internal error: {text} (set PREFLIGHT_TRACEBACK=1 for the traceback; please report it)",
        file=sys.stderr,
    )
    return int(Exit.INTERNAL)
