// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Maps and helpers, with what does not fit them. */
#include "net.h"
struct pair { __u32 a, b; };
MAP(pairs, BPF_MAP_TYPE_HASH, struct pair, __u64[4], 16);
MAP(fixed, BPF_MAP_TYPE_ARRAY, __u32, __u64, 4);
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 4); __uint(map_flags, BPF_F_RDONLY_PROG); } readonly SEC(".maps");
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 4); };
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __type(key, __u32); __uint(max_entries, 2); __array(values, struct inner); } outer SEC(".maps");
SEC("tc") int short_key(struct __sk_buff *skb) { __u32 k = 1; return bpf_map_lookup_elem(&pairs, &k) ? 1 : 0; }
SEC("tc") int unset_key(struct __sk_buff *skb) { struct pair k; k.a = skb->len; return bpf_map_lookup_elem(&pairs, &k) ? 1 : 0; }
SEC("tc") int short_value(struct __sk_buff *skb) { struct pair k = { 1, 2 }; __u64 v = 3; return bpf_map_update_elem(&pairs, &k, &v, 0); }
SEC("tc") int from_packet(struct __sk_buff *skb) { void *d = (void *)(long)skb->data, *e = (void *)(long)skb->data_end; if (d + 8 > e) return 0; return bpf_map_lookup_elem(&pairs, d) ? 1 : 0; }
SEC("tc") int from_context(struct __sk_buff *skb) { return bpf_map_lookup_elem(&pairs, skb) ? 1 : 0; }
SEC("tc") int number_key(struct __sk_buff *skb) { return bpf_map_lookup_elem(&pairs, (void *)(long)skb->len) ? 1 : 0; }
SEC("tc") int nested(struct __sk_buff *skb) { __u32 k = 0; void *m = bpf_map_lookup_elem(&outer, &k); if (!m) return 0; __u64 *v = bpf_map_lookup_elem(m, &k); return v ? *v : 0; }
SEC("tc") int nested_unchecked(struct __sk_buff *skb) { __u32 k = 0; void *m = bpf_map_lookup_elem(&outer, &k); return bpf_map_lookup_elem(m, &k) ? 1 : 0; }
SEC("tc") int nested_update(struct __sk_buff *skb) { __u32 k = 0; __u64 v = 0; return bpf_map_update_elem(&outer, &k, &v, 0); }
SEC("tc") int write_fixed(struct __sk_buff *skb) { __u32 k = 0; __u64 *v = bpf_map_lookup_elem(&readonly, &k); if (v) *v = 1; return 0; }
SEC("tc") int update_fixed(struct __sk_buff *skb) { __u32 k = 0; __u64 v = 1; return bpf_map_update_elem(&readonly, &k, &v, 0); }
SEC("tc") int null_map(struct __sk_buff *skb) { __u32 k = 0; return bpf_map_delete_elem((void *)0, &k); }
SEC("tc") int sizes(struct __sk_buff *skb) { char b[8]; return bpf_skb_load_bytes(skb, 0, b, 16); }
SEC("tc") int sizes_zero(struct __sk_buff *skb) { char b[8]; return bpf_skb_load_bytes(skb, 0, b, 0); }
SEC("tc") int sizes_open(struct __sk_buff *skb) { char b[64]; return bpf_skb_load_bytes(skb, 0, b, skb->len); }
SEC("tc") int sizes_checked(struct __sk_buff *skb) { char b[64]; __u32 n = skb->len; if (n == 0 || n > 64) return 0; return bpf_skb_load_bytes(skb, 0, b, n); }
SEC("tc") int no_context(struct __sk_buff *skb) { char b[64] = {}; return bpf_skb_pull_data((void *)b, 4); }
