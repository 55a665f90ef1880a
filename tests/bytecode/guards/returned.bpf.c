// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A function returns the answer.
#include "guards.h"

NOINLINE int has_field(void)
{
	int exists = bpf_core_field_exists(((struct task_struct___guard *)0)->preflight_absent);

	HIDE(exists);
	return exists;
}

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (has_field())
		return MISS(task);
	return 0;
}
