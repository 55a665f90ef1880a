// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * DNS messages of an interface, or of all, by a filter on a packet socket. The filter
 * looks and takes nothing: no packet is queued on the socket, so none can be lost there.
 * A packet between two programs of this host passes the loopback device, once each way.
 */
#include "dnswire.h"

#define TAKE_NOTHING 0
/* linux/if_packet.h: what this host sends; what is for others is seen on promiscuous devices only. */
#define PACKET_TO_OTHERS 3
#define PACKET_SENT 4
#define ETHERNET_HEADER 14

/*
 * Where the network header lies: at once in a socket of type SOCK_DGRAM, after the link's
 * header in one of type SOCK_RAW. The helper that counts from the network header cannot
 * read beyond the linear part of a packet, so the plain one is needed for the message.
 */
static __always_inline long network_header_at(struct __sk_buff *skb, const __u8 *ip)
{
	__u32 first = *(const __u32 *)ip, here = 0;

	if (!bpf_skb_load_bytes(skb, 0, &here, sizeof(here)) && here == first)
		return 0;
	if (!bpf_skb_load_bytes(skb, ETHERNET_HEADER, &here, sizeof(here)) && here == first)
		return ETHERNET_HEADER;
	return -1;
}

SEC("socket")
int dnswire_packet(struct __sk_buff *skb)
{
	__u8 ip[20] __attribute__((aligned(4))) = {};
	struct udp_header udp = {};
	__u32 udp_at = 0;
	long base;

	if (skb->pkt_type == PACKET_TO_OTHERS || !is_dns(skb, ip, &udp, &udp_at))
		return TAKE_NOTHING;
	base = network_header_at(skb, ip);
	if (base >= 0)
		dns_seen(skb, skb->pkt_type == PACKET_SENT, base, ip, &udp, udp_at);
	else
		health_count(HEALTH_READ_FAILED);
	return TAKE_NOTHING;
}
