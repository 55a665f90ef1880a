// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Feature: a map whose values are maps. */
#include <linux/bpf.h>
#include "license.h"

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { [0] = &first },
};

SEC("raw_tracepoint/sched_process_exec")
int probe_hash_of_maps(void *ctx)
{
	__u32 key = 0;
	__u64 *value;
	void *inner = bpf_map_lookup_elem(&outer, &key);

	if (!inner)
		return 0;
	value = bpf_map_lookup_elem(inner, &key);
	return value ? *value == 1 : 0;
}
