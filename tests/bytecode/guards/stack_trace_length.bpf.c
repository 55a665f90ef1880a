// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// More bytes of a stack trace than there was room for.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	char frames[64];
	long written = bpf_get_stack(ctx, frames, sizeof(frames), 0);

	if (written > 64)
		return MISS(task);
	return 0;
}
