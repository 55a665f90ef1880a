// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Feature: a timer inside a map value. Tracing programs may not start one; this is a classifier. */
#include <linux/bpf.h>
#include "license.h"

#define PROBE_CLOCK_MONOTONIC 1

struct entry {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct entry);
} timers SEC(".maps");

static int expired(void *map, __u32 *key, struct bpf_timer *timer)
{
	return 0;
}

SEC("tc")
int probe_timer(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct entry *entry = bpf_map_lookup_elem(&timers, &key);

	if (!entry)
		return 0;
	bpf_timer_init(&entry->timer, &timers, PROBE_CLOCK_MONOTONIC);
	bpf_timer_set_callback(&entry->timer, expired);
	bpf_timer_start(&entry->timer, 1000000, 0);
	return 0;
}
