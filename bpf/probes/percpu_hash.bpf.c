// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Feature: a hash with one value per processor. */
#include <linux/bpf.h>
#include "license.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

SEC("raw_tracepoint/sched_process_exec")
int probe_percpu_hash(void *ctx)
{
	__u32 key = 0;
	__u64 one = 1, *count = bpf_map_lookup_elem(&counts, &key);

	if (count)
		*count += 1;
	else
		bpf_map_update_elem(&counts, &key, &one, BPF_NOEXIST);
	return 0;
}
