# SPDX-License-Identifier: Apache-2.0
"""Object x kernel -> verdict with findings. Pure functions over facts.

May import objects, kernels, core, bytecode, loaders, btf and findings.
"""
