// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Surface: a tracepoint by category and name, attached through perf. */
#include <linux/bpf.h>
#include "license.h"

SEC("tracepoint/sched/sched_process_exec")
int probe_tracepoint(void *ctx)
{
	return 0;
}
