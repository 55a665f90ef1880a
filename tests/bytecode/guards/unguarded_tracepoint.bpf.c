// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The same in a tracepoint program.
#include "guards.h"

SEC("tracepoint/syscalls/sys_enter_getpid")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	return MISS(task);
}
