// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The answer handed to the callback in its context.
#include "guards.h"

struct wish {
	unsigned long exists;
};

NOINLINE int round(__u32 index, void *ctx)
{
	struct wish *wish = ctx;

	if (wish->exists)
		return MISS(TASK()) & 1;
	return 0;
}

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct wish wish = { bpf_core_field_exists(((struct task_struct___guard *)0)->preflight_absent) };

	return bpf_loop(10, round, &wish, 0);
}
