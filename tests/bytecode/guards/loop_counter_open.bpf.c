// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The last round reads.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	int sum = 0;

	#pragma clang loop unroll(disable)
	for (int i = 0; i < 10; i++) {
		sum += bpf_get_prandom_u32();
		HIDE(i);
		if (i == 9)
			sum += MISS(task);
	}
	return sum;
}
