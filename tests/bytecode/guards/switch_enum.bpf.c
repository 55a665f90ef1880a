// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A switch on a value only the kernel decides.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	switch (bpf_core_enum_value(enum pid_type___guard, PIDTYPE_PID___guard)) {
	case 0:
		return 1;
	case 1:
		return bpf_get_prandom_u32();
	case 2:
		return MISS(task);
	case 3:
		return 44;
	default:
		return 5;
	}
}
