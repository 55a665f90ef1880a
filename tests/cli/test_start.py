# SPDX-License-Identifier: Apache-2.0
"""How the process begins and ends: early interrupts, exit handlers, output that cannot be written."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Raises what Ctrl-C raises when a module is imported, then runs preflight as `python -m preflight` does.
_INTERRUPTED = """
import runpy, sys
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
sys.argv = ["preflight", "explain"]
runpy.run_module("preflight", run_name="__main__")
"""


def _python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("module", ["typer", "preflight.errors", "preflight.findings.registry"])
def test_an_interrupt_while_importing_is_one_line_and_130(module: str) -> None:
    done = _python(_INTERRUPTED.format(module=module))
    assert (done.returncode, done.stderr) == (130, "preflight: interrupted\n")


def test_exit_handlers_run_and_the_code_is_kept() -> None:
    done = _python(
        "import atexit, sys; atexit.register(print, 'tidied up', flush=True);"
        "sys.argv = ['preflight', 'explain', 'PH000'];"
        "from preflight.__main__ import main; main()"
    )
    assert done.returncode == 2
    assert done.stdout.endswith("tidied up\n")


def test_closed_streams_are_no_traceback() -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec {sys.executable} -m preflight explain PH101 2>&-"],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
