// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An offset in the open, in a program of another type.
#include "guards.h"

SEC("socket")
int probe(void *ctx)
{
	return bpf_core_field_offset(((struct task_struct___guard *)0)->preflight_absent);
}
