# SPDX-License-Identifier: Apache-2.0
"""How property tests look for counterexamples: anew on a developer's machine, the same ones in CI.

A gate has to give one answer for one commit; new counterexamples are found where somebody
can look at them.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("developer", deadline=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "developer")
