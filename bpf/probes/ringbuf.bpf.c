// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Feature: one ring buffer for all processors, reserve and submit. */
#include <linux/bpf.h>
#include "license.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	/* A multiple of every page size in use, and a power of two. */
	__uint(max_entries, 1 << 16);
} events SEC(".maps");

SEC("raw_tracepoint/sched_process_exec")
int probe_ringbuf(void *ctx)
{
	__u64 *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return 0;
	*event = 0;
	bpf_ringbuf_discard(event, 0);
	return 0;
}
