// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Surface: getsockopt in a control group. Answers 1, which permits. */
#include <linux/bpf.h>
#include "license.h"

SEC("cgroup/getsockopt")
int probe_cgroup_sockopt(struct bpf_sockopt *ctx)
{
	return 1;
}
