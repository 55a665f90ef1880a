// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A quotient larger than the largest number divided.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	unsigned long number = bpf_get_prandom_u32();

	number &= 0xffffffff;
	number /= 3;
	HIDE(number);
	if (number > 0x55555555)
		return MISS(task);
	return 0;
}
