// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A version check that lets this kernel through.
#include "guards.h"

extern int LINUX_KERNEL_VERSION __kconfig;

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (LINUX_KERNEL_VERSION > 0x050000)
		return MISS(task);
	return 0;
}
