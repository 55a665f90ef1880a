// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Functions and what they are passed. */
#include "net.h"
struct item { __u32 a, b; };
MAP(items, BPF_MAP_TYPE_HASH, __u32, struct item, 8);
MAP(fixed, BPF_MAP_TYPE_ARRAY, __u32, __u64, 8);
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(map_flags, BPF_F_RDONLY_PROG); __type(key, __u32); __type(value, __u64); __uint(max_entries, 8); } settings SEC(".maps");
__attribute__((noinline)) int twice(int x) { return x * 2 + bpf_get_prandom_u32(); }
__attribute__((noinline)) int sum_of(struct item *i) { return i ? i->a + i->b : 0; }
__attribute__((noinline)) int sum_blind(struct item *i) { return i->a + i->b; }
__attribute__((noinline)) int length(struct __sk_buff *skb) { return skb->len; }
NOINLINE int part(struct item *i) { i->a++; return i->b; }
NOINLINE __u64 deep(int n) { volatile char b[200] = {}; b[n & 127] = n; return b[3]; }
NOINLINE __u64 deeper(int n) { volatile char b[200] = {}; b[n & 127] = n; return deep(n) + b[4]; }
NOINLINE __u64 deepest(int n) { volatile char b[200] = {}; b[n & 127] = n; return deeper(n) + b[5]; }
NOINLINE int put(void **where) { int k = 1; *where = bpf_map_lookup_elem(&items, &k); return 0; }
SEC("tc") int simple(struct __sk_buff *skb) { return twice(skb->len) & 1; }
SEC("tc") int by_struct(struct __sk_buff *skb) { struct item i = { 1, skb->len }; return sum_of(&i) & 1; }
SEC("tc") int by_struct_blind(struct __sk_buff *skb) { struct item i = { 1, skb->len }; return sum_blind(&i) & 1; }
SEC("tc") int by_context(struct __sk_buff *skb) { return length(skb) & 1; }
SEC("tc") int by_value(struct __sk_buff *skb) { __u32 k = 1; struct item *i = bpf_map_lookup_elem(&items, &k); return i ? part(i) & 1 : 0; }
SEC("tc") int by_value_blind(struct __sk_buff *skb) { __u32 k = 1; return part(bpf_map_lookup_elem(&items, &k)) & 1; }
SEC("tc") int shallow(struct __sk_buff *skb) { return deeper(skb->len) & 1; }
SEC("tc") int too_deep(struct __sk_buff *skb) { return deepest(skb->len) & 1; }
SEC("tc") int through(struct __sk_buff *skb) { struct item *i = 0; put((void **)&i); return i ? i->a & 1 : 0; }
SEC("tc") int through_blind(struct __sk_buff *skb) { struct item *i = 0; put((void **)&i); return i->a & 1; }
SEC("tc") int read_settings(struct __sk_buff *skb) { __u32 k = 1; __u64 *v = bpf_map_lookup_elem(&settings, &k); return v ? *v & 1 : 0; }
SEC("tc") int write_settings(struct __sk_buff *skb) { __u32 k = 1; __u64 *v = bpf_map_lookup_elem(&settings, &k); if (v) *v = 1; return 0; }
SEC("tc") int update_settings(struct __sk_buff *skb) { __u32 k = 1; __u64 v = 1; return bpf_map_update_elem(&settings, &k, &v, 0) ? 0 : 2; }
SEC("tc") int copy_settings(struct __sk_buff *skb) { __u32 k = 1; __u64 *v = bpf_map_lookup_elem(&settings, &k); if (v) bpf_skb_load_bytes(skb, 0, v, 8); return 0; }
SEC("tc") int past_value(struct __sk_buff *skb) { __u32 k = 1; __u64 *v = bpf_map_lookup_elem(&fixed, &k); return v ? v[1] & 1 : 0; }
SEC("tc") int short_key(struct __sk_buff *skb) { __u8 k = 1; return bpf_map_lookup_elem(&items, &k) ? 2 : 0; }
SEC("tc") int number_key(struct __sk_buff *skb) { return bpf_map_lookup_elem(&items, (void *)(long)skb->mark) ? 2 : 0; }
SEC("tc") int pointer_kept(struct __sk_buff *skb) { __u32 k = 1; __u64 *v = bpf_map_lookup_elem(&fixed, &k); if (v) *v = (__u64)skb; return 0; }
SEC("tc") int moved(struct __sk_buff *skb) { void *c = (void *)skb + 8; return bpf_skb_load_bytes(c, 0, &(__u32){0}, 4) ? 2 : 0; }
SEC("tc") int moved_back(struct __sk_buff *skb) { __u32 k = 1; struct item *i = bpf_map_lookup_elem(&items, &k); char *p; if (!i) return 0; p = (char *)i + 4; asm volatile("" : "+r"(p)); return *(__u32 *)(p - 4) & 1; }
