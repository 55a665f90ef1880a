// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// mcpu=v3
/* Token buckets with timers: callbacks that count, locks, per-flow state, what may be done where. */
#include "kit.h"
struct bucket { struct bpf_timer refill; struct bpf_spin_lock lock; __u32 tokens, rate; __u64 last, dropped; };
struct plain { __u64 tokens, last; };
struct late { __u32 n; struct bpf_timer t; };
struct two { struct bpf_spin_lock a; __u64 v; };
MAP(buckets, HASH, __u32, struct bucket, 1024);
MAP(lru, LRU_HASH, __u32, struct bucket, 64);
MAP(plains, HASH, __u32, struct plain, 64);
MAP(odd, ARRAY, __u32, struct late, 4);
MAP(twos, ARRAY, __u32, struct two, 4);
MAP(tops, ARRAY, __u32, __u64, 16);
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 4); } per_cpu SEC(".maps");
__u64 fired, sum, cells[16];
static int refilled(void *map, __u32 *key, struct bucket *b) {
	bpf_spin_lock(&b->lock);
	b->tokens = b->rate;
	bpf_spin_unlock(&b->lock);
	bpf_timer_start(&b->refill, 1000000, 0);
	return 0;
}
static int refilled_one(void *map, __u32 *key, struct bucket *b) { b->tokens = *key; return 1; }
static int refilled_locked(void *map, __u32 *key, struct bucket *b) { bpf_spin_lock(&b->lock); b->tokens++; return 0; }
static int refilled_over(void *map, __u32 *key, struct bucket *b) { fired += *(__u64 *)(b + 1); return 0; }
static int refilled_key(void *map, __u32 *key, struct bucket *b) { fired += key[1]; return 0; }
static int refilled_write(void *map, __u32 *key, struct bucket *b) { *(volatile __u32 *)key = 1; return 0; }
static int refilled_deletes(void *map, __u32 *key, struct bucket *b) { bpf_map_delete_elem(map, key); fired += *key; return 0; }
static int refilled_timer(void *map, __u32 *key, struct bucket *b) { *(volatile __u64 *)&b->refill = 0; return 0; }
static int refilled_cancels(void *map, __u32 *key, struct bucket *b) { bpf_timer_cancel(&b->refill); return 0; }
static int refilled_scratch(void *map, __u32 *key, struct bucket *b) { char big[400]; bpf_get_current_comm(big, sizeof(big)); fired += big[3]; return 0; }
static int refilled_map(void *map, __u32 *key, struct bucket *b) { struct plain *p = bpf_map_lookup_elem(&plains, key); if (p) { p->tokens++; p->last = bpf_ktime_get_ns(); } return 0; }
static int refilled_map_null(void *map, __u32 *key, struct bucket *b) { struct plain *p = bpf_map_lookup_elem(&plains, key); p->tokens++; return 0; }
static int late_cb(void *map, __u32 *key, struct late *l) { l->n++; return 0; }
static int plain_cb(void *map, __u32 *key, struct plain *p) { p->tokens++; return 0; }

#define ARM(name, cb) SEC("tc") int name(struct __sk_buff *skb) { \
	__u32 k = skb->mark; struct bucket *b = bpf_map_lookup_elem(&buckets, &k); \
	if (!b) return 0; \
	if (bpf_timer_init(&b->refill, &buckets, 1)) return 0; \
	bpf_timer_set_callback(&b->refill, cb); \
	bpf_timer_start(&b->refill, 1000, 0); \
	return 0; }
ARM(arm, refilled) ARM(arm_one, refilled_one) ARM(arm_locked, refilled_locked) ARM(arm_over, refilled_over) ARM(arm_key, refilled_key) ARM(arm_write, refilled_write)
ARM(arm_deletes, refilled_deletes) ARM(arm_timer, refilled_timer) ARM(arm_cancels, refilled_cancels) ARM(arm_map, refilled_map) ARM(arm_map_null, refilled_map_null)
SEC("tc") int arm_wrong_map(struct __sk_buff *skb) { __u32 k = 1; struct bucket *b = bpf_map_lookup_elem(&buckets, &k); return b ? bpf_timer_init(&b->refill, &lru, 1) : 0; }
SEC("tc") int arm_plain(struct __sk_buff *skb) { __u32 k = 1; struct plain *b = bpf_map_lookup_elem(&plains, &k); return b ? bpf_timer_init((void *)b, &plains, 1) : 0; }
SEC("tc") int arm_shifted(struct __sk_buff *skb) { __u32 k = 1; struct bucket *b = bpf_map_lookup_elem(&buckets, &k); return b ? bpf_timer_start((void *)&b->refill + 8, 1, 0) : 0; }
SEC("tc") int arm_stack(struct __sk_buff *skb) { struct bpf_timer t = {}; return bpf_timer_start(&t, 1, 0); }
SEC("tc") int arm_null(struct __sk_buff *skb) { __u32 k = 1; struct bucket *b = bpf_map_lookup_elem(&buckets, &k); return bpf_timer_cancel(&b->refill); }
SEC("tc") int arm_lru(struct __sk_buff *skb) { __u32 k = 1; struct bucket *b = bpf_map_lookup_elem(&lru, &k); if (!b) return 0; bpf_timer_init(&b->refill, &lru, 0); return bpf_timer_cancel(&b->refill); }
SEC("tc") int arm_odd(struct __sk_buff *skb) { __u32 k = 1; struct late *b = bpf_map_lookup_elem(&odd, &k); if (!b) return 0; b->n = 1; return bpf_timer_cancel(&b->t); }
SEC("perf_event") int arm_perf(void *ctx) { __u32 k = 1; struct bucket *b = bpf_map_lookup_elem(&buckets, &k); if (!b) return 0; return bpf_timer_cancel(&b->refill); }
SEC("tc") int arm_under_lock(struct __sk_buff *skb) { __u32 k = 1; struct bucket *b = bpf_map_lookup_elem(&buckets, &k); if (!b) return 0; bpf_spin_lock(&b->lock); bpf_timer_cancel(&b->refill); bpf_spin_unlock(&b->lock); return 0; }

enum { T_OK, T_SUB_LOCKED, T_BRANCH_UNLOCK, T_OTHER, T_NESTED, T_LOOP, T_LOOP_LOCK, T_TWICE, T_FROM_PLAIN, T_DIV, T_WIDE, T_LOCK_INC, T_NEGATIVE };
SUB __u32 cost(__u32 len) { return len > 1500 ? 2 : 1; }
INLINE int spend(struct __sk_buff *skb, const int way) {
	__u32 k = skb->hash & 1023, z = 0, n = 1;
	struct bucket *b = bpf_map_lookup_elem(&buckets, &k), *b2;
	__u64 now = bpf_ktime_get_ns();
	int pass = 0;
	if (!b) return 0;
	if (way == T_FROM_PLAIN) { struct plain *p = bpf_map_lookup_elem(&plains, &k); if (p) bpf_spin_lock((void *)p); return 0; }
	b2 = bpf_map_lookup_elem(&buckets, &z);
	if (!b2) return 0;
	if (way == T_LOCK_INC) { bpf_spin_lock((void *)b + 4); return 0; }
	bpf_spin_lock(&b->lock);
	if (way == T_SUB_LOCKED) n = cost(skb->len);
	if (way == T_NESTED) { bpf_spin_lock(&b2->lock); bpf_spin_unlock(&b2->lock); }
	if (way == T_TWICE) bpf_spin_lock(&b->lock);
	if (now - b->last > 1000000) { b->tokens += b->rate; b->last = now; }
	if (way == T_LOOP) { for (int i = 0; i < 8; i++) b->dropped += cells[i]; }
	if (way == T_DIV) b->tokens = b->tokens / (b->rate | 1);
	if (b->tokens >= n) { b->tokens -= n; pass = 1; if (way == T_BRANCH_UNLOCK) { bpf_spin_unlock(&b->lock); return 0; } }
	if (way == T_OTHER) bpf_spin_unlock(&b2->lock); else bpf_spin_unlock(&b->lock);
	if (way == T_BRANCH_UNLOCK) return 2;
	if (way == T_LOOP_LOCK) { for (int i = 0; i < 4; i++) { bpf_spin_lock(&b->lock); b->tokens++; bpf_spin_unlock(&b->lock); } }
	return pass ? 0 : way == T_NEGATIVE ? -1 : 2;
}
#define T(name, n) WAY("tc", name, struct __sk_buff, spend, n)
T(t_ok, T_OK) T(t_sub_locked, T_SUB_LOCKED) T(t_branch_unlock, T_BRANCH_UNLOCK) T(t_other, T_OTHER) T(t_nested, T_NESTED) T(t_loop, T_LOOP) T(t_loop_lock, T_LOOP_LOCK) T(t_twice, T_TWICE)
T(t_from_plain, T_FROM_PLAIN) T(t_div, T_DIV) T(t_lock_inc, T_LOCK_INC) T(t_negative, T_NEGATIVE)
SEC("kprobe/vfs_write") int lock_traced(void *ctx) { __u32 k = 1; struct two *t = bpf_map_lookup_elem(&twos, &k); if (!t) return 0; bpf_spin_lock(&t->a); t->v++; bpf_spin_unlock(&t->a); return 0; }
SEC("tp/syscalls/sys_enter_read") int lock_tp(void *ctx) { __u32 k = 1; struct two *t = bpf_map_lookup_elem(&twos, &k); if (!t) return 0; bpf_spin_lock(&t->a); t->v++; bpf_spin_unlock(&t->a); return 0; }
SEC("cgroup/sock_create") int lock_cgroup(struct bpf_sock *sk) { __u32 k = 1; struct two *t = bpf_map_lookup_elem(&twos, &k); if (!t) return 1; bpf_spin_lock(&t->a); t->v++; bpf_spin_unlock(&t->a); return 1; }
SEC("socket") int lock_socket(struct __sk_buff *skb) { __u32 k = 1; struct two *t = bpf_map_lookup_elem(&twos, &k); if (!t) return 1; bpf_spin_lock(&t->a); t->v++; bpf_spin_unlock(&t->a); return 1; }
SEC("tc") int lock_flag(struct __sk_buff *skb) { __u32 k = 1; struct two t = {}; t.v = 3; bpf_map_update_elem(&twos, &k, &t, BPF_F_LOCK); return 0; }

/* Callbacks that hand their count back through the context. */
struct walk { __u32 n, most; __u64 sum; };
static long each_plain(void *map, __u32 *k, struct plain *p, struct walk *w) { w->n++; w->sum += p->tokens; return w->n > 10; }
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
EACH_(c_each, plains, each_plain, sum = w.sum) EACH_(c_two, plains, each_two, ) EACH_(c_index, tops, each_index, if (w.most < 16) cells[w.most] = 1) EACH_(c_index_after, tops, each_index, cells[w.most] = 1)
EACH_(c_index_over, tops, each_index_over, ) EACH_(c_ctx_over, tops, each_ctx_over, ) EACH_(c_delete, plains, each_delete, ) EACH_(c_nested, plains, each_nested, )
EACH_(c_percpu, per_cpu, each_index, ) EACH_(c_flagless, odd, each_index, )
LOOP_(l_step, step, &w, if (w.n < 16) cells[w.n]++) LOOP_(l_step_after, step, &w, cells[w.n]++) LOOP_(l_cells, step_cells, &w, ) LOOP_(l_cells_over, step_cells_over, &w, )
LOOP_(l_n, step_n, &w, ) LOOP_(l_n_bare, step_n_bare, &w, ) LOOP_(l_neg, step_neg, &w, ) LOOP_(l_ptr, step_ptr, &v, ) LOOP_(l_null, step_null, 0, ) LOOP_(l_null_used, step_null_used, 0, )
LOOP_(l_ctx, step_null, skb, ) LOOP_(l_mask_after, step, &w, cells[w.n & 15]++)
SEC("tc") int l_flags(struct __sk_buff *skb) { bpf_loop(8, step_null, 0, 1); return 0; }
SEC("tc") int l_many(struct __sk_buff *skb) { bpf_loop(1 << 24, step_null, 0, 0); return 0; }
SEC("tc") int l_count_var(struct __sk_buff *skb) { return bpf_loop(skb->len, step_null, 0, 0) & 1; }
SEC("tc") int c_array_flags(struct __sk_buff *skb) { struct walk w = {}; bpf_for_each_map_elem(&plains, each_plain, &w, skb->mark); return 0; }
SEC("tc") int c_null_ctx(struct __sk_buff *skb) { bpf_for_each_map_elem(&plains, each_plain, 0, 0); return 0; }
