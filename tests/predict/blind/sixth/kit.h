// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the programs of this folder share: headers of packets, kernel types, ways to write functions. */
#pragma once
#include "../common.h"
#include <bpf/bpf_endian.h>
#define INLINE static __attribute__((always_inline)) inline
#define NOINLINE static __attribute__((noinline))
#define GLOBAL __attribute__((noinline))
#define DATA(c) ((void *)(long)(c)->data)
#define END(c) ((void *)(long)(c)->data_end)
#define ETH_IP bpf_htons(0x0800)
#define ETH_IP6 bpf_htons(0x86dd)
struct ethhdr { __u8 h_dest[6], h_source[6]; __u16 h_proto; } __attribute__((packed));
struct vlanhdr { __u16 tci, proto; };
struct iphdr { __u8 ihl:4, version:4; __u8 tos; __u16 tot_len, id, frag_off; __u8 ttl, protocol; __u16 check; __u32 saddr, daddr; };
struct ip6hdr { __u32 flow; __u16 len; __u8 next, hops; __u32 saddr[4], daddr[4]; };
struct tcphdr { __u16 source, dest; __u32 seq, ack; __u16 flags, window, check, urgent; };
struct udphdr { __u16 source, dest, len, check; };
struct cursor { void *pos, *end; };
#define EPERM 1
#define ENOENT 2
#define AF_INET 2
