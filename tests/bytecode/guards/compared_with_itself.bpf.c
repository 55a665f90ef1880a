// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A number less than itself.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	unsigned long number = bpf_get_prandom_u32();

	asm goto("if %0 < %0 goto %l1" : : "r"(number) : : less);
	return 0;
	less:
	return MISS(task);
}
