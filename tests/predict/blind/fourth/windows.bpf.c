// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Buffers and windows into them. */
#include "net.h"
struct buf { __u32 len; char data[60]; };
MAP(bufs, BPF_MAP_TYPE_ARRAY, __u32, struct buf, 4);
MAP(hash, BPF_MAP_TYPE_HASH, __u32, struct buf, 4);
char window[64];
const volatile __u32 width = 32;
ALWAYS struct buf *get(__u32 k) { return bpf_map_lookup_elem(&hash, &k); }
SEC("tc") int put(struct __sk_buff *skb) { struct buf *b = get(skb->mark); if (!b) return 0; __u32 n = b->len; if (n >= 60) return 0; b->data[n] = 1; return 0; }
SEC("tc") int put_late(struct __sk_buff *skb) { struct buf *b = get(skb->mark); if (!b) return 0; __u32 n = b->len; b->data[n] = 1; return n >= 60; }
SEC("tc") int put_edge(struct __sk_buff *skb) { struct buf *b = get(skb->mark); if (!b) return 0; __u32 n = b->len; if (n > 60) return 0; b->data[n] = 1; return 0; }
SEC("tc") int copy(struct __sk_buff *skb) { struct buf *b = get(skb->mark); if (!b) return 0; return bpf_skb_load_bytes(skb, 0, b->data, sizeof(b->data)); }
SEC("tc") int copy_struct(struct __sk_buff *skb) { struct buf *b = get(skb->mark); if (!b) return 0; return bpf_skb_load_bytes(skb, 0, b->data, sizeof(*b)); }
SEC("tc") int copy_length(struct __sk_buff *skb) { struct buf *b = get(skb->mark); if (!b) return 0; __u32 n = skb->len & 31; return n ? bpf_skb_load_bytes(skb, 0, b->data, n) : 0; }
SEC("tc") int global(struct __sk_buff *skb) { if (width > 64) return 0; return bpf_skb_load_bytes(skb, 0, window, width & 63 ?: 1); }
SEC("tc") int global_past(struct __sk_buff *skb) { return bpf_skb_load_bytes(skb, 0, window + 32, 64); }
SEC("tc") int stack_past(struct __sk_buff *skb) { char b[16]; long e = bpf_skb_load_bytes(skb, 0, b + 8, 16); return e; }
SEC("tc") int stack_store(struct __sk_buff *skb) { volatile char b[32] = {}; __u32 i = skb->mark; if (i > 31) return 0; b[i] = 4; return b[3]; }
SEC("tc") int nulled(struct __sk_buff *skb) { struct buf *b = get(1), *c = get(2); if (!b && !c) return 0; return b->len; }
SEC("tc") int either(struct __sk_buff *skb) { struct buf *b = get(1); if (!b) b = get(2); if (!b) return 0; return b->len; }
