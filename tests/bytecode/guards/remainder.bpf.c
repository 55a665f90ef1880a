// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A remainder as large as what was divided by: the newest verifiers follow remainders.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	unsigned long number = bpf_get_prandom_u32();

	// r1 %= 10, which older assemblers do not know
	asm volatile("r1 = %0; .8byte 0x0000000a00000197; %0 = r1" : "+r"(number) : : "r1");
	if (number > 9)
		return MISS(task);
	return 0;
}
