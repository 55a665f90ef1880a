// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// mcpu=v3
/* Sections of RCU, without preemption and without interrupts; iterators; dynptrs; results of callbacks. */
#include "types.h"
char LICENSE[] SEC("license") = "GPL";
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern void bpf_preempt_disable(void) __ksym;
extern void bpf_preempt_enable(void) __ksym;
extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern int bpf_iter_css_new(struct bpf_iter_css *it, struct cgroup_subsys_state *start, unsigned int flags) __ksym;
extern struct cgroup_subsys_state *bpf_iter_css_next(struct bpf_iter_css *it) __ksym;
extern void bpf_iter_css_destroy(struct bpf_iter_css *it) __ksym;
extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task, unsigned int flags) __ksym;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __ksym;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __ksym;
extern int bpf_copy_from_user_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign, u64 flags) __ksym;
extern struct cgroup *bpf_cgroup_from_id(u64 cgid) __ksym;
extern void bpf_cgroup_release(struct cgroup *cgrp) __ksym;
extern struct cgroup *bpf_cgroup_ancestor(struct cgroup *cgrp, int level) __ksym;
extern void bpf_throw(u64 cookie) __ksym;
struct val { struct bpf_spin_lock l; u64 n; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, u32); __type(value, struct val); } locked SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, u32); __type(value, u64); } arr SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 4); } jmp SEC(".maps");
u64 acc; 
#define U(ctx) ((void *)PT_REGS_PARM1(ctx))

/* ok */
SEC("uprobe.s") int cp_ok(struct pt_regs *ctx) { char b[4]; bpf_copy_from_user(b, 4, U(ctx)); acc = b[0]; return 0; }
/* bad rcu */
SEC("uprobe.s") int cp_rcu(struct pt_regs *ctx) { char b[4]; bpf_rcu_read_lock(); bpf_copy_from_user(b, 4, U(ctx)); bpf_rcu_read_unlock(); acc = b[0]; return 0; }
/* bad: preempt */
SEC("uprobe.s") int cp_preempt(struct pt_regs *ctx) { char b[4]; bpf_preempt_disable(); bpf_copy_from_user(b, 4, U(ctx)); bpf_preempt_enable(); acc = b[0]; return 0; }
/* ok after */
SEC("uprobe.s") int cp_after(struct pt_regs *ctx) { char b[4]; bpf_rcu_read_lock(); acc++; bpf_rcu_read_unlock(); bpf_copy_from_user(b, 4, U(ctx)); acc = b[0]; return 0; }
/* bad kfunc in rcu */
SEC("uprobe.s") int ks_rcu(struct pt_regs *ctx) { char b[4]; bpf_rcu_read_lock(); bpf_copy_from_user_str(b, 4, U(ctx), 0); bpf_rcu_read_unlock(); acc = b[0]; return 0; }
SEC("uprobe.s") int ks_preempt(struct pt_regs *ctx) { char b[4]; bpf_preempt_disable(); bpf_copy_from_user_str(b, 4, U(ctx), 0); bpf_preempt_enable(); acc = b[0]; return 0; }
SEC("uprobe.s") int ks_ok(struct pt_regs *ctx) { char b[4]; bpf_copy_from_user_str(b, 4, U(ctx), 0); acc = b[0]; return 0; }
/* task helpers in rcu: copy_from_user_task */
SEC("uprobe.s") int cpt_rcu(struct pt_regs *ctx) { char b[4]; bpf_rcu_read_lock(); bpf_copy_from_user_task(b, 4, U(ctx), bpf_get_current_task_btf(), 0); bpf_rcu_read_unlock(); acc = b[0]; return 0; }
SEC("uprobe.s") int cpt_ok(struct pt_regs *ctx) { char b[4]; bpf_copy_from_user_task(b, 4, U(ctx), bpf_get_current_task_btf(), 0); acc = b[0]; return 0; }
SEC("lsm.s/file_open") int BPF_PROG(ima_rcu, struct file *f) { char b[32]; bpf_rcu_read_lock(); bpf_ima_file_hash(f, b, 32); bpf_rcu_read_unlock(); return 0; }
SEC("lsm.s/file_open") int BPF_PROG(ima_ok, struct file *f) { char b[32]; bpf_ima_file_hash(f, b, 32); return 0; }
SEC("lsm.s/file_open") int BPF_PROG(ima_pre, struct file *f) { char b[32]; bpf_preempt_disable(); bpf_ima_inode_hash(f->f_inode, b, 32); bpf_preempt_enable(); return 0; }
/* global functions */
__noinline int g_plain(int x) { return x + acc; }
__noinline int g_sleeps(u64 p) { char b[4]; bpf_copy_from_user(b, 4, (void *)p); return b[0]; }
static __noinline int s_sleeps(u64 p) { char b[4]; bpf_copy_from_user(b, 4, (void *)p); return b[0]; }
static __noinline int s_plain(int x) { return x + acc; }
SEC("uprobe.s") int gp_rcu(struct pt_regs *ctx) { int r; bpf_rcu_read_lock(); r = g_plain(PT_REGS_PARM1(ctx)); bpf_rcu_read_unlock(); acc += r; return 0; }
SEC("uprobe.s") int gs_rcu(struct pt_regs *ctx) { int r; bpf_rcu_read_lock(); r = g_sleeps(PT_REGS_PARM1(ctx)); bpf_rcu_read_unlock(); acc += r; return 0; }
SEC("uprobe.s") int gs_ok(struct pt_regs *ctx) { acc += g_sleeps(PT_REGS_PARM1(ctx)); return 0; }
SEC("uprobe.s") int gp_pre(struct pt_regs *ctx) { int r; bpf_preempt_disable(); r = g_plain(PT_REGS_PARM1(ctx)); bpf_preempt_enable(); acc += r; return 0; }
SEC("uprobe.s") int gs_pre(struct pt_regs *ctx) { int r; bpf_preempt_disable(); r = g_sleeps(PT_REGS_PARM1(ctx)); bpf_preempt_enable(); acc += r; return 0; }
SEC("uprobe.s") int ss_rcu(struct pt_regs *ctx) { int r; bpf_rcu_read_lock(); r = s_sleeps(PT_REGS_PARM1(ctx)); bpf_rcu_read_unlock(); acc += r; return 0; }
SEC("uprobe.s") int sp_pre(struct pt_regs *ctx) { int r; bpf_preempt_disable(); r = s_plain(PT_REGS_PARM1(ctx)); bpf_preempt_enable(); acc += r; return 0; }
SEC("tc") int gs_nonsleep(struct __sk_buff *s) { return g_sleeps(s->len); }
SEC("tc") int gp_lock(struct __sk_buff *s) { u32 k = 0; int r; struct val *v = bpf_map_lookup_elem(&locked, &k); if (!v) return 0; bpf_spin_lock(&v->l); r = g_plain(v->n); bpf_spin_unlock(&v->l); return r & 1; }
SEC("tc") int sp_lock(struct __sk_buff *s) { u32 k = 0; int r; struct val *v = bpf_map_lookup_elem(&locked, &k); if (!v) return 0; bpf_spin_lock(&v->l); r = s_plain(v->n); bpf_spin_unlock(&v->l); return r & 1; }
/* tail calls in sections */
SEC("tc") int tc_rcu(struct __sk_buff *s) { bpf_rcu_read_lock(); bpf_tail_call(s, &jmp, 0); bpf_rcu_read_unlock(); return 0; }
SEC("tc") int tc_pre(struct __sk_buff *s) { bpf_preempt_disable(); bpf_tail_call(s, &jmp, 0); bpf_preempt_enable(); return 0; }
SEC("tc") int tc_ok(struct __sk_buff *s) { bpf_preempt_disable(); acc++; bpf_preempt_enable(); bpf_tail_call(s, &jmp, 0); return 0; }
/* static function that leaves the section / enters it */
static __noinline void leave(void) { acc++; bpf_rcu_read_unlock(); }
static __noinline void enter(void) { acc++; bpf_rcu_read_lock(); }
SEC("uprobe.s") int st_leave(struct pt_regs *ctx) { bpf_rcu_read_lock(); leave(); return 0; }
SEC("uprobe.s") int st_enter(struct pt_regs *ctx) { enter(); bpf_rcu_read_unlock(); return 0; }
SEC("uprobe.s") int st_enter_bad(struct pt_regs *ctx) { enter(); return 0; }
/* global function with section of its own */
__noinline int g_sect(int x) { bpf_rcu_read_lock(); acc += x; bpf_rcu_read_unlock(); return 0; }
__noinline int g_sect_bad(int x) { bpf_rcu_read_lock(); acc += x; return 0; }
SEC("tc") int gsec_ok(struct __sk_buff *s) { return g_sect(s->len); }
SEC("tc") int gsec_bad(struct __sk_buff *s) { return g_sect_bad(s->len); }
/* callbacks */
static long cb_leave(u64 i, void *c) { bpf_rcu_read_unlock(); return 1; }
static long cb_sleep(u64 i, void *c) { char b[4]; bpf_copy_from_user(b, 4, (void *)i); return b[0] & 1; }
static long cb_both(u64 i, void *c) { bpf_rcu_read_lock(); acc++; bpf_rcu_read_unlock(); return 0; }
SEC("uprobe.s") int cbl(struct pt_regs *ctx) { bpf_rcu_read_lock(); bpf_loop(1, cb_leave, 0, 0); return 0; }
SEC("uprobe.s") int cbs_ok(struct pt_regs *ctx) { bpf_loop(5, cb_sleep, 0, 0); return 0; }
SEC("uprobe.s") int cbs_rcu(struct pt_regs *ctx) { bpf_rcu_read_lock(); bpf_loop(5, cb_sleep, 0, 0); bpf_rcu_read_unlock(); return 0; }
SEC("uprobe.s") int cbb_ok(struct pt_regs *ctx) { bpf_loop(5, cb_both, 0, 0); return 0; }
/* iterators */
SEC("iter.s/cgroup") int css_bad(struct bpf_iter__cgroup *ctx) { struct bpf_iter_css it; struct cgroup_subsys_state *p; struct cgroup *c = ctx->cgroup; if (!c) return 0; bpf_iter_css_new(&it, &c->self, 1); while ((p = bpf_iter_css_next(&it))) acc++; bpf_iter_css_destroy(&it); return 0; }
SEC("iter.s/cgroup") int css_ok(struct bpf_iter__cgroup *ctx) { struct bpf_iter_css it; struct cgroup_subsys_state *p; struct cgroup *c = ctx->cgroup; if (!c) return 0; bpf_rcu_read_lock(); bpf_iter_css_new(&it, &c->self, 1); while ((p = bpf_iter_css_next(&it))) acc++; bpf_iter_css_destroy(&it); bpf_rcu_read_unlock(); return 0; }
SEC("iter/cgroup") int css_nosleep(struct bpf_iter__cgroup *ctx) { struct bpf_iter_css it; struct cgroup_subsys_state *p; struct cgroup *c = ctx->cgroup; if (!c) return 0; bpf_iter_css_new(&it, &c->self, 1); while ((p = bpf_iter_css_next(&it))) acc++; bpf_iter_css_destroy(&it); return 0; }
SEC("iter.s/cgroup") int css_left(struct bpf_iter__cgroup *ctx) { struct bpf_iter_css it; struct cgroup_subsys_state *p; struct cgroup *c = ctx->cgroup; if (!c) return 0; bpf_rcu_read_lock(); bpf_iter_css_new(&it, &c->self, 1); bpf_rcu_read_unlock(); while ((p = bpf_iter_css_next(&it))) acc++; bpf_iter_css_destroy(&it); return 0; }
SEC("syscall") int task_bad(void *ctx) { struct bpf_iter_task it; struct task_struct *p; bpf_iter_task_new(&it, 0, 0); while ((p = bpf_iter_task_next(&it))) acc++; bpf_iter_task_destroy(&it); return 0; }
SEC("syscall") int task_ok(void *ctx) { struct bpf_iter_task it; struct task_struct *p; bpf_rcu_read_lock(); bpf_iter_task_new(&it, 0, 0); while ((p = bpf_iter_task_next(&it))) acc += p->pid; bpf_iter_task_destroy(&it); bpf_rcu_read_unlock(); return 0; }
SEC("syscall") int task_sleep_in(void *ctx) { char b[4]; struct bpf_iter_task it; struct task_struct *p; bpf_rcu_read_lock(); bpf_iter_task_new(&it, 0, 0); while ((p = bpf_iter_task_next(&it))) bpf_copy_from_user(b, 4, (void *)0x1000); bpf_iter_task_destroy(&it); bpf_rcu_read_unlock(); return 0; }
SEC("syscall") int task_use_after(void *ctx) { struct bpf_iter_task it; struct task_struct *p, *q; bpf_rcu_read_lock(); bpf_iter_task_new(&it, 0, 0); p = bpf_iter_task_next(&it); bpf_iter_task_destroy(&it); bpf_rcu_read_unlock(); if (p) { q = bpf_task_acquire(p); if (q) bpf_task_release(q); } return 0; }
/* throw in section */
SEC("tc") int thr_rcu(struct __sk_buff *s) { bpf_rcu_read_lock(); if (s->len > 4) bpf_throw(1); bpf_rcu_read_unlock(); return 0; }
SEC("tc") int thr_pre(struct __sk_buff *s) { bpf_preempt_disable(); if (s->len > 4) bpf_throw(1); bpf_preempt_enable(); return 0; }
/* bpf_timer etc skip; get_func args: kptr use after unlock of referenced task is fine */
SEC("lsm.s/file_open") int BPF_PROG(fp_rcu, struct file *f) { struct task_struct *t = bpf_get_current_task_btf(), *p; bpf_rcu_read_lock(); p = t->real_parent; acc += p->pid; bpf_rcu_read_unlock(); return 0; }
SEC("lsm.s/file_open") int BPF_PROG(fp_norcu, struct file *f) { struct task_struct *t = bpf_get_current_task_btf(), *p; p = t->real_parent; acc += p->pid; return 0; }
SEC("lsm.s/file_open") int BPF_PROG(fp_acq_norcu, struct file *f) { struct task_struct *t = bpf_get_current_task_btf(), *p; p = bpf_task_acquire(t->real_parent); if (p) bpf_task_release(p); return 0; }
SEC("lsm.s/file_open") int BPF_PROG(fp_acq_rcu, struct file *f) { struct task_struct *t = bpf_get_current_task_btf(), *p; bpf_rcu_read_lock(); p = bpf_task_acquire(t->real_parent); if (p) bpf_task_release(p); bpf_rcu_read_unlock(); return 0; }
SEC("lsm.s/file_open") int BPF_PROG(fp_acq_after, struct file *f) { struct task_struct *t = bpf_get_current_task_btf(), *p, *q; bpf_rcu_read_lock(); q = t->real_parent; bpf_rcu_read_unlock(); p = bpf_task_acquire(q); if (p) bpf_task_release(p); return 0; }
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, u32); __uint(value_size, 256); } stk SEC(".maps");
SEC("uprobe.s") int gst_rcu(struct pt_regs *ctx) { u32 k = 0; void *v = bpf_map_lookup_elem(&stk, &k); if (!v) return 0; bpf_rcu_read_lock(); bpf_get_stack(ctx, v, 256, 0); bpf_rcu_read_unlock(); return 0; }
SEC("uprobe.s") int gst_ok(struct pt_regs *ctx) { u32 k = 0; void *v = bpf_map_lookup_elem(&stk, &k); if (!v) return 0; bpf_get_stack(ctx, v, 256, 0); return 0; }
SEC("uprobe") int gst_ns(struct pt_regs *ctx) { u32 k = 0; void *v = bpf_map_lookup_elem(&stk, &k); if (!v) return 0; bpf_rcu_read_lock(); bpf_get_stack(ctx, v, 256, 0); bpf_rcu_read_unlock(); return 0; }
SEC("lsm.s/file_open") int BPF_PROG(gts_rcu, struct file *f) { u32 k = 0; void *v = bpf_map_lookup_elem(&stk, &k); if (!v) return 0; bpf_rcu_read_lock(); bpf_get_task_stack(bpf_get_current_task_btf(), v, 256, 0); bpf_rcu_read_unlock(); return 0; }
SEC("fentry.s/bprm_execve") int BPF_PROG(gs_fe, void *x) { u32 k = 0; void *v = bpf_map_lookup_elem(&stk, &k); if (!v) return 0; bpf_rcu_read_lock(); bpf_get_stack(ctx, v, 256, 0); bpf_rcu_read_unlock(); return 0; }
SEC("iter.s/task") int gts_it(struct bpf_iter__task *ctx) { u32 k = 0; void *v = bpf_map_lookup_elem(&stk, &k); if (!v || !ctx->task) return 0; bpf_preempt_disable(); bpf_get_task_stack(ctx->task, v, 256, 0); bpf_preempt_enable(); return 0; }
struct urec { u32 a; };
struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); __uint(max_entries, 4096); } urb SEC(".maps");
static long urb_ret(struct bpf_dynptr *d, void *c) { u32 x = 0; bpf_dynptr_read(&x, 4, d, 0, 0); return x; }
static long urb_ret1(struct bpf_dynptr *d, void *c) { u32 x = 0; bpf_dynptr_read(&x, 4, d, 0, 0); return x & 1; }
SEC("tp/syscalls/sys_enter_getpid") int ub(void *ctx) { bpf_user_ringbuf_drain(&urb, urb_ret, 0, 0); return 0; }
SEC("tp/syscalls/sys_enter_getpid") int ub_ok(void *ctx) { bpf_user_ringbuf_drain(&urb, urb_ret1, 0, 0); return 0; }
static long lp_ret(u64 i, void *c) { return bpf_get_prandom_u32(); }
static long lp_ret2(u64 i, u64 *c) { return *c; }
static long lp_ret3(u64 i, u64 *c) { u64 x; bpf_probe_read_kernel(&x, 8, (void *)i); return x; }
SEC("tp/syscalls/sys_enter_getpid") int lr1(void *ctx) { bpf_loop(3, lp_ret, 0, 0); return 0; }
SEC("tp/syscalls/sys_enter_getpid") int lr2(void *ctx) { u64 x = bpf_ktime_get_ns(); bpf_loop(3, lp_ret2, &x, 0); return 0; }
SEC("tp/syscalls/sys_enter_getpid") int lr3(void *ctx) { bpf_loop(3, lp_ret3, 0, 0); return 0; }
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps");
extern int bpf_dynptr_from_skb(struct __sk_buff *s, u64 flags, struct bpf_dynptr *p) __ksym;
extern int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *c) __ksym;
SEC("tc") int dy_inmap(struct __sk_buff *s) { u32 k = 0; void *v = bpf_map_lookup_elem(&stk, &k); if (!v) return 0; bpf_dynptr_from_skb(s, 0, v); return 0; }
SEC("tc") int dy_glob(struct __sk_buff *s) { bpf_dynptr_from_skb(s, 0, (void *)&acc); return 0; }
SEC("tc") int dy_rd_map(struct __sk_buff *s) { u32 k = 0; u64 x; void *v = bpf_map_lookup_elem(&stk, &k); if (!v) return 0; bpf_dynptr_read(&x, 8, v, 0, 0); return 0; }
SEC("tc") int dy_res_map(struct __sk_buff *s) { u32 k = 0; void *v = bpf_map_lookup_elem(&stk, &k); if (!v) return 0; bpf_ringbuf_reserve_dynptr(&rb, 8, 0, v); bpf_ringbuf_discard_dynptr(v, 0); return 0; }
SEC("tc") int dcl(struct __sk_buff *s) { struct bpf_dynptr a, b; bpf_ringbuf_reserve_dynptr(&rb, 8, 0, &a); bpf_dynptr_clone(&a, &b); bpf_ringbuf_submit_dynptr(&b, 0); return 0; }
SEC("tc") int dcl_both(struct __sk_buff *s) { struct bpf_dynptr a, b; bpf_ringbuf_reserve_dynptr(&rb, 8, 0, &a); bpf_dynptr_clone(&a, &b); bpf_ringbuf_submit_dynptr(&b, 0); bpf_ringbuf_submit_dynptr(&a, 0); return 0; }
SEC("tc") int dcl_none(struct __sk_buff *s) { struct bpf_dynptr a, b; bpf_ringbuf_reserve_dynptr(&rb, 8, 0, &a); bpf_dynptr_clone(&a, &b); return 0; }
SEC("tc") int dcl_use(struct __sk_buff *s) { struct bpf_dynptr a, b; u64 x = 0; bpf_ringbuf_reserve_dynptr(&rb, 8, 0, &a); bpf_dynptr_clone(&a, &b); bpf_ringbuf_submit_dynptr(&b, 0); bpf_dynptr_write(&a, 0, &x, 8, 0); return 0; }
