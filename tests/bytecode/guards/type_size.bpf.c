// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Guards by the size of a type: 0 when it is missing.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (bpf_core_type_size(struct preflight_absent_type) > 0)
		return MISS(task);
	return 0;
}
