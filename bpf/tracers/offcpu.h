// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Where do threads wait, and for how long? Blocked time by stack.
 *
 * A thread is filtered when it leaves the CPU, while it still is the current one, and its
 * stacks are taken then. What it was doing is kept under its thread id until it runs again.
 */
#ifndef PREFLIGHT_OFFCPU_H
#define PREFLIGHT_OFFCPU_H

#include "tracer.h"
#include "aggregate.h"
#include "sched.h"
#include "stacks.h"

/* Also count threads that could run and did not: preempted, or gave way. runqlat is better at that. */
const volatile bool include_runnable = false;
/* Waits that no signal can end alone: disk, memory, kernel locks. */
const volatile bool only_uninterruptible = false;

struct blocked_key {
	__u32 tgid;
	enum left_as left_as;
	__s32 user_stack;
	__s32 kernel_stack;
	char comm[TASK_COMM_LEN];
};

struct blocked_start {
	__u64 ns;
	struct blocked_key key;
};

/* Not LRU: who waits longest would be pushed out first. A full map is counted in health. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, __u32); /* thread id */
	__type(value, struct blocked_start);
} starts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct blocked_key);
	__type(value, struct time_sum);
} blocked SEC(".maps");

static __always_inline void thread_leaves(void *ctx, __u32 tid, enum left_as how)
{
	struct blocked_start start = {};

	/* Idle threads all have the id 0. */
	if (!tid)
		return;
	if (how == LEFT_FOR_GOOD) {
		bpf_map_delete_elem(&starts, &tid);
		return;
	}
	if (how == LEFT_RUNNABLE && !include_runnable)
		return;
	if (early_filter())
		return;
	if (only_uninterruptible && how != LEFT_UNINTERRUPTIBLE) {
		health_count(HEALTH_FILTERED);
		return;
	}
	if (sampled_out())
		return;
	start.key.tgid = bpf_get_current_pid_tgid() >> 32;
	start.key.left_as = how;
	start.key.user_stack = user_stack_id(ctx);
	start.key.kernel_stack = kernel_stack_id(ctx);
	bpf_get_current_comm(start.key.comm, sizeof(start.key.comm));
	if (bpf_map_lookup_elem(&starts, &tid))
		health_count(HEALTH_EXPIRED);
	start.ns = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&starts, &tid, &start, BPF_ANY))
		health_count(HEALTH_UPDATE_FAILED);
}

static __always_inline void thread_enters(__u32 tid)
{
	struct blocked_start *found, start;
	__u64 took;

	if (!tid)
		return;
	found = bpf_map_lookup_elem(&starts, &tid);
	/* Nothing to count: most threads that come back were filtered or not blocked. */
	if (!found)
		return;
	start = *found;
	took = bpf_ktime_get_ns() - start.ns;
	bpf_map_delete_elem(&starts, &tid);
	if (outside_bounds(took)) {
		health_count(HEALTH_FILTERED);
		return;
	}
	if (sum_add(&blocked, &start.key, took))
		health_count(HEALTH_EXPORTED);
}

#endif
