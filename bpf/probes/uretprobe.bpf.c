// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// build: per-arch
/* Surface: a user function's return. Where it attaches is chosen when it is attached. */
#include "regs.h"
#include "license.h"

SEC("uretprobe")
int probe_uretprobe(struct pt_regs *ctx)
{
	return PT_REGS_RC(ctx) == 0;
}
