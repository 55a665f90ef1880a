// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The check in a conditional expression.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	return bpf_core_field_exists(task->preflight_absent) ? MISS(task) : BPF_CORE_READ(task, pid);
}
