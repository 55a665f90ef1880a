// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The number bounded through a difference made of it, as the newest verifiers do.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	unsigned long number = bpf_get_prandom_u32();
	unsigned long less;

	number &= 0xffffffff;
	HIDE(number);
	less = number;
	asm volatile("%0 -= 5" : "+r"(less));
	if (less < 10) {
		if (number > 20)
			return MISS(task);
	}
	return number;
}
