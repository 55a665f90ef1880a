// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A kernel option that does not exist.
#include "guards.h"

extern int CONFIG_PREFLIGHT_ABSENT __kconfig __weak;

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (CONFIG_PREFLIGHT_ABSENT)
		return MISS(task);
	return 0;
}
