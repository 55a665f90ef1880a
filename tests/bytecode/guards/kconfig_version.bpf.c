// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The kernel's version as libbpf hands it in.
#include "guards.h"

extern int LINUX_KERNEL_VERSION __kconfig;
#ifndef KERNEL_VERSION
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))
#endif

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (LINUX_KERNEL_VERSION < KERNEL_VERSION(4, 1, 0))
		return MISS(task);
	return 0;
}
