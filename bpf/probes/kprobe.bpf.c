// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// build: per-arch
/* Surface: any kernel function's entry, through the kprobe source of perf. */
#include "regs.h"
#include "license.h"

SEC("kprobe/bpf_fentry_test1")
int probe_kprobe(struct pt_regs *ctx)
{
	return PT_REGS_PARM1(ctx) == 0;
}
