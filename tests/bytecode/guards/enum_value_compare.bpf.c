// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Compares the value an existing enumerator has in the kernel.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (bpf_core_enum_value(enum pid_type___guard, PIDTYPE_PID___guard) == 5)
		return MISS(task);
	return 0;
}
