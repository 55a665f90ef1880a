// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The answer is passed to a function.
#include "guards.h"

NOINLINE int read_if(struct task_struct___guard *task, int exists)
{
	if (exists)
		return MISS(task);
	return 1;
}

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	return read_if(TASK(), bpf_core_field_exists(((struct task_struct___guard *)0)->preflight_absent));
}
