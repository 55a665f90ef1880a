# SPDX-License-Identifier: Apache-2.0
"""One module per output format over one result model, and one set of templates.

Renderers know no rule and do no I/O beyond returning text. May import findings and facts.
"""
