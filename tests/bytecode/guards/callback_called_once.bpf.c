// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One round is what all verifiers walk.
#include "guards.h"

struct count {
	unsigned long rounds;
};

NOINLINE int round(__u32 index, void *ctx)
{
	struct count *count = ctx;

	count->rounds++;
	return 0;
}

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	struct count count = { 0 };

	bpf_loop(10, round, &count, 0);
	if (count.rounds == 1)
		return MISS(task);
	return 0;
}
