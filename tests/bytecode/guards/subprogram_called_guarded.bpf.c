// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The read in a static function that is called behind the check.
#include "guards.h"

NOINLINE int read_it(struct task_struct___guard *task)
{
	HIDE(task);
	return MISS(task);
}

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (bpf_core_field_exists(task->preflight_absent))
		return read_it(task);
	return 0;
}
