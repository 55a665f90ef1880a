// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Called behind the check and once more without.
#include "guards.h"

NOINLINE int read_it(struct task_struct___guard *task)
{
	HIDE(task);
	return MISS(task);
}

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	int sum = 0;

	if (bpf_core_field_exists(task->preflight_absent))
		sum = read_it(task);
	if (bpf_get_prandom_u32() == 5)
		sum += read_it(task);
	return sum;
}
