// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The answer passed to a global function, which is verified for every argument: no guard.
#include "guards.h"

__attribute__((noinline)) int read_global(int exists)
{
	if (exists)
		return MISS(TASK());
	return 1;
}

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	return read_global(bpf_core_field_exists(((struct task_struct___guard *)0)->preflight_absent));
}
