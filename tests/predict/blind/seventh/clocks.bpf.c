// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
/* Timers, callbacks over maps, bounded repetition, rings from user space. */
#include "kit.h"
struct job { __u64 runs; struct bpf_timer timer; };
struct two { struct bpf_timer timer; struct bpf_spin_lock lock; __u64 n; };
MAP(jobs, HASH, __u32, struct job, 64);
MAP(ajobs, ARRAY, __u32, struct two, 4);
MAP(plain, HASH, __u32, __u64, 64);
MAP(grid, ARRAY, __u32, __u64, 128);
struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); __uint(max_entries, 65536); } orders SEC(".maps");
RING(out, 65536);
struct acc { __u64 sum; __u32 seen, limit; };
static __u64 total;
static __u64 cells[32];

static int fired(void *map, __u32 *key, struct job *j) { j->runs++; bpf_timer_start(&j->timer, 1000000, 0); return 0; }
static int fired_one(void *map, __u32 *key, struct job *j) { return 1; }
static int fired_two(void *map, __u32 *key, struct two *j) { bpf_spin_lock(&j->lock); j->n++; bpf_spin_unlock(&j->lock); return 0; }
static int fired_locked(void *map, __u32 *key, struct two *j) { bpf_spin_lock(&j->lock); j->n++; return 0; }

SEC("tc") int start(struct __sk_buff *skb) {
	__u32 k = 1;
	struct job *j = bpf_map_lookup_elem(&jobs, &k);
	if (!j) return 0;
	if (bpf_timer_init(&j->timer, &jobs, 1)) return 0;
	bpf_timer_set_callback(&j->timer, fired);
	return bpf_timer_start(&j->timer, 0, 0);
}
SEC("tc") int start_one(struct __sk_buff *skb) {
	__u32 k = 1;
	struct job *j = bpf_map_lookup_elem(&jobs, &k);
	if (!j) return 0;
	bpf_timer_init(&j->timer, &jobs, 1);
	bpf_timer_set_callback(&j->timer, fired_one);
	return 0;
}
/* The timer is of another map. */
SEC("tc") int start_other_map(struct __sk_buff *skb) {
	__u32 k = 1;
	struct job *j = bpf_map_lookup_elem(&jobs, &k);
	if (!j) return 0;
	return bpf_timer_init(&j->timer, &ajobs, 1);
}
/* A value, not its timer. */
SEC("tc") int start_value(struct __sk_buff *skb) {
	__u32 k = 1;
	struct job *j = bpf_map_lookup_elem(&jobs, &k);
	if (!j) return 0;
	return bpf_timer_start((void *)j, 0, 0);
}
SEC("tc") int start_two(struct __sk_buff *skb) {
	__u32 k = 1;
	struct two *j = bpf_map_lookup_elem(&ajobs, &k);
	if (!j) return 0;
	bpf_timer_init(&j->timer, &ajobs, 7);
	bpf_timer_set_callback(&j->timer, fired_two);
	return bpf_timer_start(&j->timer, 5000, 0);
}
SEC("tc") int start_locked(struct __sk_buff *skb) {
	__u32 k = 1;
	struct two *j = bpf_map_lookup_elem(&ajobs, &k);
	if (!j) return 0;
	bpf_timer_set_callback(&j->timer, fired_locked);
	return 0;
}
SEC("tc") int start_unchecked(struct __sk_buff *skb) { __u32 k = 1; struct job *j = bpf_map_lookup_elem(&jobs, &k); return bpf_timer_cancel(&j->timer); }
SEC("kprobe/do_nanosleep") int start_kprobe(void *ctx) {
	__u32 k = 1;
	struct job *j = bpf_map_lookup_elem(&jobs, &k);
	if (!j) return 0;
	return bpf_timer_start(&j->timer, 0, 0);
}
SEC("xdp") int runs_only(void *ctx) { __u32 k = 1; struct job *j = bpf_map_lookup_elem(&jobs, &k); return j && j->runs > 3 ? 1 : 2; }
SEC("xdp") int over_timer(void *ctx) { __u32 k = 1; struct job *j = bpf_map_lookup_elem(&jobs, &k); if (j) __builtin_memset(j, 0, sizeof(*j)); return 2; }

static long sum_each(void *map, __u32 *key, __u64 *val, struct acc *a) { a->sum += *val; a->seen++; return a->seen >= a->limit; }
static long del_each(void *map, __u32 *key, __u64 *val, void *x) { return bpf_map_delete_elem(&plain, key) && 0; }
static long two_each(void *map, __u32 *key, __u64 *val, void *x) { return 2; }
static long far_each(void *map, __u32 *key, __u64 *val, void *x) { return val[1] && 0; }
static long cell_each(void *map, __u32 *key, __u64 *val, void *x) { if (*key < 32) cells[*key] = *val; return 0; }
static long cell_open(void *map, __u32 *key, __u64 *val, void *x) { cells[*key] = *val; return 0; }
static long ctx_each(void *map, __u32 *key, __u64 *val, struct __sk_buff **skb) { return (*skb)->len > *val; }
static long beyond_each(void *map, __u32 *key, __u64 *val, struct acc *a) { return ((__u64 *)a)[2] != 0; }
SEC("tc") int each_sum(struct __sk_buff *skb) { struct acc a = { 0, 0, 10 }; bpf_for_each_map_elem(&plain, sum_each, &a, 0); return a.sum > 100 ? 2 : 0; }
SEC("tc") int each_delete(struct __sk_buff *skb) { bpf_for_each_map_elem(&plain, del_each, 0, 0); return 0; }
SEC("tc") int each_two(struct __sk_buff *skb) { bpf_for_each_map_elem(&plain, two_each, 0, 0); return 0; }
SEC("tc") int each_far(struct __sk_buff *skb) { bpf_for_each_map_elem(&plain, far_each, 0, 0); return 0; }
SEC("tc") int each_cell(struct __sk_buff *skb) { bpf_for_each_map_elem(&grid, cell_each, 0, 0); return 0; }
SEC("tc") int each_cell_open(struct __sk_buff *skb) { bpf_for_each_map_elem(&grid, cell_open, 0, 0); return 0; }
SEC("tc") int each_ctx(struct __sk_buff *skb) { struct __sk_buff *p = skb; bpf_for_each_map_elem(&plain, ctx_each, &p, 0); return 0; }
SEC("tc") int each_beyond(struct __sk_buff *skb) { struct acc a = {}; bpf_for_each_map_elem(&plain, beyond_each, &a, 0); return 0; }
SEC("tc") int each_flags(struct __sk_buff *skb) { struct acc a = { 0, 0, 10 }; return bpf_for_each_map_elem(&plain, sum_each, &a, 1) && 0; }

static long step_sum(__u32 i, struct acc *a) { a->sum += i; return 0; }
static long step_cell(__u32 i, void *x) { if (i >= 32) return 1; cells[i]++; return 0; }
static long step_open(__u32 i, void *x) { cells[i]++; return 0; }
static long step_carry(__u32 i, struct acc *a) { if (a->seen < 32) cells[a->seen++] = i; return 0; }
static long step_carry_open(__u32 i, struct acc *a) { cells[a->seen++] = i; return 0; }
static long step_map(__u32 i, void *x) { __u64 *v = bpf_map_lookup_elem(&grid, &i); if (!v) return 1; total += *v; return 0; }
static long step_map_null(__u32 i, void *x) { total += *(__u64 *)bpf_map_lookup_elem(&grid, &i); return 0; }
static long step_two(__u32 i, void *x) { return i > 3 ? 2 : 0; }
static long step_ring(__u32 i, void *x) { __u32 *e = bpf_ringbuf_reserve(&out, 4, 0); if (!e) return 1; *e = i; if (i == 7) return 1; bpf_ringbuf_submit(e, 0); return 0; }
static long step_inner(__u32 i, void *x) { bpf_loop(4, step_cell, 0, 0); return 0; }
SEC("kprobe/do_nanosleep") int loop_sum(void *ctx) { struct acc a = {}; bpf_loop(1000, step_sum, &a, 0); total = a.sum; return 0; }
SEC("kprobe/do_nanosleep") int loop_cell(void *ctx) { bpf_loop(64, step_cell, 0, 0); return 0; }
SEC("kprobe/do_nanosleep") int loop_open(void *ctx) { bpf_loop(32, step_open, 0, 0); return 0; }
SEC("kprobe/do_nanosleep") int loop_carry(void *ctx) { struct acc a = {}; bpf_loop(100, step_carry, &a, 0); return 0; }
SEC("kprobe/do_nanosleep") int loop_carry_open(void *ctx) { struct acc a = {}; bpf_loop(16, step_carry_open, &a, 0); return 0; }
SEC("kprobe/do_nanosleep") int loop_map(void *ctx) { bpf_loop(128, step_map, 0, 0); return 0; }
SEC("kprobe/do_nanosleep") int loop_map_null(void *ctx) { bpf_loop(128, step_map_null, 0, 0); return 0; }
SEC("kprobe/do_nanosleep") int loop_two(void *ctx) { bpf_loop(128, step_two, 0, 0); return 0; }
SEC("kprobe/do_nanosleep") int loop_ring(void *ctx) { bpf_loop(128, step_ring, 0, 0); return 0; }
SEC("kprobe/do_nanosleep") int loop_inner(void *ctx) { bpf_loop(4, step_inner, 0, 0); return 0; }
SEC("kprobe/do_nanosleep") int loop_variable(struct pt_regs *ctx) { bpf_loop(ctx->di, step_cell, 0, 0); return 0; }
SEC("kprobe/do_nanosleep") int loop_uses_after(void *ctx) {
	struct acc a = { .limit = 5 };
	bpf_loop(10, step_sum, &a, 0);
	if (a.limit < 32) cells[a.limit] = 1;
	return 0;
}
/* What the callback may have written is no longer known. */
SEC("kprobe/do_nanosleep") int loop_trusts(void *ctx) {
	struct acc a = { .seen = 0 };
	bpf_loop(100, step_carry, &a, 0);
	cells[a.seen] = 1;
	return 0;
}
SEC("kprobe/do_nanosleep") int loop_ring_after(void *ctx) {
	__u32 *e = bpf_ringbuf_reserve(&out, 4, 0);
	if (!e) return 0;
	bpf_loop(3, step_cell, 0, 0);
	*e = 1;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

static long drained(struct bpf_dynptr *d, void *x) { __u32 v; if (bpf_dynptr_read(&v, 4, d, 0, 0)) return 1; total += v; return 0; }
static long drained_slice(struct bpf_dynptr *d, void *x) { __u32 *v = bpf_dynptr_data(d, 0, 4); if (!v) return 1; total += *v; return 0; }
static long drained_write(struct bpf_dynptr *d, void *x) { __u32 *v = bpf_dynptr_data(d, 0, 4); if (!v) return 1; *v = 0; return 0; }
static long drained_two(struct bpf_dynptr *d, void *x) { return 2; }
SEC("tp/syscalls/sys_enter_getpgid") int drain(void *ctx) { return bpf_user_ringbuf_drain(&orders, drained, 0, 0) > 0; }
SEC("tp/syscalls/sys_enter_getpgid") int drain_slice(void *ctx) { return bpf_user_ringbuf_drain(&orders, drained_slice, 0, 0) > 0; }
SEC("tp/syscalls/sys_enter_getpgid") int drain_write(void *ctx) { return bpf_user_ringbuf_drain(&orders, drained_write, 0, 0) > 0; }
SEC("tp/syscalls/sys_enter_getpgid") int drain_two(void *ctx) { return bpf_user_ringbuf_drain(&orders, drained_two, 0, 0) > 0; }
SEC("tp/syscalls/sys_enter_getpgid") int drain_ring(void *ctx) { return bpf_user_ringbuf_drain((void *)&out, drained, 0, 0) > 0; }
static long vma(struct task_struct *t, struct vm_area_struct *v, __u64 *x) { *x = v->vm_start; return 0; }
SEC("kprobe/do_nanosleep") int find_vma(void *ctx) { struct task_struct *t = bpf_get_current_task_btf(); __u64 at = 0; bpf_find_vma(t, 0x1000, vma, &at, 0); return at > 7; }
SEC("kprobe/do_nanosleep") int find_vma_number(void *ctx) { __u64 at = 0; bpf_find_vma((void *)bpf_get_current_task(), 0x1000, vma, &at, 0); return at > 7; }
