// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Headers of packets, and what marks functions. */
#pragma once
#include "../common.h"
#include <bpf/bpf_endian.h>
#define ALWAYS static __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))
#define DATA(c) ((void *)(long)(c)->data)
#define END(c) ((void *)(long)(c)->data_end)
struct ethhdr { __u8 to[6], from[6]; __u16 proto; } __attribute__((packed));
struct vlanhdr { __u16 tci, proto; };
struct iphdr { __u8 ihl_version, tos; __u16 len, id, frag; __u8 ttl, protocol; __u16 check; __u32 saddr, daddr; };
struct ip6hdr { __u32 flow; __u16 len; __u8 next, hops; __u32 saddr[4], daddr[4]; };
struct tcphdr { __u16 source, dest; __u32 seq, ack; __u16 flags, window, check, urgent; };
struct udphdr { __u16 source, dest, len, check; };
