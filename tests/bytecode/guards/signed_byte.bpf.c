// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A signed byte of run-time data, beyond its range.
#include "guards.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} values SEC(".maps");

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	__u32 key = 0;
	signed char *value = bpf_map_lookup_elem(&values, &key);
	int number;

	if (!value)
		return 0;
	number = *(volatile signed char *)value;
	HIDE(number);
	if (number > 200)
		return MISS(task);
	return 0;
}
