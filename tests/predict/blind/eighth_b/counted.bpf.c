// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// mcpu=v3
/* Callbacks over maps and rounds, and what is done with their counts behind them. */
#include "kit.h"
struct plain { __u64 tokens, last; };
struct late { __u32 n; struct bpf_timer t; };
struct two { struct bpf_spin_lock a; __u64 v; };
MAP(plains, HASH, __u32, struct plain, 64);
MAP(odd, ARRAY, __u32, struct late, 4);
MAP(twos, ARRAY, __u32, struct two, 4);
MAP(tops, ARRAY, __u32, __u64, 16);
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 4); } per_cpu SEC(".maps");
__u64 fired, sum, cells[16];
/* Callbacks that hand their count back through the context. */
struct walk { __u32 n, most; __u64 sum; };
static long each_two(void *map, __u32 *k, struct plain *p, struct walk *w) { w->n++; return 2; }
static long each_index(void *map, __u32 *k, __u64 *v, struct walk *w) { if (*k < 16) { cells[*k] = *v; w->most = *k; } return 0; }
static long each_index_over(void *map, __u32 *k, __u64 *v, struct walk *w) { cells[*k] = *v; return 0; }
static long each_ctx_over(void *map, __u32 *k, __u64 *v, struct walk *w) { (w + 1)->n = 1; return 0; }
static long each_delete(void *map, __u32 *k, struct plain *p, struct walk *w) { if (p->last < w->sum) bpf_map_delete_elem(map, k); return 0; }
static long each_nested(void *map, __u32 *k, struct plain *p, struct walk *w) { bpf_for_each_map_elem(&tops, each_index, w, 0); return 0; }
static long step(__u32 i, struct walk *w) { w->sum += i; w->n = i; return 0; }
static long step_cells(__u32 i, struct walk *w) { if (i >= 16) return 1; cells[i] += w->n; return 0; }
static long step_cells_over(__u32 i, struct walk *w) { if (i > 16) return 1; cells[i] += w->n; return 0; }
static long step_n(__u32 i, struct walk *w) { if (w->n >= 16) return 1; cells[w->n] = i; w->n++; return 0; }
static long step_n_bare(__u32 i, struct walk *w) { cells[w->n] = i; w->n++; return 0; }
static long step_neg(__u32 i, struct walk *w) { return w->n ? 0 : -1; }
static long step_ptr(__u32 i, __u64 *p) { *p += i; return 0; }
static long step_null(__u32 i, void *p) { fired += i; return 0; }
static long step_null_used(__u32 i, __u64 *p) { fired += *p; return 0; }
#define EACH_(name, map, cb, after) SEC("tc") int name(struct __sk_buff *skb) { struct walk w = {}; bpf_for_each_map_elem(&map, cb, &w, 0); after; return 0; }
#define LOOP_(name, cb, arg, after) SEC("tc") int name(struct __sk_buff *skb) { struct walk w = {}; __u64 v = 0; w.n = skb->mark & 7; bpf_loop(32, cb, arg, 0); after; fired += v; return 0; }
EACH_(c_two, plains, each_two, ) EACH_(c_index, tops, each_index, if (w.most < 16) cells[w.most] = 1) EACH_(c_index_after, tops, each_index, cells[w.most] = 1)
EACH_(c_index_over, tops, each_index_over, ) EACH_(c_ctx_over, tops, each_ctx_over, ) EACH_(c_delete, plains, each_delete, ) EACH_(c_nested, plains, each_nested, )
EACH_(c_percpu, per_cpu, each_index, ) EACH_(c_flagless, odd, each_index, )
LOOP_(l_step, step, &w, if (w.n < 16) cells[w.n]++) LOOP_(l_step_after, step, &w, cells[w.n]++) LOOP_(l_cells, step_cells, &w, ) LOOP_(l_cells_over, step_cells_over, &w, )
LOOP_(l_n, step_n, &w, ) LOOP_(l_n_bare, step_n_bare, &w, ) LOOP_(l_neg, step_neg, &w, ) LOOP_(l_ptr, step_ptr, &v, ) LOOP_(l_null, step_null, 0, ) LOOP_(l_null_used, step_null_used, 0, )
LOOP_(l_ctx, step_null, skb, ) LOOP_(l_mask_after, step, &w, cells[w.n & 15]++)
SEC("tc") int l_flags(struct __sk_buff *skb) { bpf_loop(8, step_null, 0, 1); return 0; }
SEC("tc") int l_many(struct __sk_buff *skb) { bpf_loop(1 << 24, step_null, 0, 0); return 0; }
SEC("tc") int l_count_var(struct __sk_buff *skb) { return bpf_loop(skb->len, step_null, 0, 0) & 1; }
