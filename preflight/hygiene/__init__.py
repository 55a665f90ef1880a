# SPDX-License-Identifier: Apache-2.0
"""Whether a tracing program behaves well in production: pure rules over an object, codes `PT###`.

    hygiene.calls    helper calls of a program, with the map each is about
    hygiene.hooks    rules about where programs attach
    hygiene.maps     rules about what they keep
    hygiene.outputs  rules about what they read and hand out
    hygiene.lint     all of them over an object

A finding is advice: nothing here decides whether a program loads. Rules say only what the
instructions show; what user space may do beside them is said in the finding.
"""
