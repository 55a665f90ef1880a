# SPDX-License-Identifier: Apache-2.0
"""CO-RE: access specs, candidates, matching, values, patching; the same answers as libbpf.

Pure functions. May import btf and bytecode.
"""
