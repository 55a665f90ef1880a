// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Three functions deep, the answer handed down.
#include "guards.h"

NOINLINE int third(struct task_struct___guard *task, int exists)
{
	if (exists)
		return MISS(task);
	return 1;
}

NOINLINE int second(struct task_struct___guard *task, int exists)
{
	HIDE(exists);
	return third(task, exists) + 1;
}

NOINLINE int first(struct task_struct___guard *task, int exists)
{
	HIDE(exists);
	return second(task, exists) + 1;
}

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	return first(TASK(), bpf_core_field_exists(((struct task_struct___guard *)0)->preflight_absent));
}
