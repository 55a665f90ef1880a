// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Feature: one buffer per processor, the way before the ring buffer. */
#include <linux/bpf.h>
#include "license.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} events SEC(".maps");

SEC("raw_tracepoint/sched_process_exec")
int probe_perfbuf(void *ctx)
{
	__u64 event = 0;

	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &event, sizeof(event));
	return 0;
}
