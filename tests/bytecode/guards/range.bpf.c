// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Run-time data within bounds that exclude the read.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	unsigned long x = bpf_get_prandom_u32() & 0xff;

	HIDE(x);
	if (x > 300)
		return MISS(task);
	return 0;
}
