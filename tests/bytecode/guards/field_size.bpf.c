// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Guards by the size of a field that exists: it is not eight bytes.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (bpf_core_field_size(task->pid) == 8)
		return MISS(task);
	return 0;
}
