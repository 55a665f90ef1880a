// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The check and the read inside a static function.
#include "guards.h"

NOINLINE int read_it(struct task_struct___guard *task)
{
	HIDE(task);
	if (bpf_core_field_exists(task->preflight_absent))
		return MISS(task);
	return 1;
}

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	return read_it(TASK());
}
