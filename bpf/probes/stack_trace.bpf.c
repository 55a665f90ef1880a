// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Feature: kernel and user stacks, counted by id. */
#include <linux/bpf.h>
#include "license.h"

#define PROBE_STACK_DEPTH 127

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, PROBE_STACK_DEPTH * sizeof(__u64));
	__uint(max_entries, 16);
} stacks SEC(".maps");

SEC("raw_tracepoint/sched_process_exec")
int probe_stack_trace(void *ctx)
{
	return bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK) < 0;
}
