# SPDX-License-Identifier: Apache-2.0
"""One facts file per host, and one report from many.

    fleet.document   the facts file of this host: what is in it, and what never is
    fleet.policy     the policy class: what besides the kernel decides whether programs may run

May import host, kernels, matrix, predict and findings. Nothing here looks at the host itself:
`preflight.host` collects, this package arranges.
"""
