// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What may be computed with pointers. */
#include "net.h"
MAP(cells, BPF_MAP_TYPE_ARRAY, __u32, __u64[8], 4);
#define CELL(s) __u32 k = 0; __u64 *v = bpf_map_lookup_elem(&cells, &k); if (!v) return 0
SEC("tc") int inside(struct __sk_buff *skb) { CELL(skb); return v[skb->mark & 7]; }
SEC("tc") int outside(struct __sk_buff *skb) { CELL(skb); return v[skb->mark & 15]; }
SEC("tc") int constant(struct __sk_buff *skb) { CELL(skb); return v[8]; }
SEC("tc") int before(struct __sk_buff *skb) { CELL(skb); return v[-1]; }
SEC("tc") int unbounded(struct __sk_buff *skb) { CELL(skb); return v[skb->mark]; }
SEC("tc") int compared(struct __sk_buff *skb) { CELL(skb); __u64 i = skb->mark; if (i >= 8) return 0; return v[i]; }
SEC("tc") int twice(struct __sk_buff *skb) { CELL(skb); return *(volatile __u64 *)((long)v * 2); }
SEC("tc") int odd(struct __sk_buff *skb) { CELL(skb); return *(volatile __u64 *)((void *)v + 3); }
SEC("tc") int stack_index(struct __sk_buff *skb) { volatile char b[16] = {}; return b[skb->mark & 15]; }
SEC("tc") int stack_outside(struct __sk_buff *skb) { volatile char b[16] = {}; return b[skb->mark & 1023]; }
SEC("tc") int before_check(struct __sk_buff *skb) { __u32 k = 0; __u64 *v = bpf_map_lookup_elem(&cells, &k); v += 1; return v ? *v : 0; }
SEC("tc") int loaded(struct __sk_buff *skb) { CELL(skb); return *(volatile __u32 *)v[0]; }
SEC("tc") int kept(struct __sk_buff *skb) { CELL(skb); v[1] = (__u64)v; return 0; }
SEC("tc") int zero(struct __sk_buff *skb) { return *(volatile int *)0; }
SEC("tc") int returned(struct __sk_buff *skb) { return (long)skb; }
