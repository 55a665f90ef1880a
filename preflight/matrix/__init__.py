# SPDX-License-Identifier: Apache-2.0
"""Objects x kernels: what to judge, who does it, and what comes out of it.

`plan` reads what was asked for, `work` judges one kernel with a batch of objects, `engine` spreads that over
workers, `measured` takes in what real kernels did, `assemble` makes the result of it. May import `predict`,
`objects`, `kernels` and `findings`.
"""
