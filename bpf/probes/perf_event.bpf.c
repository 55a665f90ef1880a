// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Surface: a sampling or counting event of perf. */
#include <linux/bpf.h>
#include "license.h"

SEC("perf_event")
int probe_perf_event(void *ctx)
{
	return 0;
}
