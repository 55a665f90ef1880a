// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The callback sets the flag its caller tests afterwards.
#include "guards.h"

struct wish {
	unsigned long exists;
};

NOINLINE int round(__u32 index, void *ctx)
{
	struct wish *wish = ctx;

	wish->exists = 1;
	return 0;
}

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	struct wish wish = { bpf_core_field_exists(task->preflight_absent) };

	bpf_loop(10, round, &wish, 0);
	if (wish.exists)
		return MISS(task);
	return 0;
}
