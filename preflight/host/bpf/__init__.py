# SPDX-License-Identifier: Apache-2.0
"""bpf(2) without a library: the syscall, a tiny assembler, and the reading of its answers.

`attrs` is the wire format of `union bpf_attr`, `syscall` the calls, `asm` builds
instructions, `classify` turns an answer of the verifier into a state by anchored log
lines and errno. Nothing here attaches or pins unless the caller asks for exactly that.
"""
