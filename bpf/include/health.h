// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a tracer says of itself. Every event ends in one of these counters or in the
 * aggregates, so user space can show what it does not know.
 */
#ifndef PREFLIGHT_HEALTH_H
#define PREFLIGHT_HEALTH_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

enum health_counter {
	HEALTH_SEEN = 0,	  /* events that reached a program, before any filter */
	HEALTH_FILTERED = 1,	  /* left alone by a filter */
	HEALTH_SAMPLED_OUT = 2,	  /* wanted, but not the one of sample_every */
	HEALTH_EXPORTED = 3,	  /* written to an aggregate or to the ring buffer */
	HEALTH_UPDATE_FAILED = 4, /* a map refused the record: it is full */
	HEALTH_RING_DROPPED = 5,  /* the ring buffer had no room for the event */
	HEALTH_READ_FAILED = 6,	  /* memory of the kernel or of the task could not be read */
	HEALTH_EXPIRED = 7,	  /* start records found whose return never came, and removed */
	HEALTH_UNMATCHED = 8,	  /* returns without a start record: begun before, or pushed out */
	HEALTH_MAX = 9,
};

/* Tells user space the names of the counters: the type of this constant is in the object's BTF. */
const volatile enum health_counter health_counters = HEALTH_MAX;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HEALTH_MAX);
	__type(key, __u32);
	__type(value, __u64);
} health SEC(".maps");

static __always_inline void health_add(enum health_counter counter, __u64 events)
{
	__u32 key = counter;
	__u64 *value = bpf_map_lookup_elem(&health, &key);

	/* Atomic, because a program can be interrupted by another one on the same CPU. */
	if (value)
		__sync_fetch_and_add(value, events);
}

static __always_inline void health_count(enum health_counter counter)
{
	health_add(counter, 1);
}

/* 1 of this many events is kept; 0 and 1 keep all. */
const volatile __u32 sample_every = 0;

/* True when this event is not the one of `sample_every`. Decide at the entry of an operation, never at its return. */
static __always_inline bool sampled_out(void)
{
	if (sample_every <= 1)
		return false;
	if (bpf_get_prandom_u32() % sample_every == 0)
		return false;
	health_count(HEALTH_SAMPLED_OUT);
	return true;
}

#endif
