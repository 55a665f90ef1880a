// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// No room in a ring buffer.
#include "guards.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	long *record = bpf_ringbuf_reserve(&events, 8, 0);

	HIDE(record);
	if (!record)
		return MISS(task);
	bpf_ringbuf_discard(record, 0);
	return 0;
}
