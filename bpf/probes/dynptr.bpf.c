// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Feature: a pointer whose size the kernel checks at run time. */
#include <linux/bpf.h>
#include "license.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} events SEC(".maps");

SEC("raw_tracepoint/sched_process_exec")
int probe_dynptr(void *ctx)
{
	struct bpf_dynptr pointer;
	__u64 value = 0;

	bpf_ringbuf_reserve_dynptr(&events, sizeof(value), 0, &pointer);
	bpf_dynptr_write(&pointer, 0, &value, sizeof(value), 0);
	bpf_ringbuf_discard_dynptr(&pointer, 0);
	return 0;
}
