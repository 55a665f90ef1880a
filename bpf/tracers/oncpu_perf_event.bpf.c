// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What runs on the CPUs? Stacks sampled by a perf event per CPU, which user space opens
 * at the frequency it wants. A sample says where, not how long: counts times the period
 * are an estimate of CPU time.
 */
#include "tracer.h"
#include "stacks.h"

/* Count samples of idle CPUs as well. */
const volatile bool include_idle = false;

struct sample_key {
	__u32 tgid;
	__s32 user_stack;
	__s32 kernel_stack;
	char comm[TASK_COMM_LEN];
};

struct sample_count {
	__u64 count;
};

/* Not LRU: a hardware event's sample can interrupt the kernel while it holds a lock of an LRU map. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct sample_key);
	__type(value, struct sample_count);
} samples SEC(".maps");

SEC("perf_event")
int oncpu_sample(void *ctx)
{
	struct sample_count *found, first = { .count = 1 };
	struct sample_key key = {};
	__u64 pid_tgid = bpf_get_current_pid_tgid();

	if (early_filter())
		return 0;
	if (!(__u32)pid_tgid && !include_idle) {
		health_count(HEALTH_FILTERED);
		return 0;
	}
	if (sampled_out())
		return 0;
	key.tgid = pid_tgid >> 32;
	key.user_stack = user_stack_id(ctx);
	key.kernel_stack = kernel_stack_id(ctx);
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	found = bpf_map_lookup_elem(&samples, &key);
	if (!found) {
		if (!bpf_map_update_elem(&samples, &key, &first, BPF_NOEXIST)) {
			health_count(HEALTH_EXPORTED);
			return 0;
		}
		/* Another CPU was first. */
		found = bpf_map_lookup_elem(&samples, &key);
	}
	if (!found) {
		health_count(HEALTH_UPDATE_FAILED);
		return 0;
	}
	__sync_fetch_and_add(&found->count, 1);
	health_count(HEALTH_EXPORTED);
	return 0;
}
