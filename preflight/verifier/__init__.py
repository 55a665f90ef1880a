# SPDX-License-Identifier: Apache-2.0
"""Verifier logs: from the text of any kernel's log to what was rejected, where it began and how it is fixed.

`clean` and `classify` take lines apart, `reader` streams them into programs' logs, `message` recognises
what the verifier said, `history` follows registers back along the path, `causes` decides, `decode` puts
it together. Imports findings only; reads the streams it is given and nothing else.
"""
