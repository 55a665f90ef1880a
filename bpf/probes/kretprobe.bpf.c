// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// build: per-arch
/* Surface: any kernel function's return, through the kprobe source of perf. */
#include "regs.h"
#include "license.h"

SEC("kretprobe/bpf_fentry_test1")
int probe_kretprobe(struct pt_regs *ctx)
{
	return PT_REGS_RC(ctx) == 0;
}
