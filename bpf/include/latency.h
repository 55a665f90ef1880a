// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Histograms in powers of two, and the keys of start records. */
#ifndef PREFLIGHT_LATENCY_H
#define PREFLIGHT_LATENCY_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

/* 2^40 ns are 18 minutes; what is longer counts in the last slot. */
#define HIST_SLOTS 40

/* Slot i counts values in [2^i, 2^(i+1)) nanoseconds; slot 0 has 0 and 1, the last one all above. */
struct log2_hist {
	__u64 count;
	__u64 total_ns;
	__u64 slots[HIST_SLOTS];
};

/* The value a histogram begins with: too large for the stack of a program. */
static const struct log2_hist empty_hist;

/* Operations shorter than min_ns or longer than max_ns are left out of the aggregates; 0 is no bound. */
const volatile __u64 min_ns = 0;
const volatile __u64 max_ns = 0;

static __always_inline bool outside_bounds(__u64 ns)
{
	return (min_ns && ns < min_ns) || (max_ns && ns > max_ns);
}

/* Index of the highest bit that is set, at most HIST_SLOTS - 1. */
static __always_inline __u32 log2_slot(__u64 value)
{
	__u32 slot = 0;
	__u64 above;

	/* Branch free halving: the verifier follows one path. */
	above = (value > 0xffffffff) << 5;
	value >>= above;
	slot |= above;
	above = (value > 0xffff) << 4;
	value >>= above;
	slot |= above;
	above = (value > 0xff) << 3;
	value >>= above;
	slot |= above;
	above = (value > 0xf) << 2;
	value >>= above;
	slot |= above;
	above = (value > 0x3) << 1;
	value >>= above;
	slot |= above;
	slot |= value >> 1;
	return slot < HIST_SLOTS ? slot : HIST_SLOTS - 1;
}

static __always_inline void hist_add(struct log2_hist *hist, __u64 ns)
{
	__u32 slot = log2_slot(ns);

	__sync_fetch_and_add(&hist->count, 1);
	__sync_fetch_and_add(&hist->total_ns, ns);
	/* Said once more beside the access, where the verifier needs it. */
	barrier_var(slot);
	if (slot < HIST_SLOTS)
		__sync_fetch_and_add(&hist->slots[slot], 1);
}

/*
 * Key of a start record. `operation` tells apart what one thread can have open at the
 * same time; `depth` counts recursion and stays 0 where there is none.
 */
struct start_key {
	__u64 pid_tgid;
	__u32 operation;
	__u32 depth;
};

#endif
