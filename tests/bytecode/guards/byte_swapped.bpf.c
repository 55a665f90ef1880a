// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The low byte of a number that had nothing but a low byte when it was swapped.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	unsigned long number = bpf_get_prandom_u32() & 0xff;

	HIDE(number);
	number = __builtin_bswap16(number);
	HIDE(number);
	if (number & 0xff)
		return MISS(task);
	return 0;
}
