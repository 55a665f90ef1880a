// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Adding to a map of histograms: find or make the record of a key. */
#ifndef PREFLIGHT_AGGREGATE_H
#define PREFLIGHT_AGGREGATE_H

#include "health.h"
#include "latency.h"

/* Adds to the record of `key` in `map`, whose values are struct log2_hist; counts what became of it. */
static __always_inline void hist_record(void *map, const void *key, __u64 ns)
{
	struct log2_hist *hist = bpf_map_lookup_elem(map, key);

	if (!hist) {
		/* Another CPU can be first; the second look finds its record. */
		bpf_map_update_elem(map, key, &empty_hist, BPF_NOEXIST);
		hist = bpf_map_lookup_elem(map, key);
	}
	if (!hist) {
		health_count(HEALTH_UPDATE_FAILED);
		return;
	}
	hist_add(hist, ns);
	health_count(HEALTH_EXPORTED);
}

/* How often, and for how long in all. */
struct time_sum {
	__u64 count;
	__u64 total_ns;
};

/* Adds to the record of `key` in `map`, whose values are struct time_sum. Counts failures alone. */
static __always_inline bool sum_add(void *map, const void *key, __u64 ns)
{
	struct time_sum *sum = bpf_map_lookup_elem(map, key), first = { .count = 1, .total_ns = ns };

	if (!sum) {
		if (!bpf_map_update_elem(map, key, &first, BPF_NOEXIST))
			return true;
		sum = bpf_map_lookup_elem(map, key);
	}
	if (!sum) {
		health_count(HEALTH_UPDATE_FAILED);
		return false;
	}
	__sync_fetch_and_add(&sum->count, 1);
	__sync_fetch_and_add(&sum->total_ns, ns);
	return true;
}

#endif
