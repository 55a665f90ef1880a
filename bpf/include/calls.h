// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Calls of one function that are on their way, per thread and innermost last: a function
 * can call itself, and a return belongs to the innermost call.
 *
 * A call is known by its frame: where its return address lies, or would lie, on the stack.
 * So a call that never returned (longjmp, an exception, a lost return probe) is found by
 * the next one, counted as expired, and cannot give its time to another.
 */
#ifndef PREFLIGHT_CALLS_H
#define PREFLIGHT_CALLS_H

#include "tracer.h"
#include "aggregate.h"

/* Deeper calls of one thread are counted in health, not measured. */
#define CALLS_MAX 16 /* a power of two */

/* A histogram for each process instead of one for all. */
const volatile bool by_process = false;

struct call_key {
	__u32 tgid;  /* 0 unless by_process */
	__u32 depth; /* of recursion, 0 = outermost: its sum counts no time twice; sampling hides levels */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 2048);
	__type(key, struct call_key);
	__type(value, struct log2_hist);
} latencies SEC(".maps");

struct call {
	__u64 ns;
	__u64 frame;
};

struct thread_calls {
	__u32 depth; /* calls on their way */
	__u32 unused;
	struct call calls[CALLS_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct thread_calls);
} starts SEC(".maps");

/* The value a thread begins with: too large for the stack of a program. */
static const struct thread_calls no_calls;

/* The compiler knows that `at` is in bounds and says so nowhere; the verifier wants to see it. */
static __always_inline struct call *call_at(struct thread_calls *open, __u32 at)
{
	barrier_var(at);
	return &open->calls[at & (CALLS_MAX - 1)];
}

/* All idle tasks have the id 0, and functions can be called in their interrupts: told by CPU. */
static __always_inline __u64 calling_thread(void)
{
	__u64 thread = bpf_get_current_pid_tgid();

	return thread ? thread : (1ULL << 63) | bpf_get_smp_processor_id();
}

/*
 * A call begins. `ordered`: all frames of a thread lie on one stack, which grows down, so
 * that a recorded call below this frame has ended unseen. In the kernel, interrupts have
 * stacks of their own, and only the same frame says so.
 */
static __always_inline int call_begins(__u64 frame, bool ordered)
{
	__u64 thread = calling_thread();
	struct thread_calls *open;
	struct call *call;
	__u64 last;
	__u32 depth, gone = 0;

	if (early_filter() || sampled_out())
		return 0;
	open = bpf_map_lookup_elem(&starts, &thread);
	if (!open) {
		bpf_map_update_elem(&starts, &thread, &no_calls, BPF_NOEXIST);
		open = bpf_map_lookup_elem(&starts, &thread);
	}
	if (!open) {
		health_count(HEALTH_UPDATE_FAILED);
		return 0;
	}
	depth = open->depth;
	for (int i = 0; i < CALLS_MAX; i++) {
		if (depth == 0 || depth > CALLS_MAX)
			break;
		last = call_at(open, depth - 1)->frame;
		if (ordered ? last > frame : last != frame)
			break;
		gone++;
		depth--;
	}
	if (gone)
		health_add(HEALTH_EXPIRED, gone);
	if (depth >= CALLS_MAX) {
		health_count(HEALTH_UPDATE_FAILED);
		return 0;
	}
	call = call_at(open, depth);
	call->frame = frame;
	call->ns = bpf_ktime_get_ns();
	open->depth = depth + 1;
	return 0;
}

/* A call ends: the innermost one with this frame. Calls above it have ended unseen. */
static __always_inline int call_ends(__u64 frame)
{
	__u64 now = bpf_ktime_get_ns(), thread = calling_thread(), began = 0;
	struct thread_calls *open = bpf_map_lookup_elem(&starts, &thread);
	struct call_key key = {};
	__u32 depth, skipped = 0;

	if (!open) {
		count_unmatched();
		return 0;
	}
	depth = open->depth;
	for (int i = 0; i < CALLS_MAX; i++) {
		if (depth == 0 || depth > CALLS_MAX)
			break;
		depth--;
		if (call_at(open, depth)->frame == frame) {
			began = call_at(open, depth)->ns;
			break;
		}
		skipped++;
	}
	if (!began) {
		/* Begun before the tracer, or too deep. */
		count_unmatched();
		return 0;
	}
	if (skipped)
		health_add(HEALTH_EXPIRED, skipped);
	open->depth = depth;
	if (!depth)
		bpf_map_delete_elem(&starts, &thread);
	if (outside_bounds(now - began)) {
		health_count(HEALTH_FILTERED);
		return 0;
	}
	key.tgid = by_process ? bpf_get_current_pid_tgid() >> 32 : 0;
	key.depth = depth;
	hist_record(&latencies, &key, now - began);
	return 0;
}

/* A thread that ends inside a call leaves it, or a return probe missed the return. */
static __always_inline int calling_thread_gone(void)
{
	__u64 thread = calling_thread();
	struct thread_calls *open = bpf_map_lookup_elem(&starts, &thread);

	if (!open)
		return 0;
	if (open->depth)
		health_add(HEALTH_EXPIRED, open->depth);
	bpf_map_delete_elem(&starts, &thread);
	return 0;
}

#endif
