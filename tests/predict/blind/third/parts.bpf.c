// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs made of functions. */
#include "net.h"
struct point { __u32 x, y; };
MAP(points, BPF_MAP_TYPE_ARRAY, __u32, struct point, 8);
NOINLINE int add(struct point *p) { return p->x + p->y; }
__attribute__((noinline)) int add_global(struct point *p) { return p->x + p->y; }
__attribute__((noinline)) int add_checked(struct point *p) { return p ? p->x + p->y : 0; }
__attribute__((noinline)) int length(struct __sk_buff *skb) { return skb->len; }
__attribute__((noinline)) int chars(const char *text, int n) { return text && n > 0 ? text[0] : 0; }
NOINLINE int deep3(int n) { volatile char room[200]; room[n & 127] = n; return room[3]; }
NOINLINE int deep2(int n) { volatile char room[200]; room[n & 127] = n; return room[5] + deep3(n); }
NOINLINE int fresh(struct point **out) { __u32 key = 0; *out = bpf_map_lookup_elem(&points, &key); return *out != 0; }
SEC("tc") int local(struct __sk_buff *skb) { struct point p = { skb->len, skb->mark }; return add(&p); }
SEC("tc") int global(struct __sk_buff *skb) { struct point p = { skb->len, skb->mark }; return add_global(&p); }
SEC("tc") int checked(struct __sk_buff *skb) { struct point p = { skb->len, skb->mark }; return add_checked(&p); }
SEC("tc") int context(struct __sk_buff *skb) { return length(skb) > 1000; }
SEC("tc") int maybe(struct __sk_buff *skb) { __u32 key = 0; return add(bpf_map_lookup_elem(&points, &key)); }
SEC("tc") int maybe_checked(struct __sk_buff *skb) { __u32 key = 0; return add_checked(bpf_map_lookup_elem(&points, &key)); }
SEC("tc") int deep(struct __sk_buff *skb) { volatile char room[200]; room[skb->len & 127] = 1; return room[1] + deep2(skb->len); }
SEC("tc") int out(struct __sk_buff *skb) { struct point *p; return fresh(&p) ? p->x : 0; }
SEC("tc") int text(struct __sk_buff *skb) { char name[8] = "abc"; return chars(name, skb->len); }
