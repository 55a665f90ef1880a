# SPDX-License-Identifier: Apache-2.0
"""Predictions held against what kernels really did.

`measurements` reads what was measured, `predictions` what was predicted or predicts it now, `name_differ` is
the yardstick, `comparison` pairs the two sides and `score` counts. Only the readers do I/O.
"""
