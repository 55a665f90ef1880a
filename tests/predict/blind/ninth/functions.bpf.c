// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Kernel functions: iterators, sections, locks, masks, strings, files, keys, dynptrs; half of them with one mistake. */
#include "../eighth_b/kit.h"
struct bpf_iter_task { __u64 o[3]; } __attribute__((aligned(8)));
struct bpf_iter_css { __u64 o[3]; } __attribute__((aligned(8)));
struct bpf_iter_bits { __u64 o[2]; } __attribute__((aligned(8)));
struct bpf_iter_task_vma { __u64 o[1]; } __attribute__((aligned(8)));
struct bpf_iter_num { __u64 o[1]; } __attribute__((aligned(8)));
struct bpf_wq { __u64 o[2]; } __attribute__((aligned(8)));
struct bpf_res_spin_lock { __u32 v; } __attribute__((aligned(4)));
struct bpf_cpumask { struct cpumask cpumask; int usage; } CORE;
struct cgroup_subsys_state { struct cgroup *cgroup; int id; } CORE;
struct bpf_key { int x; } CORE;
extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *t, unsigned f) __ksym __weak;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __ksym __weak;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __ksym __weak;
extern int bpf_iter_css_new(struct bpf_iter_css *it, struct cgroup_subsys_state *s, unsigned f) __ksym __weak;
extern struct cgroup_subsys_state *bpf_iter_css_next(struct bpf_iter_css *it) __ksym __weak;
extern void bpf_iter_css_destroy(struct bpf_iter_css *it) __ksym __weak;
extern int bpf_iter_bits_new(struct bpf_iter_bits *it, const __u64 *p, __u32 n) __ksym __weak;
extern int *bpf_iter_bits_next(struct bpf_iter_bits *it) __ksym __weak;
extern void bpf_iter_bits_destroy(struct bpf_iter_bits *it) __ksym __weak;
extern int bpf_iter_task_vma_new(struct bpf_iter_task_vma *it, struct task_struct *t, __u64 a) __ksym __weak;
extern struct vm_area_struct *bpf_iter_task_vma_next(struct bpf_iter_task_vma *it) __ksym __weak;
extern void bpf_iter_task_vma_destroy(struct bpf_iter_task_vma *it) __ksym __weak;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int a, int b) __ksym __weak;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym __weak;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym __weak;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym __weak;
extern void bpf_task_release(struct task_struct *p) __ksym __weak;
extern struct task_struct *bpf_task_from_pid(int pid) __ksym __weak;
extern struct cgroup *bpf_task_get_cgroup1(struct task_struct *t, int h) __ksym __weak;
extern struct cgroup *bpf_cgroup_from_id(__u64 id) __ksym __weak;
extern void bpf_cgroup_release(struct cgroup *c) __ksym __weak;
extern struct cgroup *bpf_cgroup_ancestor(struct cgroup *c, int level) __ksym __weak;
extern long bpf_task_under_cgroup(struct task_struct *t, struct cgroup *c) __ksym __weak;
extern struct bpf_cpumask *bpf_cpumask_create(void) __ksym __weak;
extern void bpf_cpumask_release(struct bpf_cpumask *m) __ksym __weak;
extern bool bpf_cpumask_and(struct bpf_cpumask *d, const struct cpumask *a, const struct cpumask *b) __ksym __weak;
extern __u32 bpf_cpumask_weight(const struct cpumask *m) __ksym __weak;
extern bool bpf_cpumask_test_and_set_cpu(__u32 c, struct bpf_cpumask *m) __ksym __weak;
extern int bpf_strlen(const char *s) __ksym __weak;
extern int bpf_strcmp(const char *a, const char *b) __ksym __weak;
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;
extern void bpf_local_irq_save(unsigned long *f) __ksym __weak;
extern void bpf_local_irq_restore(unsigned long *f) __ksym __weak;
extern int bpf_res_spin_lock(struct bpf_res_spin_lock *l) __ksym __weak;
extern void bpf_res_spin_unlock(struct bpf_res_spin_lock *l) __ksym __weak;
extern struct file *bpf_get_task_exe_file(struct task_struct *t) __ksym __weak;
extern void bpf_put_file(struct file *f) __ksym __weak;
extern int bpf_path_d_path(struct path *p, char *b, __u64 n) __ksym __weak;
extern struct bpf_key *bpf_lookup_user_key(__u32 s, __u64 f) __ksym __weak;
extern struct bpf_key *bpf_lookup_system_key(__u64 id) __ksym __weak;
extern void bpf_key_put(struct bpf_key *k) __ksym __weak;
extern int bpf_dynptr_from_skb(struct __sk_buff *s, __u64 f, struct bpf_dynptr *p) __ksym __weak;
extern int bpf_dynptr_from_xdp(struct xdp_md *s, __u64 f, struct bpf_dynptr *p) __ksym __weak;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 o, void *b, __u32 n) __ksym __weak;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, __u32 o, void *b, __u32 n) __ksym __weak;
extern int bpf_dynptr_adjust(const struct bpf_dynptr *p, __u32 a, __u32 b) __ksym __weak;
extern __u32 bpf_dynptr_size(const struct bpf_dynptr *p) __ksym __weak;
extern int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *c) __ksym __weak;
extern bool bpf_dynptr_is_null(const struct bpf_dynptr *p) __ksym __weak;
extern int bpf_dynptr_copy(struct bpf_dynptr *d, __u32 a, struct bpf_dynptr *s, __u32 b, __u32 n) __ksym __weak;
extern int bpf_copy_from_user_str(void *d, __u32 n, const void *u, __u64 f) __ksym __weak;
extern int bpf_sock_destroy(struct sock_common *s) __ksym __weak;
extern void *bpf_cast_to_kern_ctx(void *c) __ksym __weak;
extern void *bpf_rdonly_cast(const void *p, __u32 id) __ksym __weak;
extern void bpf_throw(__u64 c) __ksym __weak;
struct wv { struct bpf_wq w; __u64 n; };
struct rv { struct bpf_res_spin_lock l; __u64 n; };
MAP(works, ARRAY, __u32, struct wv, 2);
MAP(locks, ARRAY, __u32, struct rv, 2);
MAP(names, ARRAY, __u32, char[64], 2);
RING(ring, 4096);
__u64 total;
#define T(n) SEC("tp_btf/task_newtask") int BPF_PROG(n, struct task_struct *task, __u64 flags)
#define S(n) SEC("lsm.s/bprm_committed_creds") int BPF_PROG(n, struct linux_binprm *bprm)
#define C(n) SEC("tc") int n(struct __sk_buff *skb)
#define X(n) SEC("xdp") int n(struct xdp_md *xdp)
#define Y(n) SEC("syscall") int n(void *ctx)

T(i_task) { struct bpf_iter_task it; struct task_struct *t; bpf_rcu_read_lock(); bpf_iter_task_new(&it, 0, 0); while ((t = bpf_iter_task_next(&it))) total += t->pid; bpf_iter_task_destroy(&it); bpf_rcu_read_unlock(); return 0; }
T(i_task_nonull) { struct bpf_iter_task it; struct task_struct *t; bpf_rcu_read_lock(); bpf_iter_task_new(&it, 0, 0); t = bpf_iter_task_next(&it); total += t->pid; bpf_iter_task_destroy(&it); bpf_rcu_read_unlock(); return 0; }
T(i_task_nodestroy) { struct bpf_iter_task it; struct task_struct *t; bpf_rcu_read_lock(); bpf_iter_task_new(&it, 0, 0); t = bpf_iter_task_next(&it); if (t) total += t->pid; bpf_rcu_read_unlock(); return 0; }
T(i_task_after) { struct bpf_iter_task it; struct task_struct *t; bpf_rcu_read_lock(); bpf_iter_task_new(&it, 0, 0); t = bpf_iter_task_next(&it); bpf_iter_task_destroy(&it); if (t) total += t->pid; bpf_rcu_read_unlock(); return 0; }
T(i_task_write) { struct bpf_iter_task it; struct task_struct *t; bpf_rcu_read_lock(); bpf_iter_task_new(&it, 0, 0); t = bpf_iter_task_next(&it); if (t) t->prio = 1; bpf_iter_task_destroy(&it); bpf_rcu_read_unlock(); return 0; }
T(i_task_acquire) { struct bpf_iter_task it; struct task_struct *t, *a = 0; bpf_rcu_read_lock(); bpf_iter_task_new(&it, 0, 0); t = bpf_iter_task_next(&it); if (t) a = bpf_task_acquire(t); bpf_iter_task_destroy(&it); bpf_rcu_read_unlock(); if (a) bpf_task_release(a); return 0; }
T(i_task_leak) { struct bpf_iter_task it; struct task_struct *t, *a = 0; bpf_rcu_read_lock(); bpf_iter_task_new(&it, 0, 0); t = bpf_iter_task_next(&it); if (t) a = bpf_task_acquire(t); bpf_iter_task_destroy(&it); bpf_rcu_read_unlock(); return a != 0; }
T(i_num) { struct bpf_iter_num it; int *v; bpf_iter_num_new(&it, 0, 10); while ((v = bpf_iter_num_next(&it))) total += *v; bpf_iter_num_destroy(&it); return 0; }
T(i_num_wide) { struct bpf_iter_num it; int *v; bpf_iter_num_new(&it, 0, 10); while ((v = bpf_iter_num_next(&it))) total += *(__u64 *)v; bpf_iter_num_destroy(&it); return 0; }
T(i_num_return) { struct bpf_iter_num it; int *v; bpf_iter_num_new(&it, 0, 10); while ((v = bpf_iter_num_next(&it))) { if (*v == 5) return 0; total++; } bpf_iter_num_destroy(&it); return 0; }
T(i_num_twice) { struct bpf_iter_num it; bpf_iter_num_new(&it, 0, 10); bpf_iter_num_new(&it, 0, 5); bpf_iter_num_destroy(&it); return 0; }
T(i_num_uninit) { struct bpf_iter_num it; int *v = bpf_iter_num_next(&it); return v ? *v : 0; }
T(i_bits) { struct bpf_iter_bits it; __u64 m = flags; int *v; bpf_iter_bits_new(&it, &m, 1); while ((v = bpf_iter_bits_next(&it))) total += *v; bpf_iter_bits_destroy(&it); return 0; }
T(i_bits_over) { struct bpf_iter_bits it; __u64 m = flags; int *v; bpf_iter_bits_new(&it, &m, 2); while ((v = bpf_iter_bits_next(&it))) total += *v; bpf_iter_bits_destroy(&it); return 0; }
T(i_bits_nonull) { struct bpf_iter_bits it; __u64 m = flags; int *v; bpf_iter_bits_new(&it, &m, 1); v = bpf_iter_bits_next(&it); total += *v; bpf_iter_bits_destroy(&it); return 0; }
T(i_vma) { struct bpf_iter_task_vma it; struct vm_area_struct *v; bpf_iter_task_vma_new(&it, task, 0); while ((v = bpf_iter_task_vma_next(&it))) total += v->vm_end - v->vm_start; bpf_iter_task_vma_destroy(&it); return 0; }
T(i_vma_number) { struct bpf_iter_task_vma it; struct vm_area_struct *v; bpf_iter_task_vma_new(&it, (void *)flags, 0); v = bpf_iter_task_vma_next(&it); if (v) total += v->vm_end; bpf_iter_task_vma_destroy(&it); return 0; }
T(i_mixed) { struct bpf_iter_num it; bpf_iter_num_new(&it, 0, 3); bpf_iter_bits_destroy((void *)&it); return 0; }
T(p_section) { bpf_preempt_disable(); total++; bpf_preempt_enable(); return 0; }
T(p_open) { bpf_preempt_disable(); total++; return 0; }
T(p_extra) { bpf_preempt_enable(); return 0; }
T(p_nested) { bpf_preempt_disable(); bpf_preempt_disable(); total++; bpf_preempt_enable(); bpf_preempt_enable(); return 0; }
T(q_irq) { unsigned long f; bpf_local_irq_save(&f); total++; bpf_local_irq_restore(&f); return 0; }
T(q_irq_open) { unsigned long f; bpf_local_irq_save(&f); total++; return 0; }
T(q_irq_unset) { unsigned long f = 0; bpf_local_irq_restore(&f); return 0; }
T(q_irq_order) { unsigned long f, g; bpf_local_irq_save(&f); bpf_local_irq_save(&g); bpf_local_irq_restore(&f); bpf_local_irq_restore(&g); return 0; }
T(q_irq_nested) { unsigned long f, g; bpf_local_irq_save(&f); bpf_local_irq_save(&g); bpf_local_irq_restore(&g); bpf_local_irq_restore(&f); return 0; }
T(s_lock) { __u32 z = 0; struct rv *v = bpf_map_lookup_elem(&locks, &z); if (!v) return 0; if (bpf_res_spin_lock(&v->l)) return 0; v->n++; bpf_res_spin_unlock(&v->l); return 0; }
T(s_lock_nocheck) { __u32 z = 0; struct rv *v = bpf_map_lookup_elem(&locks, &z); if (!v) return 0; bpf_res_spin_lock(&v->l); v->n++; bpf_res_spin_unlock(&v->l); return 0; }
T(s_lock_open) { __u32 z = 0; struct rv *v = bpf_map_lookup_elem(&locks, &z); if (!v) return 0; if (bpf_res_spin_lock(&v->l)) return 0; v->n++; return 0; }
T(s_lock_null) { __u32 z = 0; struct rv *v = bpf_map_lookup_elem(&locks, &z); if (bpf_res_spin_lock(&v->l)) return 0; bpf_res_spin_unlock(&v->l); return 0; }
T(s_lock_other) { __u32 z = 0, o = 1; struct rv *v = bpf_map_lookup_elem(&locks, &z), *w = bpf_map_lookup_elem(&locks, &o); if (!v || !w) return 0; if (bpf_res_spin_lock(&v->l)) return 0; bpf_res_spin_unlock(&w->l); return 0; }
T(s_lock_helper) { __u32 z = 0; struct rv *v = bpf_map_lookup_elem(&locks, &z); if (!v) return 0; if (bpf_res_spin_lock(&v->l)) return 0; v->n = bpf_ktime_get_ns(); bpf_res_spin_unlock(&v->l); return 0; }
T(s_direct) { __u32 z = 0; struct rv *v = bpf_map_lookup_elem(&locks, &z); if (!v) return 0; return v->l.v; }
T(t_cgroup1) { struct cgroup *c = bpf_task_get_cgroup1(task, 0); if (!c) return 0; total += c->level; bpf_cgroup_release(c); return 0; }
T(t_cgroup1_leak) { struct cgroup *c = bpf_task_get_cgroup1(task, 0); if (!c) return 0; total += c->level; return 0; }
T(t_under) { struct cgroup *c = bpf_cgroup_from_id(1); if (!c) return 0; total += bpf_task_under_cgroup(task, c); bpf_cgroup_release(c); return 0; }
T(t_under_swapped) { struct cgroup *c = bpf_cgroup_from_id(1); if (!c) return 0; total += bpf_task_under_cgroup((void *)c, (void *)task); bpf_cgroup_release(c); return 0; }
T(t_ancestor_null) { struct cgroup *c = bpf_cgroup_from_id(1), *a; a = bpf_cgroup_ancestor(c, 0); if (a) bpf_cgroup_release(a); if (c) bpf_cgroup_release(c); return 0; }
T(t_release_task_as_cgroup) { struct task_struct *t = bpf_task_from_pid(1); if (!t) return 0; bpf_cgroup_release((void *)t); return 0; }
T(m_and) { struct bpf_cpumask *a = bpf_cpumask_create(), *b; if (!a) return 0; b = bpf_cpumask_create(); if (!b) { bpf_cpumask_release(a); return 0; } bpf_cpumask_and(a, (void *)a, (void *)b); total += bpf_cpumask_weight((void *)a); bpf_cpumask_release(a); bpf_cpumask_release(b); return 0; }
T(m_and_leak) { struct bpf_cpumask *a = bpf_cpumask_create(), *b; if (!a) return 0; b = bpf_cpumask_create(); if (!b) return 0; bpf_cpumask_release(a); bpf_cpumask_release(b); return 0; }
T(m_and_null) { struct bpf_cpumask *a = bpf_cpumask_create(), *b = bpf_cpumask_create(); if (a) { bpf_cpumask_and(a, (void *)a, (void *)b); bpf_cpumask_release(a); } if (b) bpf_cpumask_release(b); return 0; }
T(m_weight_task) { return bpf_cpumask_weight((void *)task); }
T(m_set) { struct bpf_cpumask *a = bpf_cpumask_create(); if (!a) return 0; total += bpf_cpumask_test_and_set_cpu(3, a); bpf_cpumask_release(a); return 0; }
T(d_str) { __u32 z = 0; char *s = bpf_map_lookup_elem(&names, &z); if (!s) return 0; return bpf_strlen(s); }
T(d_str_null) { __u32 z = 0; char *s = bpf_map_lookup_elem(&names, &z); return bpf_strlen(s); }
T(d_str_number) { return bpf_strlen((void *)flags); }
T(d_cmp) { return bpf_strcmp(task->comm, "bash"); }
T(d_cast) { struct task_struct *t = bpf_rdonly_cast((void *)flags, bpf_core_type_id_kernel(struct task_struct)); return t->pid; }
T(d_cast_write) { struct task_struct *t = bpf_rdonly_cast((void *)flags, bpf_core_type_id_kernel(struct task_struct)); t->pid = 1; return 0; }
T(d_throw) { if (flags > 4) bpf_throw(1); return 0; }
T(d_user) { char b[16]; return bpf_copy_from_user_str(b, 16, (void *)flags, 0); }
S(e_file) { struct file *f = bpf_get_task_exe_file(bpf_get_current_task_btf()); if (!f) return 0; bpf_put_file(f); return 0; }
S(e_file_leak) { struct file *f = bpf_get_task_exe_file(bpf_get_current_task_btf()); if (!f) return 0; return 0; }
S(e_file_null) { struct file *f = bpf_get_task_exe_file(bpf_get_current_task_btf()); bpf_put_file(f); return 0; }
S(e_path) { char b[64]; struct file *f = bprm->file; bpf_path_d_path(&f->f_path, b, 64); return 0; }
S(e_path_big) { char b[64]; struct file *f = bprm->file; bpf_path_d_path(&f->f_path, b, 128); return 0; }
S(e_user) { char b[16]; return bpf_copy_from_user_str(b, 16, (void *)bprm->filename, 0); }
S(e_key) { struct bpf_key *k = bpf_lookup_user_key(1, 0); if (!k) return 0; bpf_key_put(k); return 0; }
S(e_key_leak) { struct bpf_key *k = bpf_lookup_system_key(1); return k != 0; }
S(e_key_null) { bpf_key_put(bpf_lookup_system_key(1)); return 0; }
C(k_slice) { struct bpf_dynptr p; char b[14]; char *d; if (bpf_dynptr_from_skb(skb, 0, &p)) return 0; d = bpf_dynptr_slice(&p, 0, b, 14); if (!d) return 0; return d[12]; }
C(k_slice_over) { struct bpf_dynptr p; char b[14]; char *d; if (bpf_dynptr_from_skb(skb, 0, &p)) return 0; d = bpf_dynptr_slice(&p, 0, b, 14); if (!d) return 0; return d[14]; }
C(k_slice_write) { struct bpf_dynptr p; char b[14]; char *d; if (bpf_dynptr_from_skb(skb, 0, &p)) return 0; d = bpf_dynptr_slice(&p, 0, b, 14); if (!d) return 0; d[0] = 1; return 0; }
C(k_slice_rdwr) { struct bpf_dynptr p; char b[14]; char *d; if (bpf_dynptr_from_skb(skb, 0, &p)) return 0; d = bpf_dynptr_slice_rdwr(&p, 0, b, 14); if (!d) return 0; d[0] = 1; return 0; }
C(k_null) { struct bpf_dynptr p; char b[14]; char *d; bpf_dynptr_from_skb(skb, 0, &p); d = bpf_dynptr_slice(&p, 0, b, 14); return d[0]; }
C(k_adjust) { struct bpf_dynptr p; if (bpf_dynptr_from_skb(skb, 0, &p)) return 0; bpf_dynptr_adjust(&p, 4, 8); return bpf_dynptr_size(&p); }
C(k_unset) { struct bpf_dynptr p; return bpf_dynptr_size(&p); }
C(k_clone) { struct bpf_dynptr p, q; if (bpf_dynptr_from_skb(skb, 0, &p)) return 0; bpf_dynptr_clone(&p, &q); return bpf_dynptr_is_null(&q); }
C(k_clone_unset) { struct bpf_dynptr p, q; bpf_dynptr_clone(&p, &q); return bpf_dynptr_is_null(&q); }
C(k_copy) { struct bpf_dynptr p, q; if (bpf_dynptr_from_skb(skb, 0, &p)) return 0; if (bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &q)) { bpf_ringbuf_discard_dynptr(&q, 0); return 0; } bpf_dynptr_copy(&q, 0, &p, 0, 64); bpf_ringbuf_submit_dynptr(&q, 0); return 0; }
C(k_copy_leak) { struct bpf_dynptr p, q; if (bpf_dynptr_from_skb(skb, 0, &p)) return 0; bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &q); bpf_dynptr_copy(&q, 0, &p, 0, 64); return 0; }
C(k_xdp) { struct bpf_dynptr p; return bpf_dynptr_from_xdp((void *)skb, 0, &p); }
C(k_ctx) { struct sk_buff *s = bpf_cast_to_kern_ctx(skb); return s->len; }
C(k_ctx_write) { struct sk_buff *s = bpf_cast_to_kern_ctx(skb); s->len = 1; return 0; }
C(k_cpumask) { struct bpf_cpumask *a = bpf_cpumask_create(); if (a) bpf_cpumask_release(a); return 0; }
X(x_slice) { struct bpf_dynptr p; char b[14]; char *d; if (bpf_dynptr_from_xdp(xdp, 0, &p)) return 1; d = bpf_dynptr_slice_rdwr(&p, 0, b, 14); if (!d) return 1; d[0] = 1; return 2; }
X(x_skb) { struct bpf_dynptr p; return bpf_dynptr_from_skb((void *)xdp, 0, &p) ? 1 : 2; }
X(x_task) { struct task_struct *t = bpf_task_from_pid(1); if (!t) return 1; bpf_task_release(t); return 2; }
X(x_task_leak) { struct task_struct *t = bpf_task_from_pid(1); return t ? 1 : 2; }
Y(y_mask) { struct bpf_cpumask *a = bpf_cpumask_create(); if (a) bpf_cpumask_release(a); return 0; }
Y(y_user) { char b[16]; return bpf_copy_from_user_str(b, 32, ctx, 0); }
Y(y_throw_held) { struct task_struct *t = bpf_task_from_pid(1); if (!t) return 0; if (t->pid > 4) bpf_throw(1); bpf_task_release(t); return 0; }
SEC("iter/tcp") int v_destroy(struct bpf_iter__tcp *c) { struct sock_common *s = c->sk_common; if (!s) return 0; bpf_sock_destroy(s); return 0; }
SEC("iter/tcp") int v_destroy_null(struct bpf_iter__tcp *c) { bpf_sock_destroy(c->sk_common); return 0; }
SEC("kprobe/do_nanosleep") int v_kprobe(struct pt_regs *c) { struct task_struct *t = bpf_task_from_pid(1); if (t) bpf_task_release(t); return 0; }
SEC("perf_event") int v_perf(void *c) { struct task_struct *t = bpf_task_from_pid(1); if (t) bpf_task_release(t); return 0; }
