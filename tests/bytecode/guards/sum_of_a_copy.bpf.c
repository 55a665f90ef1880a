// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A sum bounded through the number it was made of: newer verifiers tie them together.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	unsigned long number = bpf_get_prandom_u32();
	unsigned long sum;

	number &= 0xffffffff;
	HIDE(number);
	sum = number;
	HIDE(sum);
	sum += 5;
	HIDE(sum);
	if (number < 10) {
		if (sum > 20)
			return MISS(task);
	}
	return number;
}
