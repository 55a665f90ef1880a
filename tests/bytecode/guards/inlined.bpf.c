// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A function the compiler inlines in two places.
#include "guards.h"

static inline __attribute__((always_inline)) int read_if_there(struct task_struct___guard *task, int add)
{
	if (bpf_core_field_exists(task->preflight_absent))
		return MISS(task) + add;
	return add;
}

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	return read_if_there(task, 1) + read_if_there(task, bpf_get_prandom_u32());
}
