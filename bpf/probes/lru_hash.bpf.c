// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Feature: a hash that forgets the least recently used entry instead of refusing a new one. */
#include <linux/bpf.h>
#include "license.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} recent SEC(".maps");

SEC("raw_tracepoint/sched_process_exec")
int probe_lru_hash(void *ctx)
{
	__u32 key = 0;
	__u64 now = bpf_ktime_get_ns();

	bpf_map_update_elem(&recent, &key, &now, BPF_ANY);
	return 0;
}
