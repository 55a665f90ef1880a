// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// build: per-arch
/* Surface: many kernel functions with one link, on top of fprobe. */
#include "regs.h"
#include "license.h"

SEC("kprobe.multi/bpf_fentry_test1")
int probe_kprobe_multi(struct pt_regs *ctx)
{
	return PT_REGS_PARM1(ctx) == 0;
}
