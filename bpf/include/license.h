// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Many helpers for tracing refuse programs that do not declare a GPL compatible licence. */
#ifndef PREFLIGHT_LICENSE_H
#define PREFLIGHT_LICENSE_H

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#endif
