# SPDX-License-Identifier: Apache-2.0
"""Live collection: each module reads one area of the running host and returns frozen facts.

All I/O of the host side happens here. No verdicts: a collector never says that
something is wrong, only what it saw and what it could not see.
"""
