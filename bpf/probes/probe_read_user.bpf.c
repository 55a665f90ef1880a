// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Feature: reading user memory of the current task. */
#include <linux/bpf.h>
#include "license.h"

SEC("raw_tracepoint/sys_enter")
int probe_read_user(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 value = 0;

	return bpf_probe_read_user(&value, sizeof(value), (void *)ctx->args[1]) < 0;
}
