// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A read through a type no kernel has.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct preflight_absent_type *p = (void *)bpf_get_current_task();

	return BPF_CORE_READ(p, member);
}
