# SPDX-License-Identifier: Apache-2.0
"""The BTF wire format: types, string table, index, split BTF and .BTF.ext.

Reads from bytes, never from a path; knows nothing of kernels. Imports nothing of
preflight but errors.
"""
