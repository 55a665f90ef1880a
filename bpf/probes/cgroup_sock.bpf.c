// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Surface: sockets created in a control group. Answers 1, which permits. */
#include <linux/bpf.h>
#include "license.h"

SEC("cgroup/sock_create")
int probe_cgroup_sock(struct bpf_sock *sk)
{
	return 1;
}
