// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Surface: packets at a network device before the stack sees them. Passes everything. */
#include <linux/bpf.h>
#include "license.h"

SEC("xdp")
int probe_xdp(struct xdp_md *ctx)
{
	return XDP_PASS;
}
