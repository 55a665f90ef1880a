// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Surface: packets of one socket; the oldest program type, and the one allowed without privilege. */
#include <linux/bpf.h>
#include "license.h"

SEC("socket")
int probe_socket_filter(struct __sk_buff *skb)
{
	return skb->len;
}
