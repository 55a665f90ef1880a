// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Surface: device access in a control group of version 2. Answers 1, which permits. */
#include <linux/bpf.h>
#include "license.h"

SEC("cgroup/dev")
int probe_cgroup_device(struct bpf_cgroup_dev_ctx *ctx)
{
	return 1;
}
