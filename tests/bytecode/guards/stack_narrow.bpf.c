// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Four bytes of it on the stack.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	volatile unsigned int kept = bpf_core_field_exists(task->preflight_absent);

	if (kept)
		return MISS(task);
	return 0;
}
