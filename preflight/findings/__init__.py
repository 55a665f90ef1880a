# SPDX-License-Identifier: Apache-2.0
"""Findings and the registry of their codes. Imports nothing of preflight but facts and errors."""
