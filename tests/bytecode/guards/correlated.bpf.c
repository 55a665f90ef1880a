// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The same condition twice: the flag and the read never meet.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	unsigned int dice = bpf_get_prandom_u32();
	unsigned long level = 0;

	if (dice == 7)
		level = bpf_core_field_exists(task->preflight_absent);
	else
		level = 2;
	HIDE(level);
	if (level == 1)
		return MISS(task);
	return level;
}
