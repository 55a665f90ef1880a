// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Functions of their own: global ones, subprograms, tail calls, spills over calls, deep stacks. */
#include "kit.h"
struct pair { __u64 a, b; };
struct wide { __u64 v[16]; };
MAP(pairs, HASH, __u32, struct pair, 64);
TAILS(next, 8);
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(key_size, 4); __uint(value_size, 4); __uint(max_entries, 2); } other SEC(".maps");
static __u64 table[32];
const volatile __u32 shift = 3;
volatile __u32 mutable_limit = 31;

GLOBAL int g_sum(struct pair *p) { return p ? p->a + p->b : 0; }
GLOBAL int g_sum_unchecked(struct pair *p) { return p->a; }
GLOBAL int g_index(__u32 i) { return i < 32 ? table[i] : 0; }
GLOBAL int g_index_open(__u32 i) { return table[i]; }
GLOBAL int g_bounded(__u32 i) { return i & 31; }
GLOBAL int g_ctx(struct __sk_buff *skb) { return skb->len; }
GLOBAL void g_void(__u32 x) { table[x & 31] = 1; }
GLOBAL int g_wide(struct wide *w) { return w ? w->v[15] : 0; }
GLOBAL int g_deep(int n) { volatile char b[400]; b[n & 255] = 1; return b[3]; }
GLOBAL __u64 *g_pointer(__u32 i) { return &table[i & 31]; }
GLOBAL int g_char(char *s) { return s ? s[0] : 0; }
GLOBAL int g_tail(struct __sk_buff *skb) { bpf_tail_call(skb, &next, 1); return 3; }
GLOBAL int g_const(const struct pair *p) { return p ? p->a : 0; }
GLOBAL int g_writes(struct pair *p) { if (p) p->a = 1; return 0; }
GLOBAL int g_same(__u32 a, __u32 b) { return a == b; }
SUB int s_deep(int n) { volatile char b[200]; b[n & 127] = 1; return b[3] + n; }
SUB int s_deeper(int n) { volatile char b[200]; b[n & 127] = 1; return s_deep(b[5]); }
SUB int s_deepest(int n) { volatile char b[200]; b[n & 127] = 1; return s_deeper(b[5]); }
SUB int s_check(__u32 i) { return i < 32; }
SUB __u64 *s_find(__u32 k) { struct pair *p = bpf_map_lookup_elem(&pairs, &k); return p ? &p->b : 0; }
SUB void s_fill(struct pair *p) { p->a = 1; }
SUB int s_tail(struct __sk_buff *skb) { bpf_tail_call_static(skb, &next, 2); return skb->len; }

SEC("tc") int c_sum(struct __sk_buff *skb) { struct pair p = { 1, skb->len }; return g_sum(&p) & 1; }
/* Half of what the function may read. */
SEC("tc") int c_sum_half(struct __sk_buff *skb) { __u64 p = skb->len; return g_sum((void *)&p) & 1; }
SEC("tc") int c_sum_unset(struct __sk_buff *skb) { struct pair p; p.a = skb->len; barrier_var(skb); return g_sum(&p) & 1; }
SEC("tc") int c_sum_null(struct __sk_buff *skb) { return g_sum(0); }
SEC("tc") int c_sum_map(struct __sk_buff *skb) { __u32 k = 1; return g_sum(bpf_map_lookup_elem(&pairs, &k)) & 1; }
SEC("tc") int c_unchecked(struct __sk_buff *skb) { struct pair p = { 1, 2 }; return g_sum_unchecked(&p) & 1; }
SEC("tc") int c_index(struct __sk_buff *skb) { return g_index(skb->len) & 1; }
SEC("tc") int c_index_open(struct __sk_buff *skb) { return skb->len < 32 ? g_index_open(skb->len) & 1 : 0; }
/* What a global function gives is any number. */
SEC("tc") int c_bounded(struct __sk_buff *skb) { return table[g_bounded(skb->len)] & 1; }
SEC("tc") int c_bounded_again(struct __sk_buff *skb) { return table[g_bounded(skb->len) & 31] & 1; }
SEC("tc") int c_ctx(struct __sk_buff *skb) { return g_ctx(skb) > 100 ? 2 : 0; }
SEC("xdp") int c_ctx_xdp(struct xdp_md *x) { return g_ctx((void *)x) > 100 ? 2 : 1; }
SEC("kprobe/do_exit") int c_ctx_kprobe(void *x) { return g_ctx(x); }
SEC("tc") int c_void(struct __sk_buff *skb) { g_void(skb->len); return 0; }
SEC("tc") int c_wide(struct __sk_buff *skb) { struct wide w = {}; w.v[3] = skb->len; return g_wide(&w) & 1; }
SEC("tc") int c_wide_short(struct __sk_buff *skb) { struct pair w = {}; return g_wide((void *)&w) & 1; }
SEC("tc") int c_deep(struct __sk_buff *skb) { volatile char b[200]; b[skb->len & 127] = 1; return g_deep(b[7]) & 1; }
SEC("tc") int c_deep_fits(struct __sk_buff *skb) { volatile char b[64]; b[skb->len & 63] = 1; return g_deep(b[7]) & 1; }
SEC("tc") int c_deepest(struct __sk_buff *skb) { return s_deepest(skb->len) & 1; }
SEC("tc") int c_deeper(struct __sk_buff *skb) { return s_deeper(skb->len) & 1; }
SEC("tc") int c_pointer(struct __sk_buff *skb) { return *g_pointer(skb->len) & 1; }
SEC("tc") int c_char(struct __sk_buff *skb) { char s[8] = "abc"; return g_char(s) & 1; }
SEC("tc") int c_tail(struct __sk_buff *skb) { return g_tail(skb) & 1; }
SEC("tc") int c_const(struct __sk_buff *skb) { static const struct pair p = { 1, 2 }; return g_const(&p) & 1; }
/* The table is read-only. */
SEC("tc") int c_writes(struct __sk_buff *skb) { static const struct pair p = { 1, 2 }; return g_writes((void *)&p) & 1; }
SEC("tc") int c_number(struct __sk_buff *skb) { return g_sum((void *)(long)skb->len) & 1; }
SEC("tc") int c_scalar_pointer(struct __sk_buff *skb) { return g_same((long)skb, 1) & 1; }
SEC("tc") int c_check(struct __sk_buff *skb) { __u32 i = skb->len; if (!s_check(i)) return 0; return table[i] & 1; }
SEC("tc") int c_find(struct __sk_buff *skb) { __u64 *v = s_find(skb->mark); return v ? *v & 1 : 0; }
SEC("tc") int c_find_unchecked(struct __sk_buff *skb) { return *s_find(skb->mark) & 1; }
SEC("tc") int c_fill(struct __sk_buff *skb) { struct pair p; s_fill(&p); return p.a & 1; }
/* Half is filled. */
SEC("tc") int c_fill_half(struct __sk_buff *skb) { struct pair p; __u32 k = 1; s_fill(&p); bpf_map_update_elem(&pairs, &k, &p, 0); return 0; }
SEC("tc") int c_subtail(struct __sk_buff *skb) { return s_tail(skb) & 1; }
SEC("tc") int c_spilled(struct __sk_buff *skb) {
	__u32 k = 1;
	struct pair *p = bpf_map_lookup_elem(&pairs, &k), *volatile kept = p;
	if (!p) return 0;
	bpf_get_prandom_u32();
	return kept->a & 1;
}
SEC("tc") int c_spilled_first(struct __sk_buff *skb) {
	__u32 k = 1;
	struct pair *volatile kept = bpf_map_lookup_elem(&pairs, &k);
	if (!kept) return 0;
	return kept->a & 1;
}
SEC("tc") int c_spilled_half(struct __sk_buff *skb) {
	__u32 k = 1;
	struct pair *volatile kept = bpf_map_lookup_elem(&pairs, &k);
	*(volatile __u32 *)&kept = 0;
	return kept ? kept->a & 1 : 0;
}
SEC("tc") int c_two_maps(struct __sk_buff *skb) { if (skb->len & 1) bpf_tail_call(skb, &next, 1); else bpf_tail_call(skb, &other, 1); return 0; }
SEC("tc") int c_joined_maps(struct __sk_buff *skb) { void *m = skb->len & 1 ? (void *)&next : (void *)&other; barrier_var(m); bpf_tail_call(skb, m, 1); return 0; }
SEC("tc") int c_tail_wrong(struct __sk_buff *skb) { bpf_tail_call(skb, &pairs, 1); return 0; }
SEC("tc") int c_tail_stack(struct __sk_buff *skb) { volatile char b[300]; b[skb->len & 255] = 1; s_tail(skb); return b[3] & 1; }
SEC("tc") int c_const_shift(struct __sk_buff *skb) { return table[skb->len & ((1 << (shift & 3)) - 1)] & 1; }
SEC("tc") int c_mutable(struct __sk_buff *skb) { return table[skb->len & mutable_limit] & 1; }
SEC("tc") int c_rodata_written(struct __sk_buff *skb) { *(volatile __u32 *)&shift = 1; return 0; }
SEC("tc") int c_ptr_return(struct __sk_buff *skb) { return (long)skb; }
SEC("tc") int c_ptr_store(struct __sk_buff *skb) { __u32 k = 1; struct pair *p = bpf_map_lookup_elem(&pairs, &k); if (p) p->a = (long)p; return 0; }
SEC("tc") int c_ptr_math(struct __sk_buff *skb) { __u32 k = 1; struct pair *p = bpf_map_lookup_elem(&pairs, &k); if (!p) return 0; p = (void *)((long)p | 8); return p->a & 1; }
SEC("tc") int c_ptr_or_null_math(struct __sk_buff *skb) { __u32 k = 1; struct pair *p = bpf_map_lookup_elem(&pairs, &k); __u64 *b = &p->b; barrier_var(b); if (!p) return 0; return *b & 1; }
SEC("tc") int c_ptr_compare(struct __sk_buff *skb) { __u32 k = 1; struct pair *p = bpf_map_lookup_elem(&pairs, &k), *q = bpf_map_lookup_elem(&pairs, &k); return p == q; }
SEC("tc") int c_value_variable(struct __sk_buff *skb) { __u32 k = 1; struct pair *p = bpf_map_lookup_elem(&pairs, &k); if (!p) return 0; return ((__u8 *)p)[skb->len & 15]; }
SEC("tc") int c_value_variable_over(struct __sk_buff *skb) { __u32 k = 1; struct pair *p = bpf_map_lookup_elem(&pairs, &k); if (!p) return 0; return ((__u8 *)p)[(skb->len & 15) + 1]; }
SEC("tc") int c_value_word_over(struct __sk_buff *skb) { __u32 k = 1; struct pair *p = bpf_map_lookup_elem(&pairs, &k); if (!p) return 0; return *(__u32 *)((__u8 *)p + (skb->len & 15)); }
SEC("tc") int c_stack_variable(struct __sk_buff *skb) { __u8 b[16] = {}; return b[skb->len & 15]; }
SEC("tc") int c_stack_variable_key(struct __sk_buff *skb) { __u32 k[4] = {}; return bpf_map_lookup_elem(&pairs, &k[skb->len & 3]) != 0; }
SEC("tc") int c_stack_variable_over(struct __sk_buff *skb) { volatile __u8 b[16]; b[skb->len & 255] = 1; return b[0]; }
SEC("tc") int c_neg(struct __sk_buff *skb) { int i = skb->len; if (i > 31) return 0; return table[i] & 1; }
