// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How long do requests to block devices wait in the scheduler's queue, how long does the
 * device take, and with which error do they end?
 *
 * Nobody's context says whose request it is (most are issued by kernel threads and end in
 * interrupts), so there is no filter by task.
 */
#ifndef PREFLIGHT_BLOCKLAT_H
#define PREFLIGHT_BLOCKLAT_H

#include "aggregate.h"
#include "block.h"
#include "license.h"

/* Look at one device alone: major << 20 | minor; 0 is all. */
const volatile __u32 target_device = 0;

/* What a latency is of. */
enum block_stage {
	BLOCK_QUEUED = 0, /* from the queue of the I/O scheduler to the driver */
	BLOCK_SERVED = 1, /* from the driver to the end */
};

struct block_key {
	__u32 device;
	enum block_operation operation;
	enum block_stage stage;
	__u32 error; /* errno, 0 when it succeeded; 0 when queued */
};

/* Devices in use times operations times errors seen. A full map is counted in health. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 2048);
	__type(key, struct block_key);
	__type(value, struct log2_hist);
} latencies SEC(".maps");

struct block_start {
	__u64 queued_ns; /* 0: went straight to the driver */
	__u64 issued_ns; /* 0: still queued */
	__u32 device;
	enum block_operation operation;
	__u32 sectors;	/* still to come; the classic events alone need it */
	__u32 requeued; /* the driver gave it back */
};

static __always_inline void block_record(const struct block_start *start, enum block_stage stage, __u32 error,
					 __u64 took)
{
	struct block_key key = {
		.device = start->device,
		.operation = start->operation,
		.stage = stage,
		.error = error,
	};

	if (outside_bounds(took))
		health_count(HEALTH_FILTERED);
	else
		hist_record(&latencies, &key, took);
}

/* Counts a request that begins. True when it is to be left alone. */
static __always_inline bool block_unwanted(__u32 device)
{
	health_count(HEALTH_SEEN);
	if (target_device && device != target_device) {
		health_count(HEALTH_FILTERED);
		return true;
	}
	return sampled_out();
}

/* `found`: the record of this request, or what an earlier one left in its place. */
static __always_inline void block_inserted(void *starts, const void *key, const struct block_start *found,
					   struct block_start *start)
{
	/* Given back and queued once more: it goes on counting from the first time. */
	if (found && found->requeued)
		return;
	if (found)
		health_count(HEALTH_EXPIRED);
	if (block_unwanted(start->device)) {
		if (found)
			bpf_map_delete_elem(starts, key);
		return;
	}
	start->queued_ns = bpf_ktime_get_ns();
	if (bpf_map_update_elem(starts, key, start, BPF_ANY))
		health_count(HEALTH_UPDATE_FAILED);
}

static __always_inline void block_issued(void *starts, const void *key, struct block_start *found,
					 struct block_start *start)
{
	__u64 now = bpf_ktime_get_ns();

	if (found && !found->issued_ns) {
		found->issued_ns = now;
		block_record(found, BLOCK_QUEUED, 0, now - found->queued_ns);
		return;
	}
	if (found && found->requeued) {
		found->requeued = 0;
		return;
	}
	if (found) {
		health_count(HEALTH_EXPIRED);
		bpf_map_delete_elem(starts, key);
	}
	if (block_unwanted(start->device))
		return;
	start->issued_ns = now;
	if (bpf_map_update_elem(starts, key, start, BPF_ANY))
		health_count(HEALTH_UPDATE_FAILED);
}

static __always_inline void block_requeued(struct block_start *found)
{
	if (found && found->issued_ns)
		found->requeued = 1;
}

static __always_inline void block_completed(const struct block_start *start, __u32 error)
{
	/* A request that failed before the driver saw it was never served. */
	if (start->issued_ns)
		block_record(start, BLOCK_SERVED, error, bpf_ktime_get_ns() - start->issued_ns);
	else
		block_record(start, BLOCK_QUEUED, error, bpf_ktime_get_ns() - start->queued_ns);
}

#endif
