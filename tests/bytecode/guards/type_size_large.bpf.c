// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A range comparison on the size of a type that exists.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (bpf_core_type_size(struct task_struct___guard) < 64)
		return MISS(task);
	return 0;
}
