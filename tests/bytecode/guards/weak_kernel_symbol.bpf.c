// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A kernel symbol that does not exist.
#include "guards.h"

extern const void preflight_absent_symbol __ksym __weak;

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (&preflight_absent_symbol)
		return MISS(task);
	return 0;
}
