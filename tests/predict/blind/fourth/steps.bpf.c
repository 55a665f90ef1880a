// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Callbacks and functions. */
#include "net.h"
struct ctx { __u64 sum; __u32 max; struct __sk_buff *skb; };
MAP(table, BPF_MAP_TYPE_HASH, __u32, __u64, 64);
MAP(slots, BPF_MAP_TYPE_ARRAY, __u32, __u64, 64);
NOINLINE long sum(void *map, __u32 *key, __u64 *value, struct ctx *c) { c->sum += *value; return c->sum > 1000; }
NOINLINE long always(void *map, __u32 *key, __u64 *value, struct ctx *c) { c->sum += *value; return 2; }
NOINLINE long past(void *map, __u32 *key, __u64 *value, struct ctx *c) { c->sum += value[1]; return 0; }
NOINLINE long look(__u32 i, struct ctx *c) { __u32 k = i; __u64 *v = bpf_map_lookup_elem(&slots, &k); if (!v) return 1; c->sum += *v; return 0; }
NOINLINE long look_null(__u32 i, struct ctx *c) { __u32 k = i; __u64 *v = bpf_map_lookup_elem(&slots, &k); c->sum += *v; return 0; }
NOINLINE int value_of(__u32 k) { __u64 *v = bpf_map_lookup_elem(&table, &k); return v ? *v : -1; }
NOINLINE __u64 *find(__u32 k) { return bpf_map_lookup_elem(&table, &k); }
SEC("tc") int each(struct __sk_buff *skb) { struct ctx c = {}; bpf_for_each_map_elem(&table, sum, &c, 0); return c.sum > 4; }
SEC("tc") int each_two(struct __sk_buff *skb) { struct ctx c = {}; bpf_for_each_map_elem(&table, always, &c, 0); return c.sum > 4; }
SEC("tc") int each_past(struct __sk_buff *skb) { struct ctx c = {}; bpf_for_each_map_elem(&table, past, &c, 0); return c.sum > 4; }
SEC("tc") int loop(struct __sk_buff *skb) { struct ctx c = {}; bpf_loop(64, look, &c, 0); return c.sum > 4; }
SEC("tc") int loop_null(struct __sk_buff *skb) { struct ctx c = {}; bpf_loop(64, look_null, &c, 0); return c.sum > 4; }
SEC("tc") int direct(struct __sk_buff *skb) { return value_of(skb->mark) > 3; }
SEC("tc") int returned(struct __sk_buff *skb) { __u64 *v = find(skb->mark); return v ? *v > 3 : 0; }
SEC("tc") int returned_null(struct __sk_buff *skb) { return *find(skb->mark) > 3; }
