# SPDX-License-Identifier: Apache-2.0
"""The two ways of reading records: with the compiled loops and without them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from preflight.btf import quick


@pytest.fixture(scope="module", params=["compiled", "python"])
def reader(request: pytest.FixtureRequest) -> Iterator[str]:
    """Tests of a module that uses this run once with the compiled loops, once without."""
    built = quick.native
    if request.param == "compiled" and built is None:
        pytest.skip("native/btf_quick.c is not compiled here: no C compiler, or no Python.h")
    if request.param == "python":
        quick.native = None
    yield request.param
    quick.native = built
