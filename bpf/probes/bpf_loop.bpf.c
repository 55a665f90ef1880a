// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Feature: a loop of a length the verifier need not unroll. */
#include <linux/bpf.h>
#include "license.h"

static long count(__u32 index, void *context)
{
	*(__u64 *)context += index;
	return 0;
}

SEC("raw_tracepoint/sched_process_exec")
int probe_bpf_loop(void *ctx)
{
	__u64 sum = 0;

	bpf_loop(100, count, &sum, 0);
	return sum == 0;
}
