# SPDX-License-Identifier: Apache-2.0
"""preflight: what an engineer runs before eBPF reaches a machine.

Sources produce facts, rules turn facts into findings, renderers print findings.
`docs/architecture.md` explains the words; each folder's docstring says what it
holds and what it may import.
"""

__version__ = "0.1.0"
