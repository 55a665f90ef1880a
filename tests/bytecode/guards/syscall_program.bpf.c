// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A guard in a syscall program.
#include "guards.h"

SEC("syscall")
int probe(void *ctx)
{
	struct task_struct___guard *task = (void *)bpf_get_current_task_btf();
	if (bpf_core_field_exists(task->preflight_wide))
		return bpf_core_field_size(task->preflight_wide);
	return 0;
}
