// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Feature: a number given at attach time, so that one program can tell its targets apart. */
#include <linux/bpf.h>
#include "license.h"

SEC("tracepoint/sched/sched_process_exec")
int probe_attach_cookie(void *ctx)
{
	return bpf_get_attach_cookie(ctx) == 0;
}
