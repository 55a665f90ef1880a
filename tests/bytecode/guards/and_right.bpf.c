// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `&&` with the check last.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (bpf_get_prandom_u32() > 3 && bpf_core_field_exists(task->preflight_absent))
		return MISS(task);
	return 0;
}
