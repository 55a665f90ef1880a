# SPDX-License-Identifier: Apache-2.0
"""The errors preflight raises on purpose, and the exit code each one stands for.

Everything else that escapes is a defect of preflight and ends with exit code 4.
"""

from __future__ import annotations


class PreflightError(Exception):
    """Base of all deliberate errors; one line, no traceback, `exit_code` tells the shell."""

    exit_code = 4


class InputError(PreflightError):
    """An input (object, BTF, kernel image, facts file, log) cannot be used as given.

    `subject` names the input as the user named it, `offset` is the byte offset
    of the problem in that input when one is known.
    """

    exit_code = 2

    def __init__(self, message: str, *, subject: str | None = None, offset: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.subject = subject
        self.offset = offset

    def __str__(self) -> str:
        where = f"{self.subject}: " if self.subject else ""
        at = f" (at offset {self.offset:#x})" if self.offset is not None else ""
        return f"{where}{self.message}{at}"

    def about(self, subject: str) -> InputError:
        """The same error with the input's name filled in, unless it already has one."""
        if self.subject is None:
            self.subject = subject
        return self


class UsageError(PreflightError):
    """The command line asks for something that cannot be done; also: nothing matched."""

    exit_code = 2


class InstrumentError(PreflightError):
    """An instrument preflight needs for the question (QEMU, a compiler, bpftool) is absent or broken."""

    exit_code = 4
