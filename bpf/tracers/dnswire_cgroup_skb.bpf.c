// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * DNS messages of the sockets of a cgroup. Both programs let everything pass. A packet
 * begins with its network header here.
 */
#include "dnswire.h"

#define PASS 1

static __always_inline int look(struct __sk_buff *skb, bool outgoing)
{
	struct udp_header udp = {};
	__u8 ip[20] = {};
	__u32 udp_at = 0;

	if (is_dns(skb, ip, &udp, &udp_at))
		dns_seen(skb, outgoing, 0, ip, &udp, udp_at);
	return PASS;
}

SEC("cgroup_skb/egress")
int dnswire_egress(struct __sk_buff *skb)
{
	return look(skb, true);
}

SEC("cgroup_skb/ingress")
int dnswire_ingress(struct __sk_buff *skb)
{
	return look(skb, false);
}
