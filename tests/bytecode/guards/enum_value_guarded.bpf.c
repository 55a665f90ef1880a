// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads the value of a missing enumerator behind its check.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	if (bpf_core_enum_value_exists(enum pid_type___guard, PIDTYPE_PREFLIGHT_ABSENT___guard))
		return bpf_core_enum_value(enum pid_type___guard, PIDTYPE_PREFLIGHT_ABSENT___guard);
	return 0;
}
