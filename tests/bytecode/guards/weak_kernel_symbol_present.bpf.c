// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A kernel symbol that exists.
#include "guards.h"

extern const void bpf_prog_put __ksym __weak;

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (&bpf_prog_put)
		return MISS(task);
	return 0;
}
