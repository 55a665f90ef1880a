# SPDX-License-Identifier: Apache-2.0
# The compiled module of native/insn_quick.c, see preflight.bytecode.insn.

from preflight.bytecode.insn import Insn

VERSION: int

def decode(code: bytes, little: bool, type: type[Insn]) -> list[Insn] | None: ...
