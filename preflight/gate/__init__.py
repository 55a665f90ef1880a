# SPDX-License-Identifier: Apache-2.0
"""Baselines and thresholds: did a change of BPF programs make anything worse than was agreed?

    gate.measured   one row per program and kernel, whoever measured it
    gate.lab        rows from results of `lab run`
    gate.veristat   rows from veristat's CSV
    gate.logs       rows from verifier logs
    gate.limits     what growth and what share of the kernel's limits is accepted
    gate.baseline   the file in the user's repository: expected rows, limits, exceptions
    gate.compare    rows x baseline -> findings (`PG###`)
    gate.report     findings as the contract's result

Pure but for the readers of files that the command hands in. May import findings and verifier.
"""
