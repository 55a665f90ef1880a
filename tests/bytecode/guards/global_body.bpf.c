// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The check and the read inside a global function.
#include "guards.h"

__attribute__((noinline)) int read_global(int add)
{
	struct task_struct___guard *task = TASK();

	if (bpf_core_field_exists(task->preflight_absent))
		return MISS(task) + add;
	return add;
}

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	return read_global(bpf_get_prandom_u32());
}
