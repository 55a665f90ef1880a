# SPDX-License-Identifier: Apache-2.0
"""What differs between libbpf, cilium/ebpf, aya and the kernel's own loader, as data.

Imports nothing of preflight but facts and errors.
"""
