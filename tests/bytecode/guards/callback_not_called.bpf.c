// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Verifiers before 6.7 take a callback to be called once; since then it may not be called at all.
#include "guards.h"

struct wish {
	unsigned long exists;
};

NOINLINE int round(__u32 index, void *ctx)
{
	struct wish *wish = ctx;

	wish->exists = 0;
	return 0;
}

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	struct wish wish = { 1 };

	bpf_loop(10, round, &wish, 0);
	if (wish.exists)
		return MISS(task);
	return 0;
}
