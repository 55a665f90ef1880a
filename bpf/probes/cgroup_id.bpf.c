// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Feature: which control group the current task is in; what containers are told apart by. */
#include <linux/bpf.h>
#include "license.h"

SEC("raw_tracepoint/sched_process_exec")
int probe_cgroup_id(void *ctx)
{
	return bpf_get_current_cgroup_id() == bpf_get_current_ancestor_cgroup_id(1);
}
