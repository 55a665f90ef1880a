// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Loops, callbacks, timers and iterators: newer ways and older ones. */
#include "kit.h"
struct cell { __u64 value; __u32 n; __u32 hits[16]; };
struct guard { struct bpf_timer timer; __u64 armed; __u32 fired; };
struct sum { __u64 total; __u32 left; };
MAP(cells, BPF_MAP_TYPE_HASH, __u32, struct cell, 1024);
MAP(guards, BPF_MAP_TYPE_ARRAY, __u32, struct guard, 16);
MAP(plain, BPF_MAP_TYPE_ARRAY, __u32, struct cell, 16);
struct bpf_iter_num { __u64 o[1]; } __attribute__((aligned(8)));
extern int bpf_iter_num_new(struct bpf_iter_num *it, int a, int b) __ksym __weak;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym __weak;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym __weak;
static long each(void *map, __u32 *k, struct cell *c, struct sum *s) { s->total += c->value; return --s->left == 0; }
static long each_clear(void *map, __u32 *k, struct cell *c, void *s) { bpf_map_delete_elem(&cells, k); return 0; }
static long each_bad(void *map, __u32 *k, struct cell *c, void *s) { return c->n; }
static int step(__u32 i, struct sum *s) { s->total += i; return s->total > 1000; }
static int step_store(__u32 i, struct cell *c) { if (i >= 16) return 1; c->hits[i] = 0; return 0; }
static int step_loose(__u32 i, struct cell *c) { c->hits[i] = 0; return 0; }
static int fired(void *map, __u32 *k, struct guard *g) { g->fired++; bpf_timer_start(&g->timer, 1000000000, 0); return 0; }
SEC("tc") int visit(struct __sk_buff *skb) { struct sum s = { 0, 100 }; bpf_for_each_map_elem(&cells, each, &s, 0); return s.total & 1; }
SEC("tc") int visit_clear(struct __sk_buff *skb) { return bpf_for_each_map_elem(&cells, each_clear, 0, 0) > 0; }
SEC("tc") int visit_bad(struct __sk_buff *skb) { return bpf_for_each_map_elem(&cells, each_bad, 0, 0) > 0; }
SEC("tc") int visit_flags(struct __sk_buff *skb) { struct sum s = { 0, 1 }; return bpf_for_each_map_elem(&cells, each, &s, 1) > 0; }
SEC("tc") int repeat(struct __sk_buff *skb) { struct sum s = {}; bpf_loop(skb->len, step, &s, 0); return s.total & 1; }
SEC("tc") int repeat_store(struct __sk_buff *skb) { __u32 k = 1; struct cell *c = bpf_map_lookup_elem(&plain, &k); if (!c) return 0; bpf_loop(16, step_store, c, 0); return 0; }
SEC("tc") int repeat_loose(struct __sk_buff *skb) { __u32 k = 1; struct cell *c = bpf_map_lookup_elem(&plain, &k); if (!c) return 0; bpf_loop(16, step_loose, c, 0); return 0; }
SEC("tc") int repeat_null(struct __sk_buff *skb) { __u32 k = 1; struct cell *c = bpf_map_lookup_elem(&plain, &k); bpf_loop(16, step_store, c, 0); return 0; }
SEC("tc") int guarded_loop(struct __sk_buff *skb) { struct sum s = {}; if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) bpf_loop(8, step, &s, 0); else for (int i = 0; i < 8; i++) if (step(i, &s)) break; return s.total & 1; }
SEC("tc") int open_iter(struct __sk_buff *skb) { struct bpf_iter_num it; int *v, all = 0; bpf_iter_num_new(&it, 0, 100); while ((v = bpf_iter_num_next(&it))) all += *v; bpf_iter_num_destroy(&it); return all & 1; }
SEC("tc") int open_iter_lost(struct __sk_buff *skb) { struct bpf_iter_num it; int *v, all = 0; bpf_iter_num_new(&it, 0, 100); while ((v = bpf_iter_num_next(&it))) { all += *v; if (all > 50) return 1; } bpf_iter_num_destroy(&it); return all & 1; }
SEC("tc") int open_iter_null(struct __sk_buff *skb) { struct bpf_iter_num it; int all; bpf_iter_num_new(&it, 0, 100); all = *bpf_iter_num_next(&it); bpf_iter_num_destroy(&it); return all & 1; }
SEC("tc") int open_iter_index(struct __sk_buff *skb) { struct bpf_iter_num it; int *v; __u32 k = 1; struct cell *c = bpf_map_lookup_elem(&plain, &k); if (!c) return 0; bpf_iter_num_new(&it, 0, 16); while ((v = bpf_iter_num_next(&it))) c->hits[*v] = 1; bpf_iter_num_destroy(&it); return 0; }
SEC("tc") int open_iter_checked(struct __sk_buff *skb) { struct bpf_iter_num it; int *v; __u32 k = 1; struct cell *c = bpf_map_lookup_elem(&plain, &k); if (!c) return 0; bpf_iter_num_new(&it, 0, 16); while ((v = bpf_iter_num_next(&it))) { __u32 i = *v; if (i >= 16) break; c->hits[i] = 1; } bpf_iter_num_destroy(&it); return 0; }
SEC("tc") int guarded_iter(struct __sk_buff *skb) { struct bpf_iter_num it; int *v, all = 0; if (!bpf_iter_num_new) return 0; bpf_iter_num_new(&it, 0, 8); while ((v = bpf_iter_num_next(&it))) all ^= *v; bpf_iter_num_destroy(&it); return all & 1; }
SEC("tc") int arm(struct __sk_buff *skb) { __u32 k = 0; struct guard *g = bpf_map_lookup_elem(&guards, &k); if (!g) return 0; if (bpf_timer_init(&g->timer, &guards, 1)) return 0; bpf_timer_set_callback(&g->timer, fired); bpf_timer_start(&g->timer, 0, 0); g->armed = bpf_ktime_get_ns(); return 0; }
SEC("tc") int arm_hasty(struct __sk_buff *skb) { __u32 k = 0; struct guard *g = bpf_map_lookup_elem(&guards, &k); bpf_timer_init(&g->timer, &guards, 1); return 0; }
SEC("tc") int arm_clear(struct __sk_buff *skb) { __u32 k = 0; struct guard *g = bpf_map_lookup_elem(&guards, &k); if (!g) return 0; __builtin_memset(g, 0, sizeof(*g)); return 0; }
SEC("tc") int arm_wrong(struct __sk_buff *skb) { __u32 k = 0; struct guard *g = bpf_map_lookup_elem(&guards, &k); if (g) bpf_timer_init(&g->timer, &plain, 1); return 0; }
SEC("tc") int arm_update(struct __sk_buff *skb) { __u32 k = 0; struct guard g = {}; return bpf_map_update_elem(&guards, &k, &g, 0) != 0; }
SEC("xdp") int bounded(struct xdp_md *c) { __u8 *d = DATA(c), x = 0; for (__u32 i = 0; i < 256; i++) { if (d + i + 1 > (__u8 *)END(c)) break; x ^= d[i]; } return x ? XDP_PASS : XDP_DROP; }
SEC("xdp") int by_length(struct xdp_md *c) { __u8 *d = DATA(c), x = 0; __u32 n = END(c) - DATA(c); if (n > 128) n = 128; for (__u32 i = 0; i < n; i++) x ^= d[i]; return x ? XDP_PASS : XDP_DROP; }
SEC("xdp") int by_length_checked(struct xdp_md *c) { __u8 *d = DATA(c), x = 0; __u32 n = END(c) - DATA(c); if (n > 128) n = 128; for (__u32 i = 0; i < n; i++) { if (&d[i] + 1 > (__u8 *)END(c)) break; x ^= d[i]; } return x ? XDP_PASS : XDP_DROP; }
SEC("tc") int buckets(struct __sk_buff *skb) { __u32 k = skb->mark; struct cell *c = bpf_map_lookup_elem(&cells, &k); __u64 all = 0; if (!c) return 0; for (int i = 0; i < 16; i++) all += c->hits[i]; c->value = all; return 0; }
SEC("tc") int buckets_past(struct __sk_buff *skb) { __u32 k = skb->mark; struct cell *c = bpf_map_lookup_elem(&cells, &k); __u64 all = 0; if (!c) return 0; for (int i = 0; i <= 16; i++) all += c->hits[i]; c->value = all; return 0; }
SEC("tc") int buckets_n(struct __sk_buff *skb) { __u32 k = skb->mark; struct cell *c = bpf_map_lookup_elem(&cells, &k); __u64 all = 0; if (!c) return 0; for (__u32 i = 0; i < c->n && i < 16; i++) all += c->hits[i]; c->value = all; return 0; }
SEC("tc") int buckets_n_loose(struct __sk_buff *skb) { __u32 k = skb->mark; struct cell *c = bpf_map_lookup_elem(&cells, &k); __u64 all = 0; if (!c || c->n > 20) return 0; for (__u32 i = 0; i < c->n; i++) all += c->hits[i & 31]; c->value = all; return 0; }
SEC("tc") int search(struct __sk_buff *skb) { __u32 k = 1, low = 0, high = 16; struct cell *c = bpf_map_lookup_elem(&plain, &k); if (!c) return 0; for (int i = 0; i < 5; i++) { __u32 mid = (low + high) / 2; if (mid >= 16) break; if (c->hits[mid] < skb->len) low = mid + 1; else high = mid; } return low > 4; }
SEC("tc") int search_loose(struct __sk_buff *skb) { __u32 k = 1, low = 0, high = skb->mark; struct cell *c = bpf_map_lookup_elem(&plain, &k); if (!c) return 0; for (int i = 0; i < 5; i++) { __u32 mid = (low + high) / 2; if (c->hits[mid] < skb->len) low = mid + 1; else high = mid; } return low > 4; }
