# SPDX-License-Identifier: Apache-2.0
"""What else is known of a rejection: its object, its kernel, its host, known regressions.

A log alone leaves questions open that other facts answer. Each module takes a Rejection and facts and
returns it with more in it; none reads anything itself. May import verifier, objects, core, predict, findings.
"""
