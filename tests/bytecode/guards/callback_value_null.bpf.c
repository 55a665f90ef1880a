// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A callback gets the address of a value, as newer verifiers know.
#include "guards.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} values SEC(".maps");

static long each(void *map, __u32 *key, __u64 *value, void **context)
{
	struct task_struct___guard *task = *context;

	HIDE(value);
	if (!value)
		return MISS(task) & 1;
	return 0;
}

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	bpf_for_each_map_elem(&values, each, &task, 0);
	return 0;
}
