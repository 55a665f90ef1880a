// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Only where an array has no entry at a constant index: verifiers since 6.14 know that it has.
#include "guards.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, int);
} flags SEC(".maps");

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	int key = 0;
	int *flag = bpf_map_lookup_elem(&flags, &key);

	if (!flag)
		return MISS(task);
	return *flag;
}
