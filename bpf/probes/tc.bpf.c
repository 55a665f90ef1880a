// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Surface: packets at a network device through a classifier of the qdisc clsact. Continues unchanged. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "license.h"

SEC("tc")
int probe_tc(struct __sk_buff *skb)
{
	return TC_ACT_UNSPEC;
}
