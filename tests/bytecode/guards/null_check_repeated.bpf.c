// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A pointer found not to be null is tested again, which takes knowing what the helper returns.
#include "guards.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
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
		return 0;
	bpf_printk("found");
	HIDE(flag);
	if (!flag)
		return MISS(task);
	return *flag;
}
