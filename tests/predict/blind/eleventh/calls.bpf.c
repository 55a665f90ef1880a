// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// mcpu=v3
/* Iterators, callbacks, global functions, helpers by hook, formats, dynptrs and casts. */
#include "types.h"
#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))
#define __arg_trusted __attribute__((btf_decl_tag("arg:trusted")))
#define __arg_nullable __attribute__((btf_decl_tag("arg:nullable")))
char LICENSE[] SEC("license") = "GPL";
extern int bpf_iter_css_task_new(struct bpf_iter_css_task *it, struct cgroup_subsys_state *css, unsigned int flags) __ksym;
extern struct task_struct *bpf_iter_css_task_next(struct bpf_iter_css_task *it) __ksym;
extern void bpf_iter_css_task_destroy(struct bpf_iter_css_task *it) __ksym;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;
extern struct cgroup *bpf_cgroup_from_id(u64 cgid) __ksym;
extern void bpf_cgroup_release(struct cgroup *cgrp) __ksym;
extern void bpf_throw(u64 cookie) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern void *bpf_rdonly_cast(const void *obj, u32 btf_id) __ksym;
extern int bpf_dynptr_from_skb(struct __sk_buff *s, u64 flags, struct bpf_dynptr *p) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, u32 offset, void *buffer__opt, u32 buffer__szk) __ksym;
extern int bpf_dynptr_adjust(const struct bpf_dynptr *p, u32 start, u32 end) __ksym;
extern u32 bpf_dynptr_size(const struct bpf_dynptr *p) __ksym;
extern void bpf_local_irq_save(unsigned long *flags) __ksym;
extern void bpf_local_irq_restore(unsigned long *flags) __ksym;
extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, u32); __type(value, u64); } arr SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, u64); __type(value, u64); } hash SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, u32); __uint(value_size, 64); } big SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 4); } jmp SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_CGROUP_STORAGE); __type(key, struct bpf_cgroup_storage_key); __type(value, u64); } cgs SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_SK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, u64); } sks SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, u64); } tks SEC(".maps");
u64 acc; const volatile u64 ro = 5; char wfmt[8] = "%d"; 
/* iter */
#define CSS(sec, name, args) SEC(sec) int name(args) { struct bpf_iter_css_task it; struct task_struct *t; struct cgroup *c = bpf_cgroup_from_id(1); if (!c) return 0; bpf_iter_css_task_new(&it, &c->self, 0); while ((t = bpf_iter_css_task_next(&it))) acc++; bpf_iter_css_task_destroy(&it); bpf_cgroup_release(c); return 0; }
CSS("tc", ct_tc, struct __sk_buff *s)
CSS("lsm/file_open", ct_lsm, void *ctx)
CSS("lsm.s/file_open", ct_lsms, void *ctx)
CSS("iter/task", ct_iter, void *ctx)
CSS("syscall", ct_sys, void *ctx)
CSS("tp_btf/sys_enter", ct_tp, void *ctx)
SEC("tc") int it_twice(struct __sk_buff *s) { struct bpf_iter_num it; int *i; bpf_iter_num_new(&it, 0, 4); bpf_iter_num_new(&it, 0, 4); while ((i = bpf_iter_num_next(&it))) acc += *i; bpf_iter_num_destroy(&it); return 0; }
SEC("tc") int it_after(struct __sk_buff *s) { struct bpf_iter_num it; int *i; bpf_iter_num_new(&it, 0, 4); bpf_iter_num_destroy(&it); i = bpf_iter_num_next(&it); if (i) acc += *i; return 0; }
SEC("tc") int it_none(struct __sk_buff *s) { struct bpf_iter_num it; int *i = bpf_iter_num_next(&it); if (i) acc += *i; return 0; }
SEC("tc") int it_leak(struct __sk_buff *s) { struct bpf_iter_num it; int *i; bpf_iter_num_new(&it, 0, 4); if (s->len > 5) return 0; bpf_iter_num_destroy(&it); return 0; }
SEC("tc") int it_map(struct __sk_buff *s) { u32 k = 0; struct bpf_iter_num *it = bpf_map_lookup_elem(&big, &k); if (!it) return 0; bpf_iter_num_new(it, 0, 4); bpf_iter_num_destroy(it); return 0; }
static __noinline int nextsum(struct bpf_iter_num *it) { int *i, n = 0; while ((i = bpf_iter_num_next(it))) n += *i; return n; }
SEC("tc") int it_sub(struct __sk_buff *s) { struct bpf_iter_num it; bpf_iter_num_new(&it, 0, 4); acc += nextsum(&it); bpf_iter_num_destroy(&it); return 0; }
SEC("tc") int it_write(struct __sk_buff *s) { struct bpf_iter_num it; int *i; bpf_iter_num_new(&it, 0, 4); *(volatile u32 *)&it = 7; while ((i = bpf_iter_num_next(&it))) acc += *i; bpf_iter_num_destroy(&it); return 0; }
SEC("tc") int it_deref(struct __sk_buff *s) { struct bpf_iter_num it; int *i; bpf_iter_num_new(&it, 0, 4); i = bpf_iter_num_next(&it); acc += *i; bpf_iter_num_destroy(&it); return 0; }
SEC("tc") int it_wrval(struct __sk_buff *s) { struct bpf_iter_num it; int *i; bpf_iter_num_new(&it, 0, 4); while ((i = bpf_iter_num_next(&it))) *i = 3; bpf_iter_num_destroy(&it); return 0; }
SEC("tc") int it_useafter(struct __sk_buff *s) { struct bpf_iter_num it; int *i; bpf_iter_num_new(&it, 0, 4); i = bpf_iter_num_next(&it); bpf_iter_num_destroy(&it); if (i) acc += *i; return 0; }
SEC("tc") int it_index(struct __sk_buff *s) { struct bpf_iter_num it; int *i; u32 k = 0; u8 *v = bpf_map_lookup_elem(&big, &k); if (!v) return 0; bpf_iter_num_new(&it, 0, 64); while ((i = bpf_iter_num_next(&it))) { if ((u32)*i < 64) acc += v[(u32)*i]; } bpf_iter_num_destroy(&it); return 0; }
SEC("tc") int it_index_un(struct __sk_buff *s) { struct bpf_iter_num it; int *i; u32 k = 0; u8 *v = bpf_map_lookup_elem(&big, &k); if (!v) return 0; bpf_iter_num_new(&it, 0, 64); while ((i = bpf_iter_num_next(&it))) acc += v[(u32)*i]; bpf_iter_num_destroy(&it); return 0; }
/* throw & tail calls in callbacks */
static long cb_throw(u64 i, void *c) { if (i > 3) bpf_throw(0); return 0; }
static long cb_tail(u64 i, void **c) { bpf_tail_call(*c, &jmp, 0); return 0; }
static long cb_plain(u64 i, void *c) { acc += i; return 0; }
__noinline long cb_global(u64 i, void *c) { acc += i; return 0; }
SEC("tc") int th_cb(struct __sk_buff *s) { bpf_loop(5, cb_throw, 0, 0); return 0; }
SEC("tc") int tl_cb(struct __sk_buff *s) { void *p = s; bpf_loop(5, cb_tail, &p, 0); return 0; }
SEC("tc") int lp_ok(struct __sk_buff *s) { bpf_loop(5, cb_plain, 0, 0); return 0; }
SEC("tc") int lp_global(struct __sk_buff *s) { bpf_loop(5, (void *)cb_global, 0, 0); return 0; }
SEC("tc") int lp_flags(struct __sk_buff *s) { bpf_loop(5, cb_plain, 0, 1); return 0; }
SEC("tc") int lp_many(struct __sk_buff *s) { bpf_loop(1 << 24, cb_plain, 0, 0); return 0; }
static __noinline void tl_void(struct __sk_buff *s) { bpf_tail_call(s, &jmp, 0); acc++; }
static __noinline int tl_int(struct __sk_buff *s) { bpf_tail_call(s, &jmp, 0); acc++; return 1; }
SEC("tc") int tl_v(struct __sk_buff *s) { tl_void(s); return 0; }
SEC("tc") int tl_i(struct __sk_buff *s) { return tl_int(s) & 1; }
/* global functions */
struct two { u64 a, b; };
struct deep { u64 a; struct two *t; };
__noinline int g_ptrptr(u64 **p) { return p ? 1 : 0; }
__noinline int g_struct(struct two *p) { return p ? p->a : 0; }
__noinline int g_deep(struct deep *p) { return p ? p->a : 0; }
__noinline int g_voidp(void *p) { return p ? 1 : 0; }
__noinline void g_void(u64 a) { acc += a; }
__noinline struct two *g_retptr(struct two *p) { return p; }
__noinline int g_char(char *p) { return p ? p[0] : 0; }
__noinline int g_ctx(struct __sk_buff *s) { return s->len; }
__noinline int g_ctxtag(void *s __arg_ctx) { struct __sk_buff *k = s; return k->len; }
__noinline int g_task(struct task_struct *t __arg_trusted) { return t->pid; }
__noinline int g_taskn(struct task_struct *t __arg_trusted __arg_nullable) { return t ? t->pid : 0; }
__noinline int g_arr(int (*a)[4]) { return a ? (*a)[3] : 0; }
__noinline int g_badtag(struct two *p __attribute__((btf_decl_tag("arg:strange")))) { return p ? p->a : 0; }
__noinline int g_ubound(u64 i) { u32 k = 0; u8 *v = bpf_map_lookup_elem(&big, &k); return v && i < 64 ? v[i] : 0; }
__noinline int g_ubad(u64 i) { u32 k = 0; u8 *v = bpf_map_lookup_elem(&big, &k); return v ? v[i] : 0; }
__noinline int g_dyn(const struct bpf_dynptr *p) { u64 x; bpf_dynptr_read(&x, 8, (void *)p, 0, 0); return x; }
SEC("tc") int gp_pp(struct __sk_buff *s) { u64 x, *y = &x; return g_ptrptr(&y); }
SEC("tc") int gp_st(struct __sk_buff *s) { struct two t = { 1, 2 }; return g_struct(&t); }
SEC("tc") int gp_st_small(struct __sk_buff *s) { u64 x = 1; return g_struct((void *)&x); }
SEC("tc") int gp_st_ctx(struct __sk_buff *s) { return g_struct((void *)s); }
SEC("tc") int gp_st_null(struct __sk_buff *s) { return g_struct(0); }
SEC("tc") int gp_st_num(struct __sk_buff *s) { return g_struct((void *)(u64)s->len); }
SEC("tc") int gp_st_map(struct __sk_buff *s) { u32 k = 0; struct two *v = bpf_map_lookup_elem(&big, &k); return g_struct(v); }
SEC("tc") int gp_st_maps(struct __sk_buff *s) { u32 k = 0; struct two *v = bpf_map_lookup_elem(&arr, &k); return g_struct(v); }
SEC("tc") int gp_deep(struct __sk_buff *s) { struct deep t = { 1, 0 }; return g_deep(&t); }
SEC("tc") int gp_voidp(struct __sk_buff *s) { return g_voidp(&acc); }
SEC("tc") int gp_void(struct __sk_buff *s) { g_void(3); return 0; }
SEC("tc") int gp_retptr(struct __sk_buff *s) { struct two t = { 1, 2 }; g_retptr(&t); return 0; }
SEC("tc") int gp_char(struct __sk_buff *s) { char c[4] = "abc"; return g_char(c); }
SEC("tc") int gp_ctx(struct __sk_buff *s) { return g_ctx(s); }
SEC("tc") int gp_ctx_bad(struct __sk_buff *s) { u64 x = 0; return g_ctx((void *)&x); }
SEC("xdp") int gp_ctx_xdp(struct xdp_md *s) { return g_ctx((void *)s); }
SEC("tc") int gp_ctxtag(struct __sk_buff *s) { return g_ctxtag(s); }
SEC("tp_btf/sys_enter") int gp_task(void *ctx) { return g_task(bpf_get_current_task_btf()); }
SEC("tp_btf/sys_enter") int gp_task_null(void *ctx) { struct task_struct *t = bpf_task_from_pid(1); int r = g_task(t); if (t) bpf_task_release(t); return r; }
SEC("tp_btf/sys_enter") int gp_taskn(void *ctx) { struct task_struct *t = bpf_task_from_pid(1); int r = g_taskn(t); if (t) bpf_task_release(t); return r; }
SEC("fentry/do_nanosleep") int BPF_PROG(gp_task_un, struct hrtimer_sleeper *h) { return g_task(h->task); }
SEC("tc") int gp_arr(struct __sk_buff *s) { int a[4] = { 1, 2, 3, 4 }; return g_arr(&a); }
SEC("tc") int gp_badtag(struct __sk_buff *s) { struct two t = { 1, 2 }; return g_badtag(&t); }
SEC("tc") int gp_ubound(struct __sk_buff *s) { return g_ubound(s->len); }
SEC("tc") int gp_ubad(struct __sk_buff *s) { return g_ubad(s->len & 7); }
SEC("tc") int gp_dyn(struct __sk_buff *s) { struct bpf_dynptr p; bpf_dynptr_from_skb(s, 0, &p); return g_dyn(&p); }
SEC("tc") int gp_dyn_un(struct __sk_buff *s) { struct bpf_dynptr p; return g_dyn(&p); }
/* helpers by program type */
SEC("xdp") int fi_xdp(void *ctx) { acc = bpf_get_func_ip(ctx); return 2; }
SEC("kprobe/do_nanosleep") int fi_kp(void *ctx) { acc = bpf_get_func_ip(ctx); return 0; }
SEC("tp_btf/sys_enter") int fi_tp(void *ctx) { acc = bpf_get_func_ip(ctx); return 0; }
SEC("fentry/do_nanosleep") int fi_fe(void *ctx) { acc = bpf_get_func_ip(ctx); return 0; }
SEC("fexit/do_nanosleep") int fr_fx(void *ctx) { u64 r; bpf_get_func_ret(ctx, &r); return 0; }
SEC("fentry/do_nanosleep") int fr_fe(void *ctx) { u64 r; bpf_get_func_ret(ctx, &r); return 0; }
SEC("fentry/do_nanosleep") int fa_fe(void *ctx) { u64 r; bpf_get_func_arg(ctx, 0, &r); return 0; }
SEC("kprobe/do_nanosleep") int fa_kp(void *ctx) { u64 r; bpf_get_func_arg(ctx, 0, &r); return 0; }
SEC("tp_btf/sys_enter") int fa_tp(void *ctx) { u64 r; bpf_get_func_arg(ctx, 0, &r); return 0; }
SEC("kprobe/do_nanosleep") int ck_kp(void *ctx) { acc = bpf_get_attach_cookie(ctx); return 0; }
SEC("xdp") int ck_xdp(void *ctx) { acc = bpf_get_attach_cookie(ctx); return 2; }
SEC("fentry/do_nanosleep") int ck_fe(void *ctx) { acc = bpf_get_attach_cookie(ctx); return 0; }
SEC("tp_btf/sys_enter") int ck_tb(void *ctx) { acc = bpf_get_attach_cookie(ctx); return 0; }
SEC("raw_tp/sys_enter") int ck_rt(void *ctx) { acc = bpf_get_attach_cookie(ctx); return 0; }
SEC("cgroup/connect4") int rv_c4(void *ctx) { acc = bpf_get_retval(); return 1; }
SEC("cgroup_skb/egress") int rv_skb(void *ctx) { acc = bpf_get_retval(); return 1; }
SEC("cgroup/getsockopt") int rv_gso(void *ctx) { bpf_set_retval(-1); return 1; }
SEC("cgroup/recvmsg4") int rv_rm(void *ctx) { bpf_set_retval(-1); return 1; }
SEC("lsm_cgroup/file_open") int rv_lc(void *ctx) { bpf_set_retval(-1); return 1; }
SEC("lsm_cgroup/bpf_prog_free") int rv_lcv(void *ctx) { bpf_set_retval(-1); return 1; }
SEC("cgroup_skb/egress") int ls_ok(void *ctx) { u64 *v = bpf_get_local_storage(&cgs, 0); *v += 1; return 1; }
SEC("tc") int ls_tc(void *ctx) { u64 *v = bpf_get_local_storage(&cgs, 0); *v += 1; return 0; }
SEC("cgroup_skb/egress") int ls_wrong(void *ctx) { u64 *v = bpf_get_local_storage(&arr, 0); *v += 1; return 1; }
SEC("iter/task") int sp_it(struct bpf_iter__task *ctx) { BPF_SEQ_PRINTF(ctx->meta->seq, "%d\n", 3); return 0; }
SEC("kprobe/do_nanosleep") int sp_kp(void *ctx) { char f[] = "x"; bpf_seq_printf((void *)ctx, f, 2, 0, 0); return 0; }
SEC("tc") int st_nc(struct __sk_buff *s) { char b[4] = "abc"; return bpf_strncmp(b, 4, wfmt); }
SEC("tc") int st_ok(struct __sk_buff *s) { char b[4] = "abc"; return bpf_strncmp(b, 4, "abd") ? 1 : 0; }
static const char noterm[4] = { '%', 'd', 'x', 'y' };
SEC("raw_tp/sys_enter") int sn_noterm(void *ctx) { char b[16]; u64 a = 3; bpf_snprintf(b, 16, noterm, &a, 8); return 0; }
SEC("raw_tp/sys_enter") int sn_more(void *ctx) { char b[16]; u64 a = 3; static const char f[] = "%d %d"; bpf_snprintf(b, 16, f, &a, 8); return 0; }
SEC("raw_tp/sys_enter") int sn_less(void *ctx) { char b[16]; u64 a[2] = {}; static const char f[] = "%d"; bpf_snprintf(b, 16, f, a, 16); return 0; }
SEC("raw_tp/sys_enter") int sn_odd(void *ctx) { char b[16]; u64 a[2] = {}; static const char f[] = "%d"; bpf_snprintf(b, 16, f, a, 12); return 0; }
/* dynptr */
SEC("tc") int dy_size_var(struct __sk_buff *s) { struct bpf_dynptr p; char b[16]; bpf_dynptr_from_skb(s, 0, &p); void *d = bpf_dynptr_slice(&p, 0, b, s->len & 15); acc += !!d; return 0; }
SEC("tc") int dy_slice_null(struct __sk_buff *s) { struct bpf_dynptr p; char b[16]; bpf_dynptr_from_skb(s, 0, &p); u8 *d = bpf_dynptr_slice(&p, 0, b, 16); acc += d[3]; return 0; }
SEC("tc") int dy_slice_oob(struct __sk_buff *s) { struct bpf_dynptr p; char b[16]; bpf_dynptr_from_skb(s, 0, &p); u8 *d = bpf_dynptr_slice(&p, 0, b, 16); if (d) acc += d[16]; return 0; }
SEC("tc") int dy_slice_wr(struct __sk_buff *s) { struct bpf_dynptr p; char b[16]; bpf_dynptr_from_skb(s, 0, &p); u8 *d = bpf_dynptr_slice(&p, 0, b, 16); if (d) d[1] = 3; return 0; }
SEC("tc") int dy_kind(struct __sk_buff *s) { struct bpf_dynptr p; bpf_dynptr_from_skb(s, 0, &p); bpf_ringbuf_submit_dynptr(&p, 0); return 0; }
SEC("tc") int dy_adj(struct __sk_buff *s) { struct bpf_dynptr p; bpf_dynptr_from_skb(s, 0, &p); bpf_dynptr_adjust(&p, 1, 4); acc += bpf_dynptr_size(&p); return 0; }
SEC("kprobe/do_nanosleep") int dy_kp(void *ctx) { struct bpf_dynptr p; bpf_dynptr_from_skb(ctx, 0, &p); return 0; }
SEC("xdp") int dy_xdp_skb(struct xdp_md *ctx) { struct bpf_dynptr p; bpf_dynptr_from_skb((void *)ctx, 0, &p); return 2; }
SEC("tc") int dy_data_skb(struct __sk_buff *s) { struct bpf_dynptr p; u8 *d; bpf_dynptr_from_skb(s, 0, &p); d = bpf_dynptr_data(&p, 0, 4); if (d) acc += d[0]; return 0; }
SEC("tc") int dy_rd_over(struct __sk_buff *s) { struct bpf_dynptr p; bpf_dynptr_from_skb(s, 0, &p); bpf_dynptr_read(&p, 8, &p, 0, 0); return 0; }
SEC("tc") int dy_copy(struct __sk_buff *s) { struct bpf_dynptr p, q; bpf_dynptr_from_skb(s, 0, &p); q = p; acc += bpf_dynptr_size(&q); return 0; }
/* casts and misc */
SEC("tc") int rc_ok(struct __sk_buff *s) { struct two *t = bpf_rdonly_cast(s, bpf_core_type_id_kernel(struct task_struct)); acc += t->a; return 0; }
SEC("tc") int rc_zero(struct __sk_buff *s) { u64 *t = bpf_rdonly_cast(s, 0); acc += *t; return 0; }
SEC("tc") int rc_var(struct __sk_buff *s) { struct two *t = bpf_rdonly_cast(s, s->len); acc += t->a; return 0; }
SEC("tc") int rc_wr(struct __sk_buff *s) { struct two *t = bpf_rdonly_cast(s, bpf_core_type_id_kernel(struct task_struct)); t->a = 3; return 0; }
SEC("tc") int ro_wr(struct __sk_buff *s) { *(volatile u64 *)&ro = 3; return 0; }
static long each_key(void *m, u64 *k, u64 *v, void *c) { *(volatile u64 *)k = 3; return 0; }
static long each_val(void *m, u64 *k, u64 *v, void *c) { *v = *k; return 0; }
static long each_del(struct bpf_map *m, u64 *k, u64 *v, void *c) { bpf_map_delete_elem(m, k); return 0; }
SEC("tc") int fe_key(struct __sk_buff *s) { bpf_for_each_map_elem(&hash, each_key, 0, 0); return 0; }
SEC("tc") int fe_val(struct __sk_buff *s) { bpf_for_each_map_elem(&hash, each_val, 0, 0); return 0; }
SEC("tc") int fe_del(struct __sk_buff *s) { bpf_for_each_map_elem(&hash, each_del, 0, 0); return 0; }
SEC("tc") int sk_null(struct __sk_buff *s) { u64 *v = bpf_sk_storage_get(&sks, s->sk, 0, 1); if (v) *v = 1; return 0; }
SEC("tc") int sk_ok(struct __sk_buff *s) { struct bpf_sock *k = s->sk; u64 *v; if (!k) return 0; k = bpf_sk_fullsock(k); if (!k) return 0; v = bpf_sk_storage_get(&sks, k, 0, 1); if (v) *v = 1; return 0; }
SEC("tc") int sk_common(struct __sk_buff *s) { struct bpf_sock *k = s->sk; u64 *v; if (!k) return 0; v = bpf_sk_storage_get(&sks, k, 0, 1); if (v) *v = 1; return 0; }
SEC("tp_btf/sys_enter") int tk_null(void *ctx) { u64 *v = bpf_task_storage_get(&tks, 0, 0, 1); if (v) *v = 1; return 0; }
SEC("kprobe/do_nanosleep") int tk_kp(void *ctx) { u64 *v = bpf_task_storage_get(&tks, bpf_get_current_task_btf(), 0, 1); if (v) *v = 1; return 0; }
SEC("kprobe/do_nanosleep") int tk_raw(void *ctx) { u64 *v = bpf_task_storage_get(&tks, (void *)bpf_get_current_task(), 0, 1); if (v) *v = 1; return 0; }
SEC("fexit/do_exit") int nr_exit(void *ctx) { return 0; }
SEC("tc") int irq_ok(struct __sk_buff *s) { unsigned long f; bpf_local_irq_save(&f); acc++; bpf_local_irq_restore(&f); return 0; }
SEC("tc") int irq_copy(struct __sk_buff *s) { unsigned long f, g; bpf_local_irq_save(&f); g = f; bpf_local_irq_restore(&g); return 0; }
SEC("tc") int irq_leak(struct __sk_buff *s) { unsigned long f; bpf_local_irq_save(&f); if (s->len > 3) return 0; bpf_local_irq_restore(&f); return 0; }
SEC("tc") int irq_twice(struct __sk_buff *s) { unsigned long f; bpf_local_irq_save(&f); bpf_local_irq_restore(&f); bpf_local_irq_restore(&f); return 0; }
SEC("tc") int irq_write(struct __sk_buff *s) { unsigned long f; bpf_local_irq_save(&f); *(volatile unsigned long *)&f = 0; bpf_local_irq_restore(&f); return 0; }
SEC("tc") int rb_var(struct __sk_buff *s) { void *r = bpf_ringbuf_reserve(&rb, s->len & 63, 0); if (r) bpf_ringbuf_discard(r, 0); return 0; }
SEC("tc") int rb_big(struct __sk_buff *s) { void *r = bpf_ringbuf_reserve(&rb, 1 << 20, 0); if (r) bpf_ringbuf_discard(r, 0); return 0; }
SEC("tc") int rb_oob(struct __sk_buff *s) { u8 *r = bpf_ringbuf_reserve(&rb, 8, 0); if (r) { r[8] = 1; bpf_ringbuf_submit(r, 0); } return 0; }
SEC("tc") int rb_after(struct __sk_buff *s) { u8 *r = bpf_ringbuf_reserve(&rb, 8, 0); if (r) { bpf_ringbuf_submit(r, 0); r[0] = 1; } return 0; }

