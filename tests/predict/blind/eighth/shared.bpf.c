// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A library of functions that are verified by themselves, and what calls them. */
#include "kit.h"
struct opts { __u32 mode, limit; __u64 mask; };
struct ev { __u64 ts; __u32 pid, kind; char comm[16]; };
MAP(conf, ARRAY, __u32, struct opts, 1);
MAP(evs, HASH, __u64, struct ev, 128);
RING(rb, 1 << 16);
TAILS(next, 2);
static __u64 slots[24];
__u64 calls; 
GLOBAL int clamp(int v) { return v < 0 ? 0 : v > 23 ? 23 : v; }
GLOBAL int bump(__u32 i) { if (i >= 24) return -1; slots[i]++; return 0; }
GLOBAL int bump_over(__u32 i) { if (i > 24) return -1; slots[i]++; return 0; }
GLOBAL int make(struct ev *e, __u32 kind) { if (!e) return -1; e->ts = bpf_ktime_get_ns(); e->pid = bpf_get_current_pid_tgid(); e->kind = kind; return bpf_get_current_comm(e->comm, sizeof(e->comm)); }
GLOBAL int make_bare(struct ev *e, __u32 kind) { e->kind = kind; return 0; }
GLOBAL int make_over(struct ev *e) { if (!e) return -1; ((struct ev *)e)[1].kind = 1; return 0; }
GLOBAL int make_nonnull(struct ev *e tag("arg:nonnull")) { e->kind = 3; return 0; }
GLOBAL int ctx_len(struct __sk_buff *skb) { return skb->len; }
GLOBAL int ctx_head(struct __sk_buff *skb) { void *d = (void *)(long)skb->data; if (d + 14 > (void *)(long)skb->data_end) return -1; return *(__u16 *)(d + 12); }
GLOBAL int ctx_head_bare(struct __sk_buff *skb) { void *d = (void *)(long)skb->data; return *(__u16 *)(d + 12); }
GLOBAL int any(void *p) { return p != 0; }
GLOBAL int text(const char *s) { return s ? s[0] : 0; }
GLOBAL int text_far(const char *s) { return s ? s[3] : 0; }
GLOBAL __u64 wide(__u64 a, __u64 b) { return a * b; }
GLOBAL int five(int a, int b, int c, int d, int e) { return a + b + c + d + e; }
GLOBAL int chained(int v) { return bump(clamp(v)) + 1; }
GLOBAL int tails(struct __sk_buff *skb) { bpf_tail_call(skb, &next, 0); return 1; }
GLOBAL int leaks(int v) { struct ev *e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0); if (!e) return 0; e->kind = v; if (v == 3) return 1; bpf_ringbuf_submit(e, 0); return 0; }
GLOBAL int deep(int v) { char b[300]; bpf_get_current_comm(b, sizeof(b)); return b[v & 255]; }
GLOBAL int optioned(struct opts *o, __u64 k) { if (!o || !(o->mode & 1)) return 0; return (o->mask >> (k & 63)) & 1; }
GLOBAL void nothing(int v) { calls += v; }
GLOBAL int looks(__u64 k) { struct ev *e = bpf_map_lookup_elem(&evs, &k); return e ? e->kind : -1; }
GLOBAL int looks_bare(__u64 k) { struct ev *e = bpf_map_lookup_elem(&evs, &k); return e->kind; }
GLOBAL int sleeps(void *u) { __u64 v = 0; bpf_copy_from_user(&v, 8, u); return v & 1; }
SUB int inner_static(struct ev *e) { e->kind = 4; return e->pid & 15; }
SUB struct ev *found(__u64 k) { return bpf_map_lookup_elem(&evs, &k); }
SUB __u32 low(__u32 v) { return v & 15; }
SUB int set_only(struct ev *e) { e->kind = 1; e->pid = 2; return 0; }
SUB void recursed(int *v) { (*v)++; }
#define TC(name) SEC("tc") int name(struct __sk_buff *skb)
TC(c_clamp) { int i = clamp(skb->len); if (i >= 0 && i < 24) slots[i]++; return 0; }
TC(c_clamp_trust) { slots[clamp(skb->len)]++; return 0; }
TC(c_bump) { return bump(skb->len) ? 2 : 0; }
TC(c_bump_over) { return bump_over(skb->len) ? 2 : 0; }
TC(c_make) { struct ev e; make(&e, 1); calls += e.kind; return 0; }
TC(c_make_set) { struct ev e = {}; make(&e, 1); calls += e.kind; return 0; }
TC(c_make_null) { return make(0, 1) ? 2 : 0; }
TC(c_make_bare) { struct ev e = {}; return make_bare(&e, 1); }
TC(c_make_over) { struct ev e[2] = {}; return make_over(e); }
TC(c_make_small) { __u64 small = 0; return make((void *)&small, 1); }
TC(c_make_map) { __u64 k = skb->hash; return make(bpf_map_lookup_elem(&evs, &k), 2); }
TC(c_make_map_past) { __u64 k = skb->hash; struct ev *e = bpf_map_lookup_elem(&evs, &k); return e ? make((void *)e + 8, 2) : 0; }
TC(c_make_ring) { struct ev *e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0); if (!e) return 0; make(e, 3); bpf_ringbuf_submit(e, 0); return 0; }
TC(c_make_ctx) { return make((void *)skb, 3); }
TC(c_make_num) { return make((void *)(long)skb->len, 3); }
TC(c_nonnull) { struct ev e = {}; return make_nonnull(&e); }
TC(c_ctx) { return ctx_len(skb) > 100 ? 2 : 0; }
TC(c_ctx_wrong) { struct __sk_buff s = {}; return ctx_len(&s); }
TC(c_ctx_off) { return ctx_len((void *)skb + 4); }
TC(c_head) { return ctx_head(skb) == ETH_IP; }
TC(c_head_bare) { return ctx_head_bare(skb) == ETH_IP; }
TC(c_any) { int v = 1; return any(&v); }
TC(c_text) { char s[4] = "abc"; return text(s); }
TC(c_text_far) { char s[4] = "abc"; return text_far(s); }
TC(c_wide) { return wide(skb->len, 3) > 9; }
TC(c_five) { return five(1, 2, 3, skb->len, skb->mark) & 1; }
TC(c_five_ptr) { return five(1, 2, (long)skb, 4, 5) & 1; }
TC(c_chained) { return chained(skb->len); }
TC(c_tails) { tails(skb); return 0; }
TC(c_tails_deep) { char b[280]; bpf_skb_load_bytes(skb, 0, b, sizeof(b)); tails(skb); return b[skb->len & 255]; }
TC(c_leaks) { return leaks(skb->len); }
TC(c_deep) { return deep(skb->len); }
TC(c_deep_both) { char b[280]; bpf_skb_load_bytes(skb, 0, b, sizeof(b)); return deep(skb->len) + b[skb->len & 255]; }
TC(c_opt) { __u32 z = 0; return optioned(bpf_map_lookup_elem(&conf, &z), skb->mark); }
TC(c_nothing) { nothing(3); return 0; }
TC(c_looks) { return looks(skb->hash); }
TC(c_looks_bare) { return looks_bare(skb->hash); }
TC(c_sleeps) { return sleeps((void *)0x1000); }
TC(c_static) { struct ev e = {}; slots[inner_static(&e)]++; return e.kind; }
TC(c_static_low) { slots[low(skb->len)]++; return 0; }
TC(c_static_found) { struct ev *e = found(skb->len); if (e) e->kind = 1; return 0; }
TC(c_static_found_null) { struct ev *e = found(skb->len); e->kind = 1; return 0; }
TC(c_static_part) { struct ev e; set_only(&e); return e.kind; }
TC(c_static_part_unset) { struct ev e; __u64 k = 1; set_only(&e); return bpf_map_update_elem(&evs, &k, &e, 0); }
TC(c_locked_global) { __u64 *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0; *p = bump(skb->len); bpf_ringbuf_discard(p, 0); return 0; }
SEC("xdp") int c_ctx_xdp(struct xdp_md *x) { return ctx_len((void *)x); }
SEC("xdp") int c_bump_xdp(struct xdp_md *x) { return bump(x->ingress_ifindex) ? 1 : 2; }
SEC("cgroup_skb/egress") int c_ctx_cg(struct __sk_buff *skb) { return ctx_len(skb) > 100; }
SEC("fentry.s/__x64_sys_getpgid") int c_sleeps_ok(__u64 *c) { return sleeps((void *)0x1000) & 0; }
SEC("fentry/__x64_sys_getpgid") int c_sleeps_no(__u64 *c) { return sleeps((void *)0x1000) & 0; }
SEC("freplace/none") int c_replaces(struct __sk_buff *skb) { return 0; }
