// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A scheduler's helper, a firewall and an auditor in one: queues under locks, sets of connections, files and groups. */
#include "../eighth_b/kit.h"
#define __kptr __attribute__((btf_type_tag("kptr")))
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#define __contains(n, node) __attribute__((btf_decl_tag("contains:" #n ":" #node)))
struct bpf_rb_root { __u64 o[2]; } __attribute__((aligned(8)));
struct bpf_rb_node { __u64 o[4]; } __attribute__((aligned(8)));
struct bpf_list_head { __u64 o[2]; } __attribute__((aligned(8)));
struct bpf_list_node { __u64 o[3]; } __attribute__((aligned(8)));
struct bpf_refcount { __u32 o; } __attribute__((aligned(4)));
struct bpf_iter_css { __u64 o[3]; } __attribute__((aligned(8)));
struct bpf_iter_css_task { __u64 o[1]; } __attribute__((aligned(8)));
struct bpf_iter_num { __u64 o[1]; } __attribute__((aligned(8)));
struct cgroup_subsys_state { struct cgroup *cgroup; int id; } CORE;
struct bpf_cpumask { struct cpumask cpumask; int usage; } CORE;
extern void *bpf_obj_new_impl(__u64 id, void *meta) __ksym __weak;
extern void bpf_obj_drop_impl(void *p, void *meta) __ksym __weak;
extern void *bpf_percpu_obj_new_impl(__u64 id, void *meta) __ksym __weak;
extern void bpf_percpu_obj_drop_impl(void *p, void *meta) __ksym __weak;
extern void *bpf_refcount_acquire_impl(void *p, void *meta) __ksym __weak;
extern int bpf_rbtree_add_impl(struct bpf_rb_root *r, struct bpf_rb_node *n, bool (*less)(struct bpf_rb_node *, const struct bpf_rb_node *), void *meta, __u64 off) __ksym __weak;
extern struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *r) __ksym __weak;
extern struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *r, struct bpf_rb_node *n) __ksym __weak;
extern int bpf_list_push_front_impl(struct bpf_list_head *h, struct bpf_list_node *n, void *meta, __u64 off) __ksym __weak;
extern int bpf_list_push_back_impl(struct bpf_list_head *h, struct bpf_list_node *n, void *meta, __u64 off) __ksym __weak;
extern struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *h) __ksym __weak;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym __weak;
extern void bpf_task_release(struct task_struct *p) __ksym __weak;
extern struct task_struct *bpf_task_from_pid(int pid) __ksym __weak;
extern struct cgroup *bpf_cgroup_acquire(struct cgroup *c) __ksym __weak;
extern struct cgroup *bpf_cgroup_from_id(__u64 id) __ksym __weak;
extern void bpf_cgroup_release(struct cgroup *c) __ksym __weak;
extern struct cgroup *bpf_cgroup_ancestor(struct cgroup *c, int level) __ksym __weak;
extern struct bpf_cpumask *bpf_cpumask_create(void) __ksym __weak;
extern void bpf_cpumask_release(struct bpf_cpumask *m) __ksym __weak;
extern void bpf_cpumask_copy(struct bpf_cpumask *d, const struct cpumask *s) __ksym __weak;
extern void bpf_cpumask_setall(struct bpf_cpumask *m) __ksym __weak;
extern bool bpf_cpumask_empty(const struct cpumask *m) __ksym __weak;
extern __u32 bpf_cpumask_any_distribute(const struct cpumask *m) __ksym __weak;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int a, int b) __ksym __weak;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym __weak;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym __weak;
extern struct file *bpf_get_task_exe_file(struct task_struct *t) __ksym __weak;
extern void bpf_put_file(struct file *f) __ksym __weak;
extern int bpf_get_file_xattr(struct file *f, const char *n, struct bpf_dynptr *v) __ksym __weak;
extern int bpf_get_dentry_xattr(struct dentry *f, const char *n, struct bpf_dynptr *v) __ksym __weak;
extern int bpf_dynptr_from_skb(struct __sk_buff *s, __u64 f, struct bpf_dynptr *p) __ksym __weak;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 o, void *b, __u32 n) __ksym __weak;
extern __u32 bpf_dynptr_size(const struct bpf_dynptr *p) __ksym __weak;
extern bool bpf_dynptr_is_rdonly(const struct bpf_dynptr *p) __ksym __weak;
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;
extern void *bpf_rdonly_cast(const void *p, __u32 id) __ksym __weak;
extern void *bpf_cast_to_kern_ctx(void *c) __ksym __weak;
#define NEW(t) ((t *)bpf_obj_new_impl(bpf_core_type_id_local(t), 0))
#define DROP(p) bpf_obj_drop_impl(p, 0)
#define OF(p, t, m) ((t *)((void *)(p) - __builtin_offsetof(t, m)))
struct job { __u64 prio; struct bpf_list_node l; struct task_struct __kptr *task; __u32 tries; };
struct conn { struct bpf_rb_node n; struct bpf_refcount ref; __u32 id, bytes; };
struct cell { __u64 hits[4]; };
struct lane { struct bpf_spin_lock lock; struct bpf_list_head jobs __contains(job, l); __u32 depth; };
struct table { struct bpf_spin_lock lock; struct bpf_rb_root conns __contains(conn, n); };
struct seat { struct conn __kptr *conn; struct cgroup __kptr *group; struct cell __percpu_kptr *cell; __u32 n; };
MAP(lanes, ARRAY, __u32, struct lane, 4);
MAP(tables, HASH, __u32, struct table, 4);
MAP(seats, HASH, __u32, struct seat, 64);
RING(events, 4096);
STORE(per_task, TASK_STORAGE, struct seat);
__u64 total;
static bool by_id(struct bpf_rb_node *a, const struct bpf_rb_node *b) { return OF(a, struct conn, n)->id < OF(b, struct conn, n)->id; }
static bool by_null(struct bpf_rb_node *a, const struct bpf_rb_node *b) { return bpf_get_prandom_u32() & 1; }

enum { Q_OK, Q_EARLY, Q_NO_UNLOCK, Q_OTHER_LANE, Q_TWO, Q_DEEP, Q_KEEP, Q_TOUCH, Q_COUNT_UNDER, Q_COPY_NODE, Q_TASK_IN, Q_TASK_LOST, Q_LANE_NULL, Q_PRINT_UNDER, Q_FULL };
INLINE int enqueue(__u64 *ctx, const int way) {
	struct task_struct *t = (void *)ctx[0], *got, *old;
	__u32 k = t->pid & 3, o = 1;
	struct lane *l, *m = 0;
	struct job *j = NEW(struct job);
	if (!j) return 0;
	j->prio = t->prio;
	if (way == Q_TASK_IN || way == Q_TASK_LOST) {
		got = bpf_task_acquire(t);
		if (!got) { DROP(j); return 0; }
		if (way == Q_TASK_LOST) { DROP(j); return 0; }
		old = bpf_kptr_xchg(&j->task, got);
		if (old) bpf_task_release(old);
	}
	l = bpf_map_lookup_elem(&lanes, &k);
	if (way != Q_LANE_NULL && !l) { DROP(j); return 0; }
	if (way == Q_OTHER_LANE) { m = bpf_map_lookup_elem(&lanes, &o); if (!m) { DROP(j); return 0; } }
	if (way == Q_FULL && l->depth > 100) return 0;
	bpf_spin_lock(&l->lock);
	if (way == Q_PRINT_UNDER) bpf_printk("pushing");
	if (way == Q_EARLY && j->prio > 5) { bpf_spin_unlock(&l->lock); DROP(j); return 0; }
	bpf_list_push_back_impl(way == Q_OTHER_LANE ? &m->jobs : &l->jobs, &j->l, 0, 0);
	if (way == Q_TWO) bpf_list_push_front_impl(&l->jobs, &j->l, 0, 0);
	if (way == Q_COUNT_UNDER) l->depth++;
	if (way == Q_TOUCH) j->tries = 1;
	if (way != Q_NO_UNLOCK) bpf_spin_unlock(&l->lock);
	if (way == Q_KEEP) total += j->tries;
	return 0;
}
#define Q(name, n) WAY("tp_btf/sched_wakeup", name, __u64, enqueue, n)
Q(q_ok, Q_OK) Q(q_early, Q_EARLY) Q(q_no_unlock, Q_NO_UNLOCK) Q(q_other_lane, Q_OTHER_LANE) Q(q_two, Q_TWO) Q(q_keep, Q_KEEP) Q(q_touch, Q_TOUCH) Q(q_count_under, Q_COUNT_UNDER)
Q(q_task_in, Q_TASK_IN) Q(q_task_lost, Q_TASK_LOST) Q(q_lane_null, Q_LANE_NULL) Q(q_print_under, Q_PRINT_UNDER) Q(q_full, Q_FULL)

enum { D_OK, D_LOOP, D_LOOP_LEAK, D_NOT_BACK, D_REQUEUE, D_REQUEUE_UNLOCKED, D_FIELD, D_TASK, D_TASK_RAW };
INLINE int dequeue(__u64 *ctx, const int way) {
	struct bpf_list_node *n;
	struct task_struct *t;
	struct job *j;
	__u32 k = 0;
	struct lane *l = bpf_map_lookup_elem(&lanes, &k);
	if (!l) return 0;
	if (way == D_LOOP || way == D_LOOP_LEAK) {
		for (int i = 0; i < 4; i++) {
			bpf_spin_lock(&l->lock);
			n = bpf_list_pop_front(&l->jobs);
			bpf_spin_unlock(&l->lock);
			if (!n) break;
			j = OF(n, struct job, l);
			total += j->prio;
			if (way == D_LOOP_LEAK && j->tries > 3) continue;
			DROP(j);
		}
		return 0;
	}
	bpf_spin_lock(&l->lock);
	n = bpf_list_pop_front(&l->jobs);
	bpf_spin_unlock(&l->lock);
	if (!n) return 0;
	j = OF(n, struct job, l);
	if (way == D_NOT_BACK) { DROP(n); return 0; }
	if (way == D_FIELD) total += *(__u64 *)((char *)j + 36);
	if (way == D_TASK) { t = bpf_kptr_xchg(&j->task, 0); if (t) { total += t->pid; bpf_task_release(t); } }
	if (way == D_TASK_RAW) total += (__u64)j->task;
	if (way == D_REQUEUE || way == D_REQUEUE_UNLOCKED) {
		j->tries++;
		if (way == D_REQUEUE) bpf_spin_lock(&l->lock);
		bpf_list_push_back_impl(&l->jobs, &j->l, 0, 0);
		if (way == D_REQUEUE) bpf_spin_unlock(&l->lock);
		return 0;
	}
	DROP(j);
	return 0;
}
#define D(name, n) WAY("tp_btf/sched_switch", name, __u64, dequeue, n)
D(d_ok, D_OK) D(d_loop, D_LOOP) D(d_loop_leak, D_LOOP_LEAK) D(d_not_back, D_NOT_BACK) D(d_requeue, D_REQUEUE) D(d_requeue_unlocked, D_REQUEUE_UNLOCKED) D(d_field, D_FIELD) D(d_task, D_TASK) D(d_task_raw, D_TASK_RAW)

enum { A_OK, A_NULL, A_LESS, A_SHARE, A_SHARE_NULL, A_SHARE_LEAK, A_SEAT, A_SEAT_LEAK, A_SEAT_GROUP, A_KEY, A_HALF };
INLINE int admit(struct __sk_buff *skb, const int way) {
	__u32 k = 0, h = skb->hash;
	struct table *t = bpf_map_lookup_elem(&tables, &k);
	struct seat *s = bpf_map_lookup_elem(&seats, &h);
	struct conn *c, *d = 0;
	if (!t) return 0;
	c = NEW(struct conn);
	if (way != A_NULL && !c) return 0;
	c->id = h;
	if (way >= A_SHARE && way <= A_SHARE_LEAK) {
		d = bpf_refcount_acquire_impl(c, 0);
		if (way == A_SHARE_NULL && !d) { DROP(c); return 0; }
	}
	bpf_spin_lock(&t->lock);
	bpf_rbtree_add_impl(&t->conns, &c->n, way == A_LESS ? by_null : by_id, 0, 0);
	bpf_spin_unlock(&t->lock);
	if (d && way != A_SHARE_LEAK) DROP(d);
	if (way >= A_SEAT && way <= A_SEAT_GROUP && s) {
		c = NEW(struct conn);
		if (!c) return 0;
		d = bpf_kptr_xchg(way == A_SEAT_GROUP ? (void *)&s->group : (void *)&s->conn, c);
		if (d && way != A_SEAT_LEAK) DROP(d);
	}
	if (way == A_KEY && s) bpf_map_update_elem(&seats, &s->n, s, 0);
	if (way == A_HALF && s) total += *(__u32 *)((char *)&s->conn + 4);
	return 0;
}
#define A(name, n) WAY("tc", name, struct __sk_buff, admit, n)
A(a_ok, A_OK) A(a_null, A_NULL) A(a_less, A_LESS) A(a_share, A_SHARE) A(a_share_null, A_SHARE_NULL) A(a_share_leak, A_SHARE_LEAK) A(a_seat, A_SEAT) A(a_seat_leak, A_SEAT_LEAK) A(a_seat_group, A_SEAT_GROUP) A(a_key, A_KEY) A(a_half, A_HALF)

enum { R_OK, R_LAST, R_AFTER, R_NULL, R_DROP_FIRST, R_WRITE_FIRST, R_WRITE_AFTER };
INLINE int retire(struct __sk_buff *skb, const int way) {
	__u32 k = 0;
	struct table *t = bpf_map_lookup_elem(&tables, &k);
	struct bpf_rb_node *n;
	struct conn *c;
	if (!t) return 0;
	bpf_spin_lock(&t->lock);
	n = bpf_rbtree_first(&t->conns);
	if (!n) { bpf_spin_unlock(&t->lock); return 0; }
	c = OF(n, struct conn, n);
	if (way == R_WRITE_FIRST) c->bytes += 1;
	if (way == R_DROP_FIRST) DROP(c);
	n = bpf_rbtree_remove(&t->conns, n);
	if (way == R_WRITE_AFTER) c->bytes = 0;
	bpf_spin_unlock(&t->lock);
	if (way == R_NULL) { c = OF(n, struct conn, n); total += c->bytes; }
	if (!n) return 0;
	if (way != R_AFTER) c = OF(n, struct conn, n);
	total += c->bytes;
	DROP(way == R_LAST ? (void *)n : (void *)c);
	return 0;
}
#define R(name, n) WAY("tc", name, struct __sk_buff, retire, n)
R(r_ok, R_OK) R(r_last, R_LAST) R(r_after, R_AFTER) R(r_null, R_NULL) R(r_drop_first, R_DROP_FIRST) R(r_write_first, R_WRITE_FIRST) R(r_write_after, R_WRITE_AFTER)

enum { P_OK, P_LEAK, P_THIS, P_THIS_NULL, P_BIG, P_SEAT, P_DROP_WRONG };
INLINE int percpu(__u64 *ctx, const int way) {
	__u32 k = 1;
	struct seat *s = bpf_map_lookup_elem(&seats, &k);
	struct cell *c = bpf_percpu_obj_new_impl(bpf_core_type_id_local(struct cell), 0), *v;
	if (way == P_LEAK) return c != 0;
	if (!c) return 0;
	if (way == P_THIS || way == P_THIS_NULL || way == P_BIG) {
		v = bpf_per_cpu_ptr((void *)c, bpf_get_smp_processor_id());
		if (way == P_THIS_NULL || v) { v->hits[0]++; if (way == P_BIG) total += *(__u64 *)((char *)v + 32); }
	}
	if (way == P_DROP_WRONG) { DROP(c); return 0; }
	if (way == P_SEAT && s) c = bpf_kptr_xchg(&s->cell, c);
	if (c) bpf_percpu_obj_drop_impl(c, 0);
	return 0;
}
#define PC(name, n) WAY("tp_btf/sched_process_exit", name, __u64, percpu, n)
PC(p_ok, P_OK) PC(p_leak, P_LEAK) PC(p_this, P_THIS) PC(p_this_null, P_THIS_NULL) PC(p_big, P_BIG) PC(p_seat, P_SEAT) PC(p_drop_wrong, P_DROP_WRONG)

enum { G_OK, G_STORE, G_STORE_LEAK, G_STORE_NULL, G_ANCESTOR, G_ANCESTOR_LEAK, G_WALK, G_KERNFS, G_MASK, G_MASK_TASK, G_MASK_EMPTY, G_SECTION_EXIT, G_LOOP_LEAK, G_LOOP };
INLINE int groups(__u64 *ctx, const int way) {
	struct task_struct *t = (void *)ctx[0], *f;
	struct cgroup *c, *a;
	struct bpf_cpumask *m;
	struct bpf_iter_num it;
	struct seat *s;
	int *i;
	if (way >= G_STORE && way <= G_STORE_NULL) {
		s = bpf_task_storage_get(&per_task, t, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
		if (way != G_STORE_NULL && !s) return 0;
		c = bpf_cgroup_from_id(1);
		if (!c) return 0;
		c = bpf_kptr_xchg(&s->group, c);
		if (c && way != G_STORE_LEAK) bpf_cgroup_release(c);
		return 0;
	}
	if (way == G_MASK || way == G_MASK_TASK || way == G_MASK_EMPTY) {
		m = bpf_cpumask_create();
		if (!m) return 0;
		bpf_cpumask_setall(m);
		if (way == G_MASK_TASK) bpf_cpumask_copy((void *)t, (void *)m); else bpf_cpumask_copy(m, (void *)m);
		if (way == G_MASK_EMPTY && bpf_cpumask_empty((void *)m)) return 0;
		total += bpf_cpumask_any_distribute((void *)m);
		bpf_cpumask_release(m);
		return 0;
	}
	if (way == G_LOOP || way == G_LOOP_LEAK) {
		bpf_iter_num_new(&it, 1, 8);
		while ((i = bpf_iter_num_next(&it))) {
			f = bpf_task_from_pid(*i);
			if (!f) continue;
			total += f->prio;
			if (way == G_LOOP_LEAK && f->prio > 3) break;
			bpf_task_release(f);
		}
		bpf_iter_num_destroy(&it);
		return 0;
	}
	if (way == G_SECTION_EXIT) { bpf_preempt_disable(); if (t->pid == 1) return 0; bpf_preempt_enable(); return 0; }
	bpf_rcu_read_lock();
	c = t->cgroups->dfl_cgrp;
	a = 0;
	if (way == G_ANCESTOR || way == G_ANCESTOR_LEAK) a = bpf_cgroup_ancestor(c, 1);
	if (way == G_WALK) a = bpf_cgroup_acquire(c);
	if (way == G_KERNFS) total += c->kn->id;
	bpf_rcu_read_unlock();
	if (a && way != G_ANCESTOR_LEAK) bpf_cgroup_release(a);
	return 0;
}
#define G(name, n) WAY("tp_btf/sched_process_fork", name, __u64, groups, n)
G(g_ok, G_OK) G(g_store, G_STORE) G(g_store_leak, G_STORE_LEAK) G(g_store_null, G_STORE_NULL) G(g_ancestor, G_ANCESTOR) G(g_ancestor_leak, G_ANCESTOR_LEAK) G(g_walk, G_WALK) G(g_kernfs, G_KERNFS) G(g_mask, G_MASK) G(g_mask_task, G_MASK_TASK) G(g_mask_empty, G_MASK_EMPTY) G(g_section_exit, G_SECTION_EXIT) G(g_loop, G_LOOP) G(g_loop_leak, G_LOOP_LEAK)

SEC("lsm.s/file_open") int BPF_PROG(f_xattr, struct file *f) { char b[16]; struct bpf_dynptr d; bpf_dynptr_from_mem(b, 0, 0, &d); return 0; }
SEC("lsm.s/file_open") int BPF_PROG(f_ring, struct file *f) { struct bpf_dynptr d; if (bpf_ringbuf_reserve_dynptr(&events, 32, 0, &d)) { bpf_ringbuf_discard_dynptr(&d, 0); return 0; } bpf_get_file_xattr(f, "user.tag", &d); bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
SEC("lsm.s/file_open") int BPF_PROG(f_ring_after, struct file *f) { struct bpf_dynptr d; bpf_ringbuf_reserve_dynptr(&events, 32, 0, &d); bpf_ringbuf_submit_dynptr(&d, 0); bpf_get_file_xattr(f, "user.tag", &d); return 0; }
SEC("lsm.s/file_open") int BPF_PROG(f_name, struct file *f) { char n[8] = "user.x"; struct bpf_dynptr d; bpf_ringbuf_reserve_dynptr(&events, 32, 0, &d); bpf_get_file_xattr(f, n, &d); bpf_ringbuf_discard_dynptr(&d, 0); return 0; }
SEC("lsm.s/file_open") int BPF_PROG(f_dentry, struct file *f) { struct bpf_dynptr d; bpf_ringbuf_reserve_dynptr(&events, 32, 0, &d); bpf_get_dentry_xattr(f->f_path.dentry, "user.tag", &d); bpf_ringbuf_discard_dynptr(&d, 0); return 0; }
SEC("lsm/file_open") int BPF_PROG(f_not_sleeping, struct file *f) { struct bpf_dynptr d; bpf_ringbuf_reserve_dynptr(&events, 32, 0, &d); bpf_get_file_xattr(f, "user.tag", &d); bpf_ringbuf_discard_dynptr(&d, 0); return 0; }
SEC("lsm.s/file_open") int BPF_PROG(f_exe, struct file *f) { struct file *e = bpf_get_task_exe_file(bpf_get_current_task_btf()); if (!e) return 0; total += e->f_inode->i_ino; bpf_put_file(e); return 0; }
SEC("lsm.s/file_open") int BPF_PROG(f_exe_after, struct file *f) { struct file *e = bpf_get_task_exe_file(bpf_get_current_task_btf()); if (!e) return 0; bpf_put_file(e); total += e->f_flags; return 0; }
SEC("lsm.s/file_open") int BPF_PROG(f_exe_walk, struct file *f) { struct file *e = bpf_get_task_exe_file((void *)bpf_get_current_task()); if (!e) return 0; bpf_put_file(e); return 0; }
SEC("tc") int k_size(struct __sk_buff *skb) { struct bpf_dynptr p; if (bpf_dynptr_from_skb(skb, 0, &p)) return 0; return bpf_dynptr_size(&p) + bpf_dynptr_is_rdonly(&p); }
SEC("tc") int k_flags(struct __sk_buff *skb) { struct bpf_dynptr p; char b[8], *d; bpf_dynptr_from_skb(skb, 4, &p); d = bpf_dynptr_slice(&p, 0, b, 8); return d ? d[7] : 0; }
SEC("tc") int k_var(struct __sk_buff *skb) { struct bpf_dynptr p; char b[64], *d; bpf_dynptr_from_skb(skb, 0, &p); d = bpf_dynptr_slice(&p, 0, b, skb->len & 63); return d ? d[0] : 0; }
SEC("tc") int k_moved(struct __sk_buff *skb) { struct bpf_dynptr p; char b[8], *d; bpf_dynptr_from_skb(skb, 0, &p); d = bpf_dynptr_slice(&p, 0, b, 8); if (!d) return 0; bpf_skb_pull_data(skb, 8); return d[0]; }
SEC("xdp") int k_in_xdp(struct xdp_md *x) { struct bpf_cpumask *m = bpf_cpumask_create(); if (m) bpf_cpumask_release(m); return 2; }
SEC("cgroup_skb/egress") int k_in_cgroup(struct __sk_buff *skb) { struct task_struct *t = bpf_task_from_pid(1); if (t) bpf_task_release(t); return 1; }
SEC("socket") int k_in_socket(struct __sk_buff *skb) { struct task_struct *t = bpf_task_from_pid(1); if (t) bpf_task_release(t); return 0; }
SEC("sk_lookup") int k_in_lookup(void *c) { struct cgroup *g = bpf_cgroup_from_id(1); if (g) bpf_cgroup_release(g); return 1; }
SEC("cgroup/connect4") int k_in_connect(void *c) { struct cgroup *g = bpf_cgroup_from_id(1); if (g) bpf_cgroup_release(g); return 1; }
SEC("syscall") int k_in_syscall(void *c) { struct conn *n = NEW(struct conn); if (n) DROP(n); return 0; }
SEC("raw_tp/sched_switch") int k_in_raw(void *c) { struct conn *n = NEW(struct conn); if (n) DROP(n); return 0; }
