// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A kernel option that must be set for BPF to be here at all.
#include "guards.h"

extern bool CONFIG_BPF_SYSCALL __kconfig __weak;

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (CONFIG_BPF_SYSCALL)
		return MISS(task);
	return 0;
}
