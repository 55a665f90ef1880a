// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Run-time data masked with the answer.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	unsigned long x = bpf_core_field_exists(task->preflight_absent);

	HIDE(x);
	x &= bpf_get_prandom_u32();
	HIDE(x);
	if (x)
		return MISS(task);
	return 0;
}
