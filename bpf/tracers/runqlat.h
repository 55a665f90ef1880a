// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How long do tasks that could run wait for a CPU?
 *
 * The wait begins when a task is woken, or loses its CPU while it still could run, and
 * ends when it gets one. The task is not the current one then, so variants bring their
 * own filter and call these functions for what it lets through.
 */
#ifndef PREFLIGHT_RUNQLAT_H
#define PREFLIGHT_RUNQLAT_H

#include "aggregate.h"
#include "sched.h"

#define ALREADY_THERE 17 /* EEXIST */

enum runq_cause {
	RUNQ_WOKEN = 0,	    /* by another task, an interrupt, or as a new task */
	RUNQ_PREEMPTED = 1, /* lost its CPU, or gave way */
};

struct runq_key {
	__u32 tgid; /* 0 unless by_process */
	enum runq_cause cause;
};

struct runq_start {
	__u64 ns;
	__u32 tgid;
	enum runq_cause cause;
};

/* Tasks that wait for a CPU. A full map is counted in health. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, __u32); /* thread id */
	__type(value, struct runq_start);
} starts SEC(".maps");

/* Per CPU, because without by_process all CPUs would write to the same two records. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 2048);
	__type(key, struct runq_key);
	__type(value, struct log2_hist);
} latencies SEC(".maps");

static __always_inline void wait_begins(__u32 tid, __u32 tgid, enum runq_cause cause)
{
	struct runq_start start = { .tgid = tgid, .cause = cause };
	long refused;

	start.ns = bpf_ktime_get_ns();
	/* A task can be woken that waits already, after it lost its CPU: the wait goes on. */
	refused = bpf_map_update_elem(&starts, &tid, &start, cause == RUNQ_WOKEN ? BPF_NOEXIST : BPF_ANY);
	if (refused && refused != -ALREADY_THERE)
		health_count(HEALTH_UPDATE_FAILED);
}

/* A task leaves its CPU and cannot run: what is there came of a wakeup while it still ran. */
static __always_inline void wait_void(__u32 tid)
{
	if (bpf_map_delete_elem(&starts, &tid) == 0)
		health_count(HEALTH_EXPIRED);
}

static __always_inline void wait_ends(__u32 tid)
{
	struct runq_key key = {};
	struct runq_start *found;
	__u64 took;

	found = bpf_map_lookup_elem(&starts, &tid);
	if (!found)
		return;
	took = bpf_ktime_get_ns() - found->ns;
	key.tgid = found->tgid;
	key.cause = found->cause;
	bpf_map_delete_elem(&starts, &tid);
	if (outside_bounds(took))
		health_count(HEALTH_FILTERED);
	else
		hist_record(&latencies, &key, took);
}

#endif
