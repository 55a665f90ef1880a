# SPDX-License-Identifier: Apache-2.0
"""BPF instructions: decode, constant folding, reachability.

Pure functions over instruction bytes. Imports nothing of preflight but errors.
"""
