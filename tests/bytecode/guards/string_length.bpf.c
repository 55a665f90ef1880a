// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A string longer than the buffer: verifiers bound what a read of a string returns.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	char name[16];
	int read = bpf_probe_read_kernel_str(name, sizeof(name), task);

	if (read > 16)
		return MISS(task);
	return 0;
}
