// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A supervisor that keeps tasks, groups and masks: who owns what, and who gives it back. */
#include "kit.h"
#define __kptr __attribute__((btf_type_tag("kptr")))
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
#define private(name) SEC(".data." #name) __attribute__((aligned(8)))
#define __contains(n, node) __attribute__((btf_decl_tag("contains:" #n ":" #node)))
struct bpf_cpumask { struct cpumask cpumask; int usage; } CORE;
struct bpf_rb_root { __u64 o[2]; } __attribute__((aligned(8)));
struct bpf_rb_node { __u64 o[4]; } __attribute__((aligned(8)));
struct bpf_list_head { __u64 o[2]; } __attribute__((aligned(8)));
struct bpf_list_node { __u64 o[3]; } __attribute__((aligned(8)));
struct bpf_refcount { __u32 o; } __attribute__((aligned(4)));
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym __weak;
extern void bpf_task_release(struct task_struct *p) __ksym __weak;
extern struct task_struct *bpf_task_from_pid(int pid) __ksym __weak;
extern struct cgroup *bpf_cgroup_acquire(struct cgroup *c) __ksym __weak;
extern void bpf_cgroup_release(struct cgroup *c) __ksym __weak;
extern struct cgroup *bpf_cgroup_ancestor(struct cgroup *c, int level) __ksym __weak;
extern struct cgroup *bpf_cgroup_from_id(__u64 id) __ksym __weak;
extern struct bpf_cpumask *bpf_cpumask_create(void) __ksym __weak;
extern void bpf_cpumask_release(struct bpf_cpumask *m) __ksym __weak;
extern void bpf_cpumask_set_cpu(__u32 c, struct bpf_cpumask *m) __ksym __weak;
extern bool bpf_cpumask_test_cpu(__u32 c, const struct cpumask *m) __ksym __weak;
extern __u32 bpf_cpumask_first(const struct cpumask *m) __ksym __weak;
extern void *bpf_obj_new_impl(__u64 id, void *meta) __ksym __weak;
extern void bpf_obj_drop_impl(void *p, void *meta) __ksym __weak;
extern void *bpf_refcount_acquire_impl(void *p, void *meta) __ksym __weak;
extern int bpf_rbtree_add_impl(struct bpf_rb_root *r, struct bpf_rb_node *n, bool (*less)(struct bpf_rb_node *, const struct bpf_rb_node *), void *meta, __u64 off) __ksym __weak;
extern struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *r) __ksym __weak;
extern struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *r, struct bpf_rb_node *n) __ksym __weak;
extern int bpf_list_push_back_impl(struct bpf_list_head *h, struct bpf_list_node *n, void *meta, __u64 off) __ksym __weak;
extern struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *h) __ksym __weak;
#define NEW(t) ((t *)bpf_obj_new_impl(bpf_core_type_id_local(t), 0))
#define DROP(p) bpf_obj_drop_impl(p, 0)
#define OF(p, t, m) ((t *)((void *)(p) - __builtin_offsetof(t, m)))
struct job { struct bpf_rb_node rb; struct bpf_list_node li; struct bpf_refcount ref; __u64 due, id; };
struct slot { struct task_struct __kptr *task; struct bpf_cpumask __kptr *mask; __u64 since; };
struct group { struct cgroup __kptr *cg; __u64 n; };
MAP(slots, HASH, __u32, struct slot, 256);
MAP(groups, ARRAY, __u32, struct group, 8);
__u64 total;
#define NEED(f) if (!(f)) return 0

enum { K_OK, K_LEAK, K_OLD_LEAK, K_RELEASE_TWICE, K_STORED_RELEASED, K_READ, K_READ_RCU, K_READ_RCU_NULL, K_ACQ_NULL, K_ACQ_WALK, K_XCHG_NULL, K_XCHG_WRONG, K_DIRECT, K_DIRECT_ZERO, K_PID, K_PID_NULL, K_PID_LEAK, K_PID_USE_AFTER, K_ARITH, K_MASK, K_MASK_LEAK, K_MASK_SET_WRONG, K_MASK_READ, K_MASK_OTHER, K_COPY };
INLINE int keep(__u64 *ctx, const int way) {
	struct task_struct *p = (void *)ctx[0], *got, *old;
	__u32 pid = p->pid;
	struct slot *s, fresh = {};
	struct bpf_cpumask *m, *om;
	NEED(bpf_task_acquire); NEED(bpf_task_release); NEED(bpf_cpumask_create);
	if (way == K_PID || way == K_PID_NULL || way == K_PID_LEAK || way == K_PID_USE_AFTER) {
		NEED(bpf_task_from_pid);
		got = bpf_task_from_pid(1);
		if (way == K_PID_NULL) { total += got->prio; }
		if (!got) return 0;
		total += got->prio;
		if (way == K_PID_LEAK && total > 5) return 0;
		bpf_task_release(got);
		if (way == K_PID_USE_AFTER) total += got->prio;
		return 0;
	}
	s = bpf_map_lookup_elem(&slots, &pid);
	if (!s) { if (way == K_COPY) { fresh.task = p; } bpf_map_update_elem(&slots, &pid, &fresh, BPF_NOEXIST); return 0; }
	if (way == K_READ) { got = s->task; total += got ? got->pid : 0; return 0; }
	if (way == K_READ_RCU || way == K_READ_RCU_NULL) {
		bpf_rcu_read_lock();
		got = s->task;
		if (way == K_READ_RCU_NULL || got) total += got->pid;
		bpf_rcu_read_unlock();
		return 0;
	}
	if (way == K_DIRECT) { s->task = p; return 0; }
	if (way == K_DIRECT_ZERO) { s->task = 0; return 0; }
	if (way == K_ARITH) { old = bpf_kptr_xchg((void *)&s->task + 4, 0); if (old) bpf_task_release(old); return 0; }
	if (way >= K_MASK && way <= K_MASK_OTHER) {
		if (way == K_MASK_READ) { bpf_rcu_read_lock(); m = s->mask; if (m) total += bpf_cpumask_first((void *)m); bpf_rcu_read_unlock(); return 0; }
		m = bpf_cpumask_create();
		if (!m) return 0;
		bpf_cpumask_set_cpu(1, way == K_MASK_SET_WRONG ? (void *)p : m);
		om = bpf_kptr_xchg(way == K_MASK_OTHER ? (void *)&s->task : (void *)&s->mask, m);
		if (om && way != K_MASK_LEAK) bpf_cpumask_release(om);
		return 0;
	}
	if (way == K_XCHG_NULL) { old = bpf_kptr_xchg(&s->task, 0); if (old) bpf_task_release(old); return 0; }
	if (way == K_XCHG_WRONG) { old = bpf_kptr_xchg(&s->task, p); if (old) bpf_task_release(old); return 0; }
	got = bpf_task_acquire(way == K_ACQ_WALK ? p->real_parent->group_leader : p);
	if (way == K_ACQ_NULL) { total += got->pid; }
	if (!got) return 0;
	if (way == K_LEAK) return 0;
	if (way == K_RELEASE_TWICE) { bpf_task_release(got); bpf_task_release(got); return 0; }
	old = bpf_kptr_xchg(&s->task, got);
	if (way == K_STORED_RELEASED) bpf_task_release(got);
	if (old && way != K_OLD_LEAK) bpf_task_release(old);
	s->since = bpf_ktime_get_ns();
	return 0;
}
#define K(name, n) WAY("tp_btf/sched_process_fork", name, __u64, keep, n)
K(k_ok, K_OK) K(k_leak, K_LEAK) K(k_old_leak, K_OLD_LEAK) K(k_release_twice, K_RELEASE_TWICE) K(k_stored_released, K_STORED_RELEASED) K(k_read, K_READ) K(k_read_rcu, K_READ_RCU)
K(k_read_rcu_null, K_READ_RCU_NULL) K(k_acq_null, K_ACQ_NULL) K(k_acq_walk, K_ACQ_WALK) K(k_xchg_null, K_XCHG_NULL) K(k_xchg_wrong, K_XCHG_WRONG) K(k_direct, K_DIRECT) K(k_direct_zero, K_DIRECT_ZERO)
K(k_pid, K_PID) K(k_pid_null, K_PID_NULL) K(k_pid_leak, K_PID_LEAK) K(k_pid_use_after, K_PID_USE_AFTER) K(k_arith, K_ARITH) K(k_mask, K_MASK) K(k_mask_leak, K_MASK_LEAK) K(k_mask_set_wrong, K_MASK_SET_WRONG)
K(k_mask_read, K_MASK_READ) K(k_mask_other, K_MASK_OTHER) K(k_copy, K_COPY)

enum { G_OK, G_ANCESTOR_LEAK, G_ANCESTOR_NULL, G_LEVEL, G_WRONG, G_UNTRUSTED, G_ID, G_ID_NULL };
INLINE int grouped(__u64 *ctx, const int way) {
	struct cgroup *c = (void *)ctx[0], *a, *old;
	__u32 z = 1;
	struct group *g;
	NEED(bpf_cgroup_acquire); NEED(bpf_cgroup_ancestor); NEED(bpf_cgroup_from_id);
	if (way == G_ID || way == G_ID_NULL) { a = bpf_cgroup_from_id(c->kn->id); if (way == G_ID && !a) return 0; total += a->level; bpf_cgroup_release(a); return 0; }
	if (way == G_WRONG) { a = bpf_cgroup_acquire((void *)c->kn); if (a) bpf_cgroup_release(a); return 0; }
	if (way == G_UNTRUSTED) { struct task_struct *t = (void *)bpf_get_current_task(); a = bpf_cgroup_acquire((void *)t); if (a) bpf_cgroup_release(a); return 0; }
	a = bpf_cgroup_ancestor(c, c->level - 1);
	if (way == G_ANCESTOR_NULL) total += a->level;
	if (!a) return 0;
	if (way == G_ANCESTOR_LEAK) return 0;
	g = bpf_map_lookup_elem(&groups, &z);
	if (!g) { bpf_cgroup_release(a); return 0; }
	old = bpf_kptr_xchg(&g->cg, a);
	if (old) bpf_cgroup_release(old);
	return 0;
}
#define G(name, n) WAY("tp_btf/cgroup_mkdir", name, __u64, grouped, n)
G(g_ok, G_OK) G(g_ancestor_leak, G_ANCESTOR_LEAK) G(g_ancestor_null, G_ANCESTOR_NULL) G(g_wrong, G_WRONG) G(g_untrusted, G_UNTRUSTED) G(g_id, G_ID) G(g_id_null, G_ID_NULL)

