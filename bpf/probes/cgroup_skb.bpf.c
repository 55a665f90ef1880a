// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Surface: packets of a control group. Answers 1, which permits. */
#include <linux/bpf.h>
#include "license.h"

SEC("cgroup_skb/egress")
int probe_cgroup_skb(struct __sk_buff *skb)
{
	return 1;
}
