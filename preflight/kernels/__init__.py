# SPDX-License-Identifier: Apache-2.0
"""A kernel as facts, from any source, and the catalogue of kernels kept on disk.

May import btf. All I/O on kernel images and packages happens here.
"""
