# SPDX-License-Identifier: Apache-2.0
from tests.bytecode.conftest import kernel_loads

__all__ = ("kernel_loads",)
