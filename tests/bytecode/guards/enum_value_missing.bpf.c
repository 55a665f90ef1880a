// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads the value of a missing enumerator: both halves of the load are poison.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	return bpf_core_enum_value(enum pid_type___guard, PIDTYPE_PREFLIGHT_ABSENT___guard);
}
