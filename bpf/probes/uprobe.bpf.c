// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// build: per-arch
/* Surface: a user function's entry. Where it attaches is chosen when it is attached. */
#include "regs.h"
#include "license.h"

SEC("uprobe")
int probe_uprobe(struct pt_regs *ctx)
{
	return PT_REGS_PARM1(ctx) == 0;
}
