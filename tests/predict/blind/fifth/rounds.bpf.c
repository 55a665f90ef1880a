// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Loops of all kinds. */
#include "net.h"
struct bpf_iter_num { __u64 opaque[1]; } __attribute__((aligned(8)));
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;
MAP(words, BPF_MAP_TYPE_ARRAY, __u32, __u64, 64);
MAP(names, BPF_MAP_TYPE_HASH, __u32, __u64, 64);
const volatile __u32 rounds = 8;
__u64 sums[64];
struct run { __u64 sum; __u32 left; };
static long add(__u32 at, struct run *r) { r->sum += at; if (!r->left) return 1; r->left--; return 0; }
static long add_far(__u32 at, struct run *r) { sums[at] = r->sum; return 0; }
static long add_near(__u32 at, struct run *r) { if (at < 64) sums[at] = r->sum; return 0; }
static long add_two(__u32 at, struct run *r) { return 2; }
static long each(void *map, __u32 *key, __u64 *value, struct run *r) { r->sum += *value; return 0; }
SEC("tc") int called(struct __sk_buff *skb) { struct run r = { .left = 10 }; bpf_loop(100, add, &r, 0); return r.sum & 1; }
SEC("tc") int called_near(struct __sk_buff *skb) { struct run r = { .left = 10 }; bpf_loop(100, add_near, &r, 0); return 0; }
SEC("tc") int called_far(struct __sk_buff *skb) { struct run r = { .left = 10 }; bpf_loop(100, add_far, &r, 0); return 0; }
SEC("tc") int called_two(struct __sk_buff *skb) { struct run r = {}; bpf_loop(100, add_two, &r, 0); return 0; }
SEC("tc") int called_flags(struct __sk_buff *skb) { struct run r = {}; return bpf_loop(100, add, &r, 1) < 0; }
SEC("tc") int of_map(struct __sk_buff *skb) { struct run r = {}; bpf_for_each_map_elem(&words, each, &r, 0); return r.sum & 1; }
SEC("tc") int plain(struct __sk_buff *skb) { __u64 s = 0; for (volatile int i = 0; i < 32; i++) s += i; return s & 1; }
SEC("tc") int by_setting(struct __sk_buff *skb) { __u64 s = 0; for (__u32 i = 0; i < rounds; i++) s += bpf_get_prandom_u32(); return s & 1; }
SEC("tc") int by_length(struct __sk_buff *skb) { __u64 s = 0; for (__u32 i = 0; i < skb->len; i++) s += bpf_get_prandom_u32(); return s & 1; }
SEC("tc") int by_length_capped(struct __sk_buff *skb) { __u64 s = 0; for (__u32 i = 0; i < skb->len && i < 100; i++) s += bpf_get_prandom_u32(); return s & 1; }
SEC("tc") int forever(struct __sk_buff *skb) { for (;;) if (bpf_get_prandom_u32() == 7) return 0; }
SEC("tc") int steady(struct __sk_buff *skb) { volatile int x = 1; while (x) ; return 0; }
SEC("tc") int numbers(struct __sk_buff *skb) {
	struct bpf_iter_num it; int *i; __u64 s = 0;
	bpf_iter_num_new(&it, 0, 1000);
	while ((i = bpf_iter_num_next(&it))) s += *i;
	bpf_iter_num_destroy(&it);
	return s & 1;
}
SEC("tc") int numbers_open(struct __sk_buff *skb) {
	struct bpf_iter_num it; int *i; __u64 s = 0;
	bpf_iter_num_new(&it, 0, 1000);
	while ((i = bpf_iter_num_next(&it))) { s += *i; if (s > 99) return 0; }
	bpf_iter_num_destroy(&it);
	return s & 1;
}
SEC("tc") int numbers_index(struct __sk_buff *skb) {
	struct bpf_iter_num it; int *i;
	bpf_iter_num_new(&it, 0, 64);
	while ((i = bpf_iter_num_next(&it))) sums[*i] = 1;
	bpf_iter_num_destroy(&it);
	return 0;
}
SEC("tc") int squares(struct __sk_buff *skb) { __u64 s = 0; for (volatile int i = 0; i < 2000; i++) for (volatile int j = 0; j < 2000; j++) s += i * j; return s & 1; }
SEC("tc") int search(struct __sk_buff *skb) { __u32 lo = 0, hi = 63; for (int i = 0; i < 8 && lo < hi; i++) { __u32 mid = (lo + hi) / 2; __u64 *w = bpf_map_lookup_elem(&words, &mid); if (!w) return 0; if (*w < skb->len) lo = mid + 1; else hi = mid; } return lo & 1; }
SEC("tc") int down(struct __sk_buff *skb) { __u32 n = skb->len; __u64 s = 0; if (n > 40) n = 40; while (n--) s += bpf_get_prandom_u32(); return s & 1; }
