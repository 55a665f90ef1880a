// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The local storage of a control group is always there.
#include "guards.h"

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} storage SEC(".maps");

SEC("cgroup_skb/egress")
int probe(struct __sk_buff *ctx)
{
	struct task_struct___guard *task = TASK();
	void *value = bpf_get_local_storage(&storage, 0);

	HIDE(value);
	if (!value)
		return MISS(task) & 1;
	return 1;
}
