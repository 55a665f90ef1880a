// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The check turned round: the read is in the else branch.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (!bpf_core_field_exists(task->preflight_absent))
		return BPF_CORE_READ(task, pid);
	else
		return MISS(task);
}
