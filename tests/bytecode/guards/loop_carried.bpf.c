// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The loop changes the flag in its fifth round.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	unsigned long wanted = bpf_core_field_exists(task->preflight_absent);
	int sum = 0;

	#pragma clang loop unroll(disable)
	for (int i = 0; i < 8; i++) {
		HIDE(wanted);
		if (wanted)
			sum += MISS(task);
		if (i == 5)
			wanted = 1;
	}
	return sum;
}
