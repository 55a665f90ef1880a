// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// In a loop the compiler unrolls.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	int sum = 0;

	#pragma unroll
	for (int i = 0; i < 4; i++)
		if (bpf_core_field_exists(task->preflight_absent))
			sum += MISS(task) + i;
	return sum;
}
