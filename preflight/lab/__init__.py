# SPDX-License-Identifier: Apache-2.0
"""Boots real kernels in virtual machines, loads and attaches there, and returns measurements.

`run` takes objects and kernels and gives one KernelRun per kernel; `results` holds what was measured.
All the I/O of the laboratory happens here. May import kernels, objects, bpf_objects, subprocesses.
"""
