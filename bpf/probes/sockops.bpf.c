// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Surface: TCP events of a control group. */
#include <linux/bpf.h>
#include "license.h"

SEC("sockops")
int probe_sockops(struct bpf_sock_ops *ctx)
{
	return 1;
}
