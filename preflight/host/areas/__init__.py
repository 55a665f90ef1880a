# SPDX-License-Identifier: Apache-2.0
"""The fact types of each area of a host: frozen dataclasses, nothing else.

They import nothing of preflight but `preflight.facts`, so that recorded facts can be
read without the collectors.
"""
