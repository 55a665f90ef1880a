// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Surface: a raw tracepoint, arguments as 64-bit words, no BTF needed. */
#include <linux/bpf.h>
#include "license.h"

SEC("raw_tracepoint/sched_process_exec")
int probe_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	return ctx->args[0] == 0;
}
