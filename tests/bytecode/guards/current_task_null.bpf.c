// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The running task has an address, as newer verifiers know.
#include "guards.h"

struct task_struct;

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	struct task_struct *current = (void *)bpf_get_current_task_btf();

	HIDE(current);
	if (!current)
		return MISS(task);
	return 0;
}
