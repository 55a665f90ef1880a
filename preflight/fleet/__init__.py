# SPDX-License-Identifier: Apache-2.0
"""One facts file per host, and one report from many.

    fleet.document   the facts file of this host: what is in it, and what never is
    fleet.policy     the policy class: what besides the kernel decides whether programs may run
    fleet.script     the collector that needs no installation
    fleet.reading    documents from files, folders and streams
    fleet.pieces     what documents have word for word alike, read once; fleet.shared: what is made of it
    fleet.record     one document in outline, checked
    fleet.census     hosts counted by kernel, policy and outcome of checks
    fleet.kept       the facts of one host per group, each area once
    fleet.distinct   the distinct kernels, as a catalogue of their own
    fleet.judge      objects on a group: the kernel's part and the hosts' part
    fleet.run        the matrix over distinct kernels, then every group
    fleet.report, fleet.diff, fleet.drill   the members of the results

May import host, kernels, objects, matrix, predict and findings. Nothing here looks at the host itself:
`preflight.host` collects, this package arranges.
"""
