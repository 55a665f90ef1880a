// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How long do threads wait for each other in user space? Futexes are what locks, condition
 * variables and semaphores of most languages wait on, once they are contended.
 *
 * Seen are the calls of futex(2) that wait. The address of a futex tells locks of one
 * process apart and means nothing outside of it.
 */
#ifndef PREFLIGHT_FUTEXES_H
#define PREFLIGHT_FUTEXES_H

#include "tracer.h"
#include "aggregate.h"

#define MAX_ERRNO 4095
/* include/uapi/linux/futex.h */
#define FUTEX_OPERATION 0x7f
#define FUTEX_WAIT 0
#define FUTEX_LOCK_PI 6
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAIT_REQUEUE_PI 11
#define FUTEX_LOCK_PI2 13

/* Look at one errno alone: 110 are waits that timed out; 0 is all. */
const volatile __u32 target_errno = 0;

struct futex_key {
	__u32 tgid;
	__u32 operation; /* FUTEX_WAIT ... without the flags */
	__u32 error;	 /* errno, 0 when woken */
	__u32 unused;
};

struct futex_lock {
	__u64 address;
	__u32 tgid;
	__u32 operation;
};

struct futex_start {
	__u64 ns;
	struct futex_lock lock;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64); /* thread: inside one call at a time */
	__type(value, struct futex_start);
} starts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct futex_key);
	__type(value, struct log2_hist);
} latencies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct futex_lock);
	__type(value, struct time_sum);
} futexes SEC(".maps");

static __always_inline bool futex_waits(__u32 operation)
{
	switch (operation) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
	case FUTEX_WAIT_REQUEUE_PI:
		return true;
	default:
		return false;
	}
}

static __always_inline int futex_called(__u64 address, __u32 operation)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct futex_start start = {};

	operation &= FUTEX_OPERATION;
	if (early_filter())
		return 0;
	if (!futex_waits(operation)) {
		health_count(HEALTH_FILTERED);
		return 0;
	}
	if (sampled_out())
		return 0;
	if (bpf_map_lookup_elem(&starts, &thread))
		health_count(HEALTH_EXPIRED);
	start.lock.address = address;
	start.lock.tgid = thread >> 32;
	start.lock.operation = operation;
	start.ns = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&starts, &thread, &start, BPF_ANY))
		health_count(HEALTH_UPDATE_FAILED);
	return 0;
}

/* Calls that do not wait end here as well, so a return without a start record is nothing to count. */
static __always_inline int futex_returned(long result)
{
	__u64 thread = bpf_get_current_pid_tgid(), took;
	struct futex_start *found = bpf_map_lookup_elem(&starts, &thread), start;
	struct futex_key key = {};

	if (!found)
		return 0;
	start = *found;
	took = bpf_ktime_get_ns() - start.ns;
	bpf_map_delete_elem(&starts, &thread);
	if (result < 0 && result >= -MAX_ERRNO)
		key.error = -result;
	if ((target_errno && key.error != target_errno) || outside_bounds(took)) {
		health_count(HEALTH_FILTERED);
		return 0;
	}
	key.tgid = start.lock.tgid;
	key.operation = start.lock.operation;
	hist_record(&latencies, &key, took);
	sum_add(&futexes, &start.lock, took);
	return 0;
}

/* A thread that is killed while it waits does not return from the call. */
static __always_inline int futex_thread_gone(void)
{
	__u64 thread = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&starts, &thread);
	return 0;
}

#endif
