// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Surface: sysctl reads and writes in a control group. Answers 1, which permits. */
#include <linux/bpf.h>
#include "license.h"

SEC("cgroup/sysctl")
int probe_cgroup_sysctl(struct bpf_sysctl *ctx)
{
	return 1;
}
