// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// mcpu=v3
/* Objects of programs: kptrs in maps, references to tasks and cgroups, masks of CPUs, allocated nodes. */
#include "kit.h"
struct bpf_list_head { __u64 :64; __u64 :64; } __attribute__((aligned(8)));
struct bpf_list_node { __u64 :64; __u64 :64; __u64 :64; } __attribute__((aligned(8)));
struct bpf_rb_root { __u64 :64; __u64 :64; } __attribute__((aligned(8)));
struct bpf_rb_node { __u64 :64; __u64 :64; __u64 :64; __u64 :64; } __attribute__((aligned(8)));
struct bpf_refcount { __u32 :32; } __attribute__((aligned(4)));
#define __contains(name, node) __attribute__((btf_decl_tag("contains:" #name ":" #node)))
#define private(name) SEC(".data." #name) __attribute__((visibility("hidden"))) __attribute__((aligned(8)))
extern void *bpf_obj_new_impl(__u64 id, void *meta) __ksym;
extern void bpf_obj_drop_impl(void *p, void *meta) __ksym;
extern int bpf_list_push_front_impl(struct bpf_list_head *h, struct bpf_list_node *n, void *meta, __u64 off) __ksym;
extern int bpf_list_push_back_impl(struct bpf_list_head *h, struct bpf_list_node *n, void *meta, __u64 off) __ksym;
extern struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *h) __ksym;
extern int bpf_rbtree_add_impl(struct bpf_rb_root *r, struct bpf_rb_node *n, bool (less)(struct bpf_rb_node *a, const struct bpf_rb_node *b), void *meta, __u64 off) __ksym;
extern struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *r) __ksym;
extern struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *r, struct bpf_rb_node *n) __ksym;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern struct task_struct *bpf_task_from_pid(int pid) __ksym;
extern struct cgroup *bpf_cgroup_from_id(__u64 id) __ksym;
extern struct cgroup *bpf_cgroup_ancestor(struct cgroup *c, int level) __ksym;
extern void bpf_cgroup_release(struct cgroup *c) __ksym;
extern struct bpf_cpumask *bpf_cpumask_create(void) __ksym;
extern void bpf_cpumask_release(struct bpf_cpumask *m) __ksym;
extern void bpf_cpumask_set_cpu(__u32 cpu, struct bpf_cpumask *m) __ksym;
extern bool bpf_cpumask_test_cpu(__u32 cpu, const struct cpumask *m) __ksym;
extern __u32 bpf_cpumask_first(const struct cpumask *m) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern void bpf_preempt_disable(void) __ksym;
extern void bpf_preempt_enable(void) __ksym;
#define new(t) ((t *)bpf_obj_new_impl(bpf_core_type_id_local(t), 0))
#define drop(p) bpf_obj_drop_impl(p, 0)
struct elem { struct bpf_list_node l; int v; };
struct leaf { struct bpf_rb_node r; int key; };
struct held { struct task_struct __kptr *t; __u64 n; };
struct mask { struct bpf_cpumask __kptr *m; };
MAP(tasks, HASH, __u32, struct held, 16);
MAP(masks, ARRAY, __u32, struct mask, 4);
private(A) struct bpf_spin_lock la;
private(A) struct bpf_list_head head __contains(elem, l);
private(A) struct bpf_spin_lock lb;
private(B) struct bpf_spin_lock lc;
private(B) struct bpf_rb_root root __contains(leaf, r);
static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b) { return container_of(a, struct leaf, r)->key < container_of(b, struct leaf, r)->key; }

SEC("tc") int push(void *ctx) {
	struct elem *e = new(struct elem);
	if (!e) return 0;
	e->v = 7;
	bpf_spin_lock(&la);
	bpf_list_push_front_impl(&head, &e->l, 0, 0);
	bpf_spin_unlock(&la);
	return 0;
}
/* Without the lock. */
SEC("tc") int push_unlocked(void *ctx) {
	struct elem *e = new(struct elem);
	if (!e) return 0;
	bpf_list_push_front_impl(&head, &e->l, 0, 0);
	return 0;
}
SEC("tc") int push_other_lock(void *ctx) {
	struct elem *e = new(struct elem);
	if (!e) return 0;
	bpf_spin_lock(&lc);
	bpf_list_push_front_impl(&head, &e->l, 0, 0);
	bpf_spin_unlock(&lc);
	return 0;
}
SEC("tc") int push_twice(void *ctx) {
	struct elem *e = new(struct elem);
	if (!e) return 0;
	bpf_spin_lock(&la);
	bpf_list_push_front_impl(&head, &e->l, 0, 0);
	bpf_list_push_back_impl(&head, &e->l, 0, 0);
	bpf_spin_unlock(&la);
	return 0;
}
SEC("tc") int push_unchecked(void *ctx) {
	struct elem *e = new(struct elem);
	bpf_spin_lock(&la);
	bpf_list_push_front_impl(&head, &e->l, 0, 0);
	bpf_spin_unlock(&la);
	return 0;
}
SEC("tc") int pop(void *ctx) {
	struct bpf_list_node *n;
	struct elem *e;
	int v;
	bpf_spin_lock(&la);
	n = bpf_list_pop_front(&head);
	bpf_spin_unlock(&la);
	if (!n) return 0;
	e = container_of(n, struct elem, l);
	v = e->v;
	drop(e);
	return v;
}
SEC("tc") int pop_leaks(void *ctx) {
	struct bpf_list_node *n;
	bpf_spin_lock(&la);
	n = bpf_list_pop_front(&head);
	bpf_spin_unlock(&la);
	return n ? container_of(n, struct elem, l)->v : 0;
}
SEC("tc") int drop_late(void *ctx) { struct elem *e = new(struct elem); if (!e) return 0; drop(e); return e->v; }
SEC("tc") int new_leaks(void *ctx) { struct elem *e = new(struct elem); return e ? e->v : 0; }
SEC("tc") int new_writes_node(void *ctx) { struct elem *e = new(struct elem); if (!e) return 0; *(volatile __u64 *)e = 1; drop(e); return 0; }
SEC("tc") int new_behind(void *ctx) { struct elem *e = new(struct elem); if (!e) return 0; *(volatile int *)((void *)e + sizeof(*e)) = 1; drop(e); return 0; }
SEC("tc") int tree_add(void *ctx) {
	struct leaf *n = new(struct leaf);
	if (!n) return 0;
	n->key = 3;
	bpf_spin_lock(&lc);
	bpf_rbtree_add_impl(&root, &n->r, less, 0, 0);
	bpf_spin_unlock(&lc);
	return 0;
}
SEC("tc") int tree_take(void *ctx) {
	struct bpf_rb_node *n;
	int k;
	bpf_spin_lock(&lc);
	n = bpf_rbtree_first(&root);
	if (!n) { bpf_spin_unlock(&lc); return 0; }
	n = bpf_rbtree_remove(&root, n);
	bpf_spin_unlock(&lc);
	if (!n) return 0;
	k = container_of(n, struct leaf, r)->key;
	drop(container_of(n, struct leaf, r));
	return k;
}
/* Looked at when the lock is gone, removed then. */
SEC("tc") int tree_late(void *ctx) {
	struct bpf_rb_node *n;
	bpf_spin_lock(&lc);
	n = bpf_rbtree_first(&root);
	bpf_spin_unlock(&lc);
	if (!n) return 0;
	return container_of(n, struct leaf, r)->key;
}
SEC("tc") int tree_list_mix(void *ctx) {
	struct elem *e = new(struct elem);
	if (!e) return 0;
	bpf_spin_lock(&lc);
	bpf_rbtree_add_impl(&root, (void *)&e->l, less, 0, 0);
	bpf_spin_unlock(&lc);
	return 0;
}
SEC("tp_btf/task_newtask") int BPF_PROG(keep, struct task_struct *t, __u64 flags) {
	__u32 k = t->pid;
	struct held h = {}, *v;
	struct task_struct *a, *old;
	bpf_map_update_elem(&tasks, &k, &h, 0);
	v = bpf_map_lookup_elem(&tasks, &k);
	if (!v) return 0;
	a = bpf_task_acquire(t);
	if (!a) return 0;
	old = bpf_kptr_xchg(&v->t, a);
	if (old) bpf_task_release(old);
	return 0;
}
/* What was there before is lost. */
SEC("tp_btf/task_newtask") int BPF_PROG(keep_loses, struct task_struct *t, __u64 flags) {
	__u32 k = 1;
	struct held *v = bpf_map_lookup_elem(&tasks, &k);
	struct task_struct *a;
	if (!v) return 0;
	a = bpf_task_acquire(t);
	if (!a) return 0;
	bpf_kptr_xchg(&v->t, a);
	return 0;
}
SEC("tp_btf/task_newtask") int BPF_PROG(keep_stores, struct task_struct *t, __u64 flags) {
	__u32 k = 1;
	struct held *v = bpf_map_lookup_elem(&tasks, &k);
	if (!v) return 0;
	*(struct task_struct *volatile *)&v->t = t;
	return 0;
}
SEC("tp_btf/task_newtask") int BPF_PROG(keep_unacquired, struct task_struct *t, __u64 flags) {
	__u32 k = 1;
	struct held *v = bpf_map_lookup_elem(&tasks, &k);
	struct task_struct *old;
	if (!v) return 0;
	old = bpf_kptr_xchg(&v->t, t);
	if (old) bpf_task_release(old);
	return 0;
}
SEC("tp_btf/task_newtask") int BPF_PROG(kept_pid, struct task_struct *t, __u64 flags) {
	__u32 k = 1;
	struct held *v = bpf_map_lookup_elem(&tasks, &k);
	struct task_struct *old;
	int pid = 0;
	if (!v) return 0;
	bpf_rcu_read_lock();
	old = v->t;
	if (old) pid = old->pid;
	bpf_rcu_read_unlock();
	return pid;
}
SEC("tp_btf/task_newtask") int BPF_PROG(kept_pid_unchecked, struct task_struct *t, __u64 flags) {
	__u32 k = 1;
	struct held *v = bpf_map_lookup_elem(&tasks, &k);
	int pid;
	if (!v) return 0;
	bpf_rcu_read_lock();
	pid = v->t->pid;
	bpf_rcu_read_unlock();
	return pid;
}
SEC("tp_btf/task_newtask") int BPF_PROG(kept_partly, struct task_struct *t, __u64 flags) {
	__u32 k = 1;
	struct held *v = bpf_map_lookup_elem(&tasks, &k);
	return v ? *(volatile int *)&v->t : 0;
}
SEC("tp_btf/task_newtask") int BPF_PROG(from_pid, struct task_struct *t, __u64 flags) {
	struct task_struct *p = bpf_task_from_pid(1);
	int prio;
	if (!p) return 0;
	prio = p->prio;
	bpf_task_release(p);
	return prio;
}
SEC("tp_btf/task_newtask") int BPF_PROG(from_pid_twice, struct task_struct *t, __u64 flags) {
	struct task_struct *p = bpf_task_from_pid(1);
	if (!p) return 0;
	bpf_task_release(p); bpf_task_release(p);
	return 0;
}
SEC("tp_btf/task_newtask") int BPF_PROG(from_pid_null, struct task_struct *t, __u64 flags) { bpf_task_release(bpf_task_from_pid(1)); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(release_argument, struct task_struct *t, __u64 flags) { bpf_task_release(t); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(acquire_parent, struct task_struct *t, __u64 flags) {
	struct task_struct *p = bpf_task_acquire(t->real_parent);
	if (p) bpf_task_release(p);
	return 0;
}
SEC("tp_btf/task_newtask") int BPF_PROG(acquire_leader, struct task_struct *t, __u64 flags) {
	struct task_struct *p = bpf_task_acquire(t->group_leader);
	if (p) bpf_task_release(p);
	return 0;
}
SEC("kprobe/do_exit") int acquire_kprobe(void *ctx) {
	struct task_struct *p = bpf_task_acquire(bpf_get_current_task_btf());
	if (p) bpf_task_release(p);
	return 0;
}
SEC("tp_btf/task_newtask") int BPF_PROG(cg_top, struct task_struct *t, __u64 flags) {
	struct cgroup *c = bpf_cgroup_ancestor(t->cgroups->dfl_cgrp, 1);
	int l;
	if (!c) return 0;
	l = c->level;
	bpf_cgroup_release(c);
	return l;
}
SEC("tp_btf/task_newtask") int BPF_PROG(cg_id, struct task_struct *t, __u64 flags) {
	struct cgroup *c = bpf_cgroup_from_id(1);
	if (!c) return 0;
	if (c->level > 3) return 0;
	bpf_cgroup_release(c);
	return 0;
}
SEC("tp_btf/task_newtask") int BPF_PROG(mask_new, struct task_struct *t, __u64 flags) {
	__u32 k = 0;
	struct bpf_cpumask *m = bpf_cpumask_create(), *old;
	struct mask *v;
	if (!m) return 0;
	bpf_cpumask_set_cpu(1, m);
	v = bpf_map_lookup_elem(&masks, &k);
	if (!v) { bpf_cpumask_release(m); return 0; }
	old = bpf_kptr_xchg(&v->m, m);
	if (old) bpf_cpumask_release(old);
	return 0;
}
SEC("tp_btf/task_newtask") int BPF_PROG(mask_new_lost, struct task_struct *t, __u64 flags) {
	__u32 k = 0;
	struct bpf_cpumask *m = bpf_cpumask_create(), *old;
	struct mask *v;
	if (!m) return 0;
	v = bpf_map_lookup_elem(&masks, &k);
	if (!v) return 0;
	old = bpf_kptr_xchg(&v->m, m);
	if (old) bpf_cpumask_release(old);
	return 0;
}
SEC("tp_btf/task_newtask") int BPF_PROG(mask_first, struct task_struct *t, __u64 flags) {
	struct bpf_cpumask *m = bpf_cpumask_create();
	__u32 f;
	if (!m) return 0;
	f = bpf_cpumask_first((struct cpumask *)m);
	bpf_cpumask_release(m);
	return f;
}
/* A mask of the kernel may be read, not written. */
SEC("tp_btf/task_newtask") int BPF_PROG(mask_kernel, struct task_struct *t, __u64 flags) { bpf_cpumask_set_cpu(1, (void *)t); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(mask_number, struct task_struct *t, __u64 flags) { return bpf_cpumask_test_cpu(1, (void *)8); }
SEC("fentry.s/__x64_sys_getpgid") int BPF_PROG(rcu_parent) {
	struct task_struct *t = bpf_get_current_task_btf(), *p;
	int pid = 0;
	bpf_rcu_read_lock();
	p = t->real_parent;
	if (p) pid = p->pid;
	bpf_rcu_read_unlock();
	return pid & 0;
}
SEC("fentry.s/__x64_sys_getpgid") int BPF_PROG(rcu_kept) {
	struct task_struct *t = bpf_get_current_task_btf();
	bpf_rcu_read_lock();
	if (t->pid == 1) return 0;
	bpf_rcu_read_unlock();
	return 0;
}
SEC("fentry.s/__x64_sys_getpgid") int BPF_PROG(rcu_copies) {
	char b[8];
	bpf_rcu_read_lock();
	bpf_copy_from_user(b, 8, (void *)4096);
	bpf_rcu_read_unlock();
	return 0;
}
SEC("fentry.s/__x64_sys_getpgid") int BPF_PROG(rcu_extra) { bpf_rcu_read_lock(); bpf_rcu_read_unlock(); bpf_rcu_read_unlock(); return 0; }
SEC("fentry.s/__x64_sys_getpgid") int BPF_PROG(rcu_after) {
	struct task_struct *t = bpf_get_current_task_btf(), *p, *a;
	bpf_rcu_read_lock();
	p = t->real_parent;
	bpf_rcu_read_unlock();
	a = bpf_task_acquire(p);
	if (a) bpf_task_release(a);
	return 0;
}
SEC("fentry.s/__x64_sys_getpgid") int BPF_PROG(preempt_ok) { bpf_preempt_disable(); bpf_preempt_enable(); return 0; }
SEC("fentry.s/__x64_sys_getpgid") int BPF_PROG(preempt_kept) { bpf_preempt_disable(); if (bpf_get_current_task_btf()->pid == 1) return 0; bpf_preempt_enable(); return 0; }
SEC("fentry.s/__x64_sys_getpgid") int BPF_PROG(preempt_sleeps) { char b[8]; bpf_preempt_disable(); bpf_copy_from_user(b, 8, (void *)4096); bpf_preempt_enable(); return 0; }
