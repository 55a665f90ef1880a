// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// build: per-arch
/*
 * How often does a static probe of a program fire, and with which arguments? User space
 * says which probe. Arguments are words: numbers, or addresses in the task that are never
 * followed. They are not even read unless asked for.
 */
#include "regs.h"
#include <bpf/usdt.bpf.h>
#include "tracer.h"

#define USDT_ARGS 3

/* Capture the first, second, third argument. Words of a program can be anything, secrets too. */
const volatile bool capture_arg1 = false;
const volatile bool capture_arg2 = false;
const volatile bool capture_arg3 = false;

struct probe_key {
	__u32 tgid;
	__u32 args; /* how many the probe has */
	__u64 arg1;
	__u64 arg2;
	__u64 arg3;
};

struct probe_count {
	__u64 count;
};

/* Arguments can be anything, so the least recent are pushed out; health says EXPORTED, and the sum here may be less. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct probe_key);
	__type(value, struct probe_count);
} counts SEC(".maps");

static __always_inline __u64 usdt_word(struct pt_regs *ctx, __u32 at)
{
	long value = 0;

	if (bpf_usdt_arg(ctx, at, &value))
		health_count(HEALTH_READ_FAILED);
	return value;
}

SEC("usdt")
int usdtcount_fired(struct pt_regs *ctx)
{
	struct probe_count *found, first = { .count = 1 };
	struct probe_key key = {};
	int args;

	if (early_filter() || sampled_out())
		return 0;
	args = bpf_usdt_arg_cnt(ctx);
	if (args < 0) {
		health_count(HEALTH_READ_FAILED);
		args = 0;
	}
	key.tgid = bpf_get_current_pid_tgid() >> 32;
	key.args = args;
	if (capture_arg1 && args > 0)
		key.arg1 = usdt_word(ctx, 0);
	if (capture_arg2 && args > 1)
		key.arg2 = usdt_word(ctx, 1);
	if (capture_arg3 && args > 2)
		key.arg3 = usdt_word(ctx, 2);
	found = bpf_map_lookup_elem(&counts, &key);
	if (!found) {
		if (!bpf_map_update_elem(&counts, &key, &first, BPF_NOEXIST)) {
			health_count(HEALTH_EXPORTED);
			return 0;
		}
		/* Another CPU was first. */
		found = bpf_map_lookup_elem(&counts, &key);
	}
	if (!found) {
		health_count(HEALTH_UPDATE_FAILED);
		return 0;
	}
	__sync_fetch_and_add(&found->count, 1);
	health_count(HEALTH_EXPORTED);
	return 0;
}
