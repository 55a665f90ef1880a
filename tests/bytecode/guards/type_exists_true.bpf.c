// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Asks for a type every kernel has: no guard.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (bpf_core_type_exists(struct task_struct___guard))
		return MISS(task);
	return 0;
}
