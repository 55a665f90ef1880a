// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Feature: reading any kernel address. Lockdown in confidentiality mode forbids it. */
#include <linux/bpf.h>
#include "license.h"

SEC("raw_tracepoint/sched_process_exec")
int probe_read_kernel(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 value = 0;

	return bpf_probe_read_kernel(&value, sizeof(value), (void *)ctx->args[0]) < 0;
}
