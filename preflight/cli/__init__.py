# SPDX-License-Identifier: Apache-2.0
"""The command line: one thin module per command. Arguments and exit codes, no logic.

May import everything; nothing imports it.
"""
