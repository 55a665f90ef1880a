// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// build: per-arch
/* Surface: many user functions with one link. Loaders before libbpf 1.3 do not know the section name. */
#include "regs.h"
#include "license.h"

SEC("uprobe.multi")
int probe_uprobe_multi(struct pt_regs *ctx)
{
	return PT_REGS_PARM1(ctx) == 0;
}
