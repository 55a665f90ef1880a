// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A helper writes over the answer: no guard.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	unsigned long kept = bpf_core_field_exists(task->preflight_absent);

	bpf_probe_read_kernel(&kept, sizeof(kept), task);
	if (kept)
		return MISS(task);
	return 0;
}
