// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Asks for an enumerator no kernel has.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (bpf_core_enum_value_exists(enum pid_type___guard, PIDTYPE_PREFLIGHT_ABSENT___guard))
		return MISS(task);
	return 0;
}
