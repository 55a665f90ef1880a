// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The compiler hoists the relocated offset out of the loop, and so before the check.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	int sum = 0;

	#pragma clang loop unroll(disable)
	for (int i = 0; i < 20; i++) {
		sum += bpf_get_prandom_u32();
		if (bpf_core_field_exists(task->preflight_absent))
			sum += MISS(task);
	}
	return sum;
}
