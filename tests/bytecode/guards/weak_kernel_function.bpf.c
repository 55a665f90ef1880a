// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A kernel function that does not exist, called only if it does.
#include "guards.h"

extern int preflight_absent_kfunc(int x) __ksym __weak;

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	if (preflight_absent_kfunc)
		return preflight_absent_kfunc(3);
	return 0;
}
