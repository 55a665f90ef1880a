// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// mcpu=v4
/* Open-coded iterators, may_goto's elders: loops that are walked until their states repeat. */
#include "kit.h"
struct bpf_iter_num { __u64 o; } __attribute__((aligned(8)));
struct bpf_iter_task { __u64 o[3]; } __attribute__((aligned(8)));
struct bpf_iter_css_task { __u64 o; } __attribute__((aligned(8)));
struct bpf_iter_bits { __u64 o[2]; } __attribute__((aligned(8)));
extern int bpf_iter_num_new(struct bpf_iter_num *it, int a, int b) __ksym __weak;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym __weak;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym __weak;
extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *t, unsigned flags) __ksym __weak;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __ksym __weak;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __ksym __weak;
extern int bpf_iter_bits_new(struct bpf_iter_bits *it, const __u64 *p, __u32 n) __ksym __weak;
extern int *bpf_iter_bits_next(struct bpf_iter_bits *it) __ksym __weak;
extern void bpf_iter_bits_destroy(struct bpf_iter_bits *it) __ksym __weak;
extern void bpf_rcu_read_lock(void) __ksym __weak;
extern void bpf_rcu_read_unlock(void) __ksym __weak;
MAP(hist, ARRAY, __u32, __u64, 64);
static int cells[100];
static __u64 sum;
#define EACH(i, a, b) struct bpf_iter_num it; int *i; bpf_iter_num_new(&it, a, b); while ((i = bpf_iter_num_next(&it)))

SEC("raw_tp/sys_enter") int plain(void *ctx) { EACH(i, 0, 100) { sum += *i; } bpf_iter_num_destroy(&it); return 0; }
SEC("raw_tp/sys_enter") int index_(void *ctx) { EACH(i, 0, 100) { unsigned at = *i; if (at < 100) cells[at] = at; } bpf_iter_num_destroy(&it); return 0; }
/* The iterator's number is no bound. */
SEC("raw_tp/sys_enter") int index_open(void *ctx) { EACH(i, 0, 100) { cells[*i] = 1; } bpf_iter_num_destroy(&it); return 0; }
SEC("raw_tp/sys_enter") int index_signed(void *ctx) { EACH(i, 0, 100) { int at = *i; if (at < 100) cells[at] = 1; } bpf_iter_num_destroy(&it); return 0; }
SEC("raw_tp/sys_enter") int kept(void *ctx) { EACH(i, 0, 100) { if (*i == 7) return 0; } bpf_iter_num_destroy(&it); return 0; }
SEC("raw_tp/sys_enter") int unborn(void *ctx) { struct bpf_iter_num it; bpf_iter_num_next(&it); bpf_iter_num_destroy(&it); return 0; }
SEC("raw_tp/sys_enter") int reborn(void *ctx) { struct bpf_iter_num it; bpf_iter_num_new(&it, 0, 3); bpf_iter_num_new(&it, 0, 3); bpf_iter_num_destroy(&it); return 0; }
SEC("raw_tp/sys_enter") int destroyed_twice(void *ctx) { struct bpf_iter_num it; bpf_iter_num_new(&it, 0, 3); bpf_iter_num_destroy(&it); bpf_iter_num_destroy(&it); return 0; }
SEC("raw_tp/sys_enter") int unchecked(void *ctx) { struct bpf_iter_num it; bpf_iter_num_new(&it, 0, 3); sum += *bpf_iter_num_next(&it); bpf_iter_num_destroy(&it); return 0; }
SEC("raw_tp/sys_enter") int late(void *ctx) { struct bpf_iter_num it; int *i; bpf_iter_num_new(&it, 0, 3); i = bpf_iter_num_next(&it); bpf_iter_num_destroy(&it); if (i) sum += *i; return 0; }
SEC("raw_tp/sys_enter") int trampled(void *ctx) { struct bpf_iter_num it; bpf_iter_num_new(&it, 0, 3); *(volatile __u64 *)&it = 0; bpf_iter_num_destroy(&it); return 0; }
SEC("raw_tp/sys_enter") int nested(void *ctx) {
	struct bpf_iter_num a, b;
	int *i, *j;
	bpf_iter_num_new(&a, 0, 10);
	while ((i = bpf_iter_num_next(&a))) {
		bpf_iter_num_new(&b, 0, *i);
		while ((j = bpf_iter_num_next(&b))) sum += *j;
		bpf_iter_num_destroy(&b);
	}
	bpf_iter_num_destroy(&a);
	return 0;
}
SEC("raw_tp/sys_enter") int carried(void *ctx) {
	unsigned n = 0;
	EACH(i, 0, 50) { if (n < 100) { cells[n] = 1; n++; } }
	bpf_iter_num_destroy(&it);
	return 0;
}
SEC("raw_tp/sys_enter") int carried_open(void *ctx) {
	unsigned n = 0;
	EACH(i, 0, 50) { cells[n] = 1; n++; }
	bpf_iter_num_destroy(&it);
	return 0;
}
SEC("raw_tp/sys_enter") int carried_pointer(void *ctx) {
	__u64 *best = 0;
	EACH(i, 0, 50) { __u32 k = *i; __u64 *v = bpf_map_lookup_elem(&hist, &k); if (v && (!best || *v > *best)) best = v; }
	bpf_iter_num_destroy(&it);
	return best ? *best == 3 : 0;
}
SEC("raw_tp/sys_enter") int carried_null(void *ctx) {
	__u64 *best = 0;
	EACH(i, 0, 50) { __u32 k = *i; __u64 *v = bpf_map_lookup_elem(&hist, &k); if (v) best = v; }
	bpf_iter_num_destroy(&it);
	return *best == 3;
}
SEC("raw_tp/sys_enter") int all_tasks(void *ctx) {
	struct bpf_iter_task it;
	struct task_struct *t;
	int n = 0;
	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, 0, 0);
	while ((t = bpf_iter_task_next(&it))) if (t->pid == 1) n++;
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	return n & 0;
}
SEC("fentry.s/__x64_sys_getpgid") int all_tasks_bare(void *ctx) {
	struct bpf_iter_task it;
	struct task_struct *t;
	int n = 0;
	bpf_iter_task_new(&it, 0, 0);
	while ((t = bpf_iter_task_next(&it))) if (t->pid == 1) n++;
	bpf_iter_task_destroy(&it);
	return n & 0;
}
SEC("fentry.s/__x64_sys_getpgid") int all_tasks_unlocked_early(void *ctx) {
	struct bpf_iter_task it;
	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, 0, 0);
	bpf_rcu_read_unlock();
	bpf_iter_task_next(&it);
	bpf_iter_task_destroy(&it);
	return 0;
}
SEC("raw_tp/sys_enter") int bits(void *ctx) {
	struct bpf_iter_bits it;
	__u64 m = 0x11;
	int *b;
	bpf_iter_bits_new(&it, &m, 1);
	while ((b = bpf_iter_bits_next(&it))) sum += *b;
	bpf_iter_bits_destroy(&it);
	return 0;
}
SEC("raw_tp/sys_enter") int bits_two(void *ctx) {
	struct bpf_iter_bits it;
	__u64 m = 0x11;
	bpf_iter_bits_new(&it, &m, 2);
	bpf_iter_bits_destroy(&it);
	return 0;
}
SEC("raw_tp/sys_enter") int guarded(void *ctx) {
	if (!bpf_ksym_exists(bpf_iter_num_new)) { for (int i = 0; i < 10; i++) sum += i; return 0; }
	EACH(i, 0, 10) { sum += *i; }
	bpf_iter_num_destroy(&it);
	return 0;
}
/* Plain loops. */
SEC("raw_tp/sys_enter") int counted(struct bpf_raw_tracepoint_args *ctx) { __u32 n = ctx->args[1] & 63; for (__u32 i = 0; i < n; i++) { asm volatile(""); cells[i] = i; } return 0; }
SEC("raw_tp/sys_enter") int counted_open(struct bpf_raw_tracepoint_args *ctx) { __u32 n = ctx->args[1]; for (__u32 i = 0; i < n; i++) { asm volatile(""); cells[i % 100] = i; } return 0; }
SEC("raw_tp/sys_enter") int counted_over(struct bpf_raw_tracepoint_args *ctx) { __u32 n = ctx->args[1] & 127; for (__u32 i = 0; i < n; i++) { asm volatile(""); cells[i] = i; } return 0; }
SEC("raw_tp/sys_enter") int shifted(struct bpf_raw_tracepoint_args *ctx) { __u64 v = ctx->args[1]; int n = 0; while (v) { v >>= 1; n++; asm volatile("" : "+r"(v)); } return n & 0; }
SEC("raw_tp/sys_enter") int log_two(struct bpf_raw_tracepoint_args *ctx) {
	__u64 v = ctx->args[1];
	__u32 r = 0;
	if (v > 0xffffffff) { r += 32; v >>= 32; }
	if (v > 0xffff) { r += 16; v >>= 16; }
	if (v > 0xff) { r += 8; v >>= 8; }
	if (v > 0xf) { r += 4; v >>= 4; }
	if (v > 3) { r += 2; v >>= 2; }
	if (v > 1) r += 1;
	if (r < 64) cells[r]++;
	return 0;
}
SEC("raw_tp/sys_enter") int divided(struct bpf_raw_tracepoint_args *ctx) { __u64 d = ctx->args[1]; cells[(ctx->args[0] / (d | 1)) % 100]++; return 0; }
SEC("raw_tp/sys_enter") int signed_mod(struct bpf_raw_tracepoint_args *ctx) { int v = ctx->args[1]; cells[v % 100]++; return 0; }
SEC("raw_tp/sys_enter") int sign_kept(struct bpf_raw_tracepoint_args *ctx) { signed char v = ctx->args[1]; if (v < 0) return 0; if (v >= 100) return 0; cells[v]++; return 0; }
SEC("raw_tp/sys_enter") int sign_lost(struct bpf_raw_tracepoint_args *ctx) { signed char v = ctx->args[1]; if (v >= 100) return 0; cells[v]++; return 0; }
SEC("raw_tp/sys_enter") int swapped(struct bpf_raw_tracepoint_args *ctx) { __u32 v = __builtin_bswap32(ctx->args[1]) >> 26; cells[v]++; return 0; }
