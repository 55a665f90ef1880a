// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The same behind a check for errors, which leaves the upper bound alone to decide.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	char name[16];
	long read = bpf_probe_read_kernel_str(name, sizeof(name), task);

	if (read < 0)
		return 0;
	if (read >= 17)
		return MISS(task);
	return 1;
}
