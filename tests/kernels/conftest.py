# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from preflight.kernels import Store
from tests.kernels.builders import deb, old_layout, tiny_btf


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "catalogue")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A kernel package of the layout up to 6.18."""
    path = tmp_path / "linux-image.deb"
    path.write_bytes(deb("linux-image-6.99.1+deb99-amd64", old_layout(tiny_btf())))
    return path


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that use the network run when they are asked for: `-m network`."""
    if "network" not in config.getoption("markexpr"):
        skip = pytest.mark.skip(reason="uses the network; run with -m network")
        for item in items:
            if "network" in item.keywords:
                item.add_marker(skip)
