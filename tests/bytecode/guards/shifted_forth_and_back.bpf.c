// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A signed range that instruction sets without 32-bit jumps shift forth and back again.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	int number = bpf_get_prandom_u32();

	if (number < 10) {
		HIDE(number);
		if (number > 20)
			return MISS(task);
	}
	return 0;
}
