// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A guard in a program of another type.
#include "guards.h"

SEC("socket")
int probe(void *ctx)
{
	if (bpf_core_field_exists(((struct task_struct___guard *)0)->preflight_absent))
		return bpf_core_field_offset(((struct task_struct___guard *)0)->preflight_absent);
	return 0;
}
