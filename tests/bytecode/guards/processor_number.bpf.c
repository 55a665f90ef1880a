// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// More processors than any machine has: newer verifiers know how many this one can have.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	unsigned int cpu = bpf_get_smp_processor_id();

	if (cpu > 1000000)
		return MISS(task);
	return 0;
}
