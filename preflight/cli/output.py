# SPDX-License-Identifier: Apache-2.0
"""Writing results: `--format F[=path]`, repeatable; files are replaced whole or not at all."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from preflight.errors import InstrumentError, PreflightError, UsageError
from preflight.render.console import Style, detect_style

#: What an operating system says when there is no room left.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Renderer = Callable[[Mapping[str, Any], Style], str]


def stdout_style(color: str, verbose: int) -> Style:
    """The style for standard output."""
    is_tty = sys.stdout.isatty()
    columns = 80
    if is_tty or "COLUMNS" in os.environ:
        import shutil

        columns = shutil.get_terminal_size().columns
    return detect_style(
        is_tty=is_tty,
        columns=columns,
        encoding=sys.stdout.encoding or "ascii",
        environ=os.environ,
        color=color,
        verbose=verbose,
    )


def split_format(wanted: str, known: Sequence[str]) -> tuple[str, Path | None]:
    """`html=report.html` -> ("html", Path); UsageError for a format nobody renders."""
    name, _, path = wanted.partition("=")
    if name not in known:
        raise UsageError(f"no format {name[:40]!r}; there are {', '.join(known)}")
    if "=" in wanted and not path:
        raise UsageError(f"--format {name}= needs a file name")
    if not path:
        return name, None
    file = Path(path)
    if not file.parent.is_dir():
        raise UsageError(f"cannot write {file}: there is no folder {file.parent}")
    if file.is_dir():
        raise UsageError(f"cannot write {file}: it is a folder")
    return name, file


def _unwritable(what: object, error: OSError) -> PreflightError:
    """A full disk is no fault of what was asked for; everything else is a wrong place."""
    kind = InstrumentError if error.errno in NO_ROOM else UsageError
    return kind(f"cannot write {what}: {error.strerror}")


def write_file(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file through a temporary one beside it, never through a symbolic link.

    What is there and is no file (`/dev/null`, a pipe) is written to: replacing it would destroy it.
    """
    import tempfile

    folder = path.parent
    if path.exists() and not path.is_file() and not path.is_dir():
        _write_to(path, text)
        return
    if path.is_symlink():
        raise UsageError(f"{path} is a symbolic link; name the file itself")
    try:
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{path.name}.")
    except OSError as error:
        raise _unwritable(path, error) from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as out:
            os.fchmod(out.fileno(), mode)
            out.write(text)
        temporary.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def _write_to(device: Path, text: str) -> None:
    try:
        with device.open("w", encoding="utf-8", errors="backslashreplace", newline="") as out:
            out.write(text)
    except OSError as error:
        raise _unwritable(device, error) from error


def write_stdout(text: str) -> None:
    """Print rendered text; what the terminal's encoding cannot show is escaped.

    InstrumentError when standard output cannot take it (a full disk); a reader that went away is not our
    error.
    """
    encoding = sys.stdout.encoding or "ascii"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # What is still buffered would fail once more, noisily, when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise _unwritable("to standard output", error) from error


def check_formats(formats: Sequence[str], known: Sequence[str]) -> list[str]:
    """The names in `--format F[=path]`; UsageError as `emit` would give it, but before any work is done."""
    chosen = [split_format(wanted, known) for wanted in formats]
    if sum(path is None for _, path in chosen) > 1:
        raise UsageError(
            "only one format can go to standard output; give the others a file: --format html=report.html"
        )
    return [name for name, _ in chosen]


def emit(
    result: Mapping[str, Any],
    formats: Sequence[str],
    renderers: Mapping[str, Renderer],
    *,
    color: str = "auto",
    verbose: int = 0,
) -> None:
    """Render the result in every wanted format, to standard output or to the file named with it.

    What cannot be written (a full disk) keeps nothing else from being written; the error comes at the end.
    Where all that was wanted were files, text goes to standard output then, so that no run was for nothing.
    """
    from preflight.render.registry import mode

    check_formats(formats, list(renderers))
    chosen = [split_format(wanted, list(renderers)) for wanted in formats] or [(next(iter(renderers)), None)]
    troubles: list[PreflightError] = []
    for name, path in chosen:
        style = stdout_style(color, verbose) if path is None else Style(verbose=verbose)
        text = renderers[name](result, style)
        try:
            if path is None:
                write_stdout(text)
            else:
                write_file(path, text, mode(str(result.get("command")), name))
        except PreflightError as error:
            troubles.append(error)
    if not troubles:
        return
    if all(path is not None for _, path in chosen):
        write_stdout(next(iter(renderers.values()))(result, stdout_style(color, verbose)))
    raise troubles[0]
