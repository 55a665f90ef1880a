// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// build: per-arch
/* Surface: a static probe in a user program; libbpf reads its note and attaches a uprobe there. */
#include "regs.h"
#include <bpf/usdt.bpf.h>
#include "license.h"

SEC("usdt")
int BPF_USDT(probe_usdt, long value)
{
	return value == 0;
}
