// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Feature: data that lives and dies with a task. */
#include "kernel.h"
#include <bpf/bpf_tracing.h>
#include "license.h"

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} starts SEC(".maps");

SEC("tp_btf/sched_process_exec")
int BPF_PROG(probe_task_storage, struct task_struct *task)
{
	__u64 *start = bpf_task_storage_get(&starts, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (start)
		*start = bpf_ktime_get_ns();
	return 0;
}
