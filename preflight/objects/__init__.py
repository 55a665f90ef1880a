# SPDX-License-Identifier: Apache-2.0
"""A BPF ELF as facts: programs, maps, relocations, externs, line info.

Also carves objects out of executables. May import btf and bytecode.
"""
