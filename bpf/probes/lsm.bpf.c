// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Surface: a security hook. It answers 0, which permits; settime runs almost never. */
#include <linux/bpf.h>
#include <bpf/bpf_tracing.h>
#include "license.h"

SEC("lsm/settime")
int BPF_PROG(probe_lsm, const void *ts, const void *tz, int ret)
{
	return ret;
}
