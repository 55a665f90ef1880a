# SPDX-License-Identifier: Apache-2.0
"""The running host: live collection (facts) and the PH checks (rules).

host/collect does the I/O and returns frozen facts; host/checks are pure functions
from facts to findings, one module per area. May import btf, bytecode, objects,
kernels, core and findings.
"""
