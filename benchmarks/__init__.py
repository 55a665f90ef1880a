# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: CPU as a ratio to a peer measured alternately in the same run. `make bench` runs all."""
