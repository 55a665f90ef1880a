// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * For which locks of the kernel do threads wait, for how long, and where?
 *
 * Only contended acquisitions are seen: the kernel takes a free lock without an event. The
 * wait is that of the current task, except for interrupts, which wait in whatever task
 * they interrupted.
 */
#ifndef PREFLIGHT_LOCKS_H
#define PREFLIGHT_LOCKS_H

#include "tracer.h"
#include "aggregate.h"
#include "stacks.h"

#define MAX_ERRNO 4095

enum lock_kind {
	LOCK_OTHER = 0,
	LOCK_SPINLOCK = 1,
	LOCK_RWLOCK_READ = 2,
	LOCK_RWLOCK_WRITE = 3,
	LOCK_MUTEX = 4,
	LOCK_RWSEM_READ = 5,
	LOCK_RWSEM_WRITE = 6,
	LOCK_RT_MUTEX = 7,
	LOCK_PERCPU_READ = 8,
	LOCK_PERCPU_WRITE = 9,
};

/* Look at one kind alone: the number in enum lock_kind; 0 is all. */
const volatile __u32 target_kind = 0;

struct lock_key {
	enum lock_kind kind;
	__u32 error; /* errno, 0 when the lock was taken */
};

struct lock_stack_key {
	__u32 tgid;
	enum lock_kind kind;
	__s32 kernel_stack;
	__u32 unused;
};

struct lock_start_key {
	__u64 thread; /* thread, or CPU for idle ones */
	__u64 lock;   /* address: identity only, never shown */
};

struct lock_start {
	__u64 ns;
	enum lock_kind kind;
	__u32 unused;
};

/*
 * Not LRU, here and below: the programs run while a spinlock is waited for, which can be one
 * inside an LRU map, and would come back to a lock that their CPU holds. Plain hash maps
 * refuse such an update. A full map is counted in health.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct lock_start_key);
	__type(value, struct lock_start);
} starts SEC(".maps");

/* Ten kinds, few errors. A full map is counted in health. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 128);
	__type(key, struct lock_key);
	__type(value, struct log2_hist);
} latencies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct lock_stack_key);
	__type(value, struct time_sum);
} waits SEC(".maps");

/* All idle tasks have the id 0; an interrupt that waits in one is told by its CPU. */
static __always_inline struct lock_start_key lock_key(__u64 lock)
{
	struct lock_start_key key = { .thread = bpf_get_current_pid_tgid(), .lock = lock };

	if (!key.thread)
		key.thread = (1ULL << 63) | bpf_get_smp_processor_id();
	return key;
}

static __always_inline int lock_wait_begins(__u64 lock, enum lock_kind kind)
{
	struct lock_start_key key = lock_key(lock);
	struct lock_start start = { .kind = kind }, *found;

	if (early_filter())
		return 0;
	if (target_kind && kind != target_kind) {
		health_count(HEALTH_FILTERED);
		return 0;
	}
	if (sampled_out())
		return 0;
	found = bpf_map_lookup_elem(&starts, &key);
	/* A mutex tells anew each time it changes between spinning and sleeping: one wait. */
	if (found && found->kind == kind && kind == LOCK_MUTEX)
		return 0;
	if (found)
		health_count(HEALTH_EXPIRED);
	start.ns = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&starts, &key, &start, BPF_ANY))
		health_count(HEALTH_UPDATE_FAILED);
	return 0;
}

static __always_inline int lock_wait_ends(void *ctx, __u64 lock, long result)
{
	struct lock_start_key key = lock_key(lock);
	struct lock_start *found = bpf_map_lookup_elem(&starts, &key);
	struct lock_stack_key where = {};
	struct lock_key what = {};
	__u64 took;

	if (!found) {
		if (!target_kind)
			count_unmatched();
		return 0;
	}
	took = bpf_ktime_get_ns() - found->ns;
	what.kind = found->kind;
	bpf_map_delete_elem(&starts, &key);
	if (outside_bounds(took)) {
		health_count(HEALTH_FILTERED);
		return 0;
	}
	if (result < 0 && result >= -MAX_ERRNO)
		what.error = -result;
	hist_record(&latencies, &what, took);
	if (skip_kernel_stack)
		return 0;
	where.tgid = bpf_get_current_pid_tgid() >> 32;
	where.kind = what.kind;
	where.kernel_stack = kernel_stack_id(ctx);
	sum_add(&waits, &where, took);
	return 0;
}

#endif
