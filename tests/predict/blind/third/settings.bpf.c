// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What user space sets, and what programs keep in globals. */
#include "net.h"
const volatile __u32 limit = 16;
const volatile struct { __u16 port; __u8 drop; } config = { 80, 1 };
__u64 seen[32];
__u32 next;
static volatile __u32 hidden;
char names[8][16];
SEC("tc") int masked(struct __sk_buff *skb) { seen[skb->protocol & 31] += skb->len; return 0; }
SEC("tc") int unbounded(struct __sk_buff *skb) { seen[skb->ifindex] += skb->len; return 0; }
SEC("tc") int checked(struct __sk_buff *skb) { __u32 i = skb->ifindex; if (i < limit && i < 32) seen[i]++; return 0; }
SEC("tc") int by_setting(struct __sk_buff *skb) { __u32 i = skb->ifindex; if (i < limit) seen[i]++; return 0; }
SEC("tc") int off_by_one(struct __sk_buff *skb) { __u32 i = skb->ifindex; if (i <= 32) seen[i]++; return 0; }
SEC("tc") int set_constant(struct __sk_buff *skb) { *(volatile __u32 *)&limit = skb->len; return 0; }
SEC("tc") int rolling(struct __sk_buff *skb) { seen[next++ % 32] = skb->len; hidden++; return config.drop ? 2 : 0; }
SEC("tc") int signed_index(struct __sk_buff *skb) { int i = skb->ifindex; if (i < 32) seen[i]++; return 0; }
SEC("raw_tp/sched_switch") int name(void *ctx) { bpf_get_current_comm(names[next & 7], 16); return 0; }
SEC("raw_tp/sched_switch") int name_long(void *ctx) { bpf_get_current_comm(names[next & 7], 32); return 0; }
