// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A global function with the read, called behind the check: kernels before 6.8 verify it all the same.
#include "guards.h"

__attribute__((noinline)) int read_global(int add)
{
	return MISS(TASK()) + add;
}

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	if (bpf_core_field_exists(((struct task_struct___guard *)0)->preflight_absent))
		return read_global(7);
	return 0;
}
