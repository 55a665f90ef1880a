// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a program owns: objects of the kernel's kept in maps, memory it allocates, lists and trees; half of them with one mistake. */
#include "../eighth_b/kit.h"
#define __kptr __attribute__((btf_type_tag("kptr")))
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
#define private(name) SEC(".bss." #name) __attribute__((aligned(8)))
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
extern struct cgroup *bpf_cgroup_from_id(__u64 id) __ksym __weak;
extern struct bpf_cpumask *bpf_cpumask_create(void) __ksym __weak;
extern struct bpf_cpumask *bpf_cpumask_acquire(struct bpf_cpumask *m) __ksym __weak;
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
extern int bpf_list_push_front_impl(struct bpf_list_head *h, struct bpf_list_node *n, void *meta, __u64 off) __ksym __weak;
extern int bpf_list_push_back_impl(struct bpf_list_head *h, struct bpf_list_node *n, void *meta, __u64 off) __ksym __weak;
extern struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *h) __ksym __weak;
extern struct bpf_list_node *bpf_list_pop_back(struct bpf_list_head *h) __ksym __weak;
#define NEW(t) ((t *)bpf_obj_new_impl(bpf_core_type_id_local(t), 0))
#define DROP(p) bpf_obj_drop_impl(p, 0)
#define OF(p, t, m) ((t *)((void *)(p) - __builtin_offsetof(t, m)))
struct elem { struct bpf_list_node li; __u64 key; __u32 hits; };
struct leaf { __u64 key; struct bpf_rb_node rb; __u32 n; };
struct both { struct bpf_list_node li; struct bpf_rb_node rb; struct bpf_refcount ref; __u64 key; };
struct plain { __u64 a, b; };
struct shelf { struct plain __kptr *p; struct plain __kptr *q; struct elem __kptr *e; };
struct tasks { struct task_struct __kptr *t; struct cgroup __kptr *c; struct bpf_cpumask __kptr *m; struct task_struct __kptr_untrusted *u; __u64 n; };
struct queue { struct bpf_spin_lock lock; struct bpf_list_head head __contains(elem, li); __u64 len; };
MAP(shelves, ARRAY, __u32, struct shelf, 4);
MAP(kept, HASH, __u64, struct tasks, 64);
MAP(queues, ARRAY, __u32, struct queue, 4);
private(A) struct bpf_spin_lock la;
private(A) struct bpf_list_head ha __contains(elem, li);
private(B) struct bpf_spin_lock lb;
private(B) struct bpf_rb_root rb __contains(leaf, rb);
private(C) struct bpf_spin_lock lc;
private(C) struct bpf_list_head hc __contains(both, li);
private(C) struct bpf_rb_root rc __contains(both, rb);
__u64 total;
static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b) { return OF(a, struct leaf, rb)->key < OF(b, struct leaf, rb)->key; }
static bool lessc(struct bpf_rb_node *a, const struct bpf_rb_node *b) { return OF(a, struct both, rb)->key < OF(b, struct both, rb)->key; }

#define P(n) SEC("tc") int n(struct __sk_buff *skb)
#define T(n) SEC("tp_btf/task_newtask") int BPF_PROG(n, struct task_struct *task, __u64 flags)

P(l_push) { struct elem *e = NEW(struct elem); if (!e) return 0; e->key = skb->len; bpf_spin_lock(&la); bpf_list_push_back_impl(&ha, &e->li, 0, 0); bpf_spin_unlock(&la); return 0; }
P(l_push_nolock) { struct elem *e = NEW(struct elem); if (!e) return 0; bpf_list_push_back_impl(&ha, &e->li, 0, 0); return 0; }
P(l_push_wronglock) { struct elem *e = NEW(struct elem); if (!e) return 0; bpf_spin_lock(&lb); bpf_list_push_back_impl(&ha, &e->li, 0, 0); bpf_spin_unlock(&lb); return 0; }
P(l_push_nonull) { struct elem *e = NEW(struct elem); bpf_spin_lock(&la); bpf_list_push_back_impl(&ha, &e->li, 0, 0); bpf_spin_unlock(&la); return 0; }
P(l_new_inlock) { struct elem *e; bpf_spin_lock(&la); e = NEW(struct elem); if (e) bpf_list_push_back_impl(&ha, &e->li, 0, 0); bpf_spin_unlock(&la); return 0; }
P(l_leak) { struct elem *e = NEW(struct elem); if (!e) return 0; e->hits = 1; if (skb->len > 100) return 1; DROP(e); return 0; }
P(l_drop_twice) { struct elem *e = NEW(struct elem); if (!e) return 0; DROP(e); DROP(e); return 0; }
P(l_use_after_drop) { struct elem *e = NEW(struct elem); if (!e) return 0; DROP(e); return e->hits; }
P(l_drop_pushed) { struct elem *e = NEW(struct elem); if (!e) return 0; bpf_spin_lock(&la); bpf_list_push_front_impl(&ha, &e->li, 0, 0); bpf_spin_unlock(&la); DROP(e); return 0; }
P(l_write_pushed_inlock) { struct elem *e = NEW(struct elem); if (!e) return 0; bpf_spin_lock(&la); bpf_list_push_front_impl(&ha, &e->li, 0, 0); e->hits = 3; bpf_spin_unlock(&la); return 0; }
P(l_read_pushed_after) { struct elem *e = NEW(struct elem); __u64 k; if (!e) return 0; bpf_spin_lock(&la); bpf_list_push_front_impl(&ha, &e->li, 0, 0); bpf_spin_unlock(&la); return e->hits; }
P(l_pop) { struct bpf_list_node *n; bpf_spin_lock(&la); n = bpf_list_pop_front(&ha); bpf_spin_unlock(&la); if (!n) return 0; struct elem *e = OF(n, struct elem, li); total += e->key; DROP(e); return 0; }
P(l_pop_leak) { struct bpf_list_node *n; bpf_spin_lock(&la); n = bpf_list_pop_front(&ha); bpf_spin_unlock(&la); return n != 0; }
P(l_pop_nonull) { struct bpf_list_node *n; bpf_spin_lock(&la); n = bpf_list_pop_front(&ha); bpf_spin_unlock(&la); struct elem *e = OF(n, struct elem, li); total += e->key; DROP(e); return 0; }
P(l_drop_node) { struct bpf_list_node *n; bpf_spin_lock(&lc); n = bpf_list_pop_back(&hc); bpf_spin_unlock(&lc); if (n) DROP((void *)n + 8); return 0; }
P(l_pop_push_other) { struct bpf_list_node *n; __u32 z = 0; struct queue *q = bpf_map_lookup_elem(&queues, &z); if (!q) return 0; bpf_spin_lock(&la); n = bpf_list_pop_front(&ha); bpf_spin_unlock(&la); if (!n) return 0; bpf_spin_lock(&q->lock); bpf_list_push_back_impl(&q->head, n, 0, 0); bpf_spin_unlock(&q->lock); return 0; }
P(l_pop_push_samelock) { struct bpf_list_node *n; bpf_spin_lock(&la); n = bpf_list_pop_front(&ha); if (n) bpf_list_push_back_impl(&ha, n, 0, 0); bpf_spin_unlock(&la); return 0; }
P(l_two_maps_wronglock) { __u32 z = 0, o = 1; struct queue *q = bpf_map_lookup_elem(&queues, &z), *r = bpf_map_lookup_elem(&queues, &o); struct elem *e; if (!q || !r) return 0; e = NEW(struct elem); if (!e) return 0; bpf_spin_lock(&q->lock); bpf_list_push_back_impl(&r->head, &e->li, 0, 0); bpf_spin_unlock(&q->lock); return 0; }
P(l_wrong_type) { struct both *e = NEW(struct both); if (!e) return 0; bpf_spin_lock(&la); bpf_list_push_back_impl(&ha, &e->li, 0, 0); bpf_spin_unlock(&la); return 0; }
P(l_wrong_off) { struct elem *e = NEW(struct elem); if (!e) return 0; bpf_spin_lock(&la); bpf_list_push_back_impl(&ha, (void *)&e->key, 0, 0); bpf_spin_unlock(&la); return 0; }
P(l_write_node) { struct elem *e = NEW(struct elem); if (!e) return 0; e->li.o[0] = 0; DROP(e); return 0; }
P(l_read_node) { struct elem *e = NEW(struct elem); if (!e) return 0; total += e->li.o[0]; DROP(e); return 0; }
P(l_past_end) { struct elem *e = NEW(struct elem); if (!e) return 0; total += *(__u64 *)((char *)e + 40); DROP(e); return 0; }
P(l_return_inlock) { struct elem *e = NEW(struct elem); if (!e) return 0; bpf_spin_lock(&la); if (skb->len > 5) { bpf_list_push_back_impl(&ha, &e->li, 0, 0); return 1; } bpf_list_push_back_impl(&ha, &e->li, 0, 0); bpf_spin_unlock(&la); return 0; }
P(l_helper_arg) { struct elem *e = NEW(struct elem); if (!e) return 0; bpf_skb_load_bytes(skb, 0, &e->key, 8); DROP(e); return 0; }
P(l_helper_arg_big) { struct elem *e = NEW(struct elem); if (!e) return 0; bpf_skb_load_bytes(skb, 0, &e->key, 32); DROP(e); return 0; }
P(l_head_direct) { total += ha.o[0]; return 0; }
P(r_add) { struct leaf *e = NEW(struct leaf); if (!e) return 0; e->key = skb->hash; bpf_spin_lock(&lb); bpf_rbtree_add_impl(&rb, &e->rb, less, 0, 0); bpf_spin_unlock(&lb); return 0; }
P(r_add_nolock) { struct leaf *e = NEW(struct leaf); if (!e) return 0; e->key = skb->hash; bpf_rbtree_add_impl(&rb, &e->rb, less, 0, 0); return 0; }
P(r_first) { struct bpf_rb_node *n; bpf_spin_lock(&lb); n = bpf_rbtree_first(&rb); if (n) total += OF(n, struct leaf, rb)->key; bpf_spin_unlock(&lb); return 0; }
P(r_first_nonull) { struct bpf_rb_node *n; bpf_spin_lock(&lb); n = bpf_rbtree_first(&rb); total += OF(n, struct leaf, rb)->key; bpf_spin_unlock(&lb); return 0; }
P(r_first_after) { struct bpf_rb_node *n; bpf_spin_lock(&lb); n = bpf_rbtree_first(&rb); bpf_spin_unlock(&lb); if (n) total += OF(n, struct leaf, rb)->key; return 0; }
P(r_first_drop) { struct bpf_rb_node *n; bpf_spin_lock(&lb); n = bpf_rbtree_first(&rb); bpf_spin_unlock(&lb); if (n) DROP(OF(n, struct leaf, rb)); return 0; }
P(r_remove) { struct bpf_rb_node *n; bpf_spin_lock(&lb); n = bpf_rbtree_first(&rb); if (n) n = bpf_rbtree_remove(&rb, n); bpf_spin_unlock(&lb); if (n) DROP(OF(n, struct leaf, rb)); return 0; }
P(r_remove_nonull) { struct bpf_rb_node *n; bpf_spin_lock(&lb); n = bpf_rbtree_first(&rb); if (!n) { bpf_spin_unlock(&lb); return 0; } n = bpf_rbtree_remove(&rb, n); bpf_spin_unlock(&lb); DROP(OF(n, struct leaf, rb)); return 0; }
P(r_remove_leak) { struct bpf_rb_node *n; bpf_spin_lock(&lb); n = bpf_rbtree_first(&rb); if (n) n = bpf_rbtree_remove(&rb, n); bpf_spin_unlock(&lb); return !!n; }
P(r_remove_owned) { struct leaf *e = NEW(struct leaf); struct bpf_rb_node *n; if (!e) return 0; bpf_spin_lock(&lb); n = bpf_rbtree_remove(&rb, &e->rb); bpf_spin_unlock(&lb); if (n) DROP(OF(n, struct leaf, rb)); return 0; }
P(r_add_twice) { struct leaf *e = NEW(struct leaf); if (!e) return 0; bpf_spin_lock(&lb); bpf_rbtree_add_impl(&rb, &e->rb, less, 0, 0); bpf_rbtree_add_impl(&rb, &e->rb, less, 0, 0); bpf_spin_unlock(&lb); return 0; }
P(r_wrong_less) { struct leaf *e = NEW(struct leaf); if (!e) return 0; bpf_spin_lock(&lb); bpf_rbtree_add_impl(&rb, &e->rb, lessc, 0, 0); bpf_spin_unlock(&lb); return 0; }
P(r_in_list) { struct leaf *e = NEW(struct leaf); if (!e) return 0; bpf_spin_lock(&la); bpf_list_push_back_impl(&ha, (void *)&e->rb, 0, 0); bpf_spin_unlock(&la); return 0; }
P(c_both) { struct both *e = NEW(struct both), *f; if (!e) return 0; f = bpf_refcount_acquire_impl(e, 0); bpf_spin_lock(&lc); bpf_list_push_back_impl(&hc, &e->li, 0, 0); bpf_rbtree_add_impl(&rc, &f->rb, lessc, 0, 0); bpf_spin_unlock(&lc); return 0; }
P(c_leak) { struct both *e = NEW(struct both), *f; if (!e) return 0; f = bpf_refcount_acquire_impl(e, 0); DROP(e); return f->key; }
P(c_of_plain) { struct elem *e = NEW(struct elem), *f; if (!e) return 0; f = bpf_refcount_acquire_impl(e, 0); DROP(e); DROP(f); return 0; }
P(c_same_twice) { struct both *e = NEW(struct both); if (!e) return 0; bpf_spin_lock(&lc); bpf_list_push_back_impl(&hc, &e->li, 0, 0); bpf_rbtree_add_impl(&rc, &e->rb, lessc, 0, 0); bpf_spin_unlock(&lc); return 0; }
P(x_plain) { __u32 z = 0; struct shelf *s = bpf_map_lookup_elem(&shelves, &z); struct plain *p, *o; if (!s) return 0; p = NEW(struct plain); if (!p) return 0; p->a = 1; o = bpf_kptr_xchg(&s->p, p); if (o) DROP(o); return 0; }
P(x_plain_leak) { __u32 z = 0; struct shelf *s = bpf_map_lookup_elem(&shelves, &z); struct plain *p, *o; if (!s) return 0; p = NEW(struct plain); if (!p) return 0; o = bpf_kptr_xchg(&s->p, p); return o != 0; }
P(x_plain_type) { __u32 z = 0; struct shelf *s = bpf_map_lookup_elem(&shelves, &z); struct elem *p; struct plain *o; if (!s) return 0; p = NEW(struct elem); if (!p) return 0; o = bpf_kptr_xchg(&s->p, p); if (o) DROP(o); return 0; }
P(x_elem) { __u32 z = 0; struct shelf *s = bpf_map_lookup_elem(&shelves, &z); struct elem *p, *o; if (!s) return 0; p = NEW(struct elem); if (!p) return 0; o = bpf_kptr_xchg(&s->e, p); if (o) DROP(o); return 0; }
P(x_not_owned) { __u32 z = 0; struct shelf *s = bpf_map_lookup_elem(&shelves, &z); struct plain *p, *o; if (!s) return 0; p = NEW(struct plain); if (!p) return 0; DROP(p); o = bpf_kptr_xchg(&s->p, p); if (o) DROP(o); return 0; }
P(x_swap) { __u32 z = 0; struct shelf *s = bpf_map_lookup_elem(&shelves, &z); struct plain *p; if (!s) return 0; p = bpf_kptr_xchg(&s->p, 0); if (!p) return 0; p = bpf_kptr_xchg(&s->q, p); if (p) DROP(p); return 0; }
P(x_maynull) { __u32 z = 0; struct shelf *s = bpf_map_lookup_elem(&shelves, &z); struct plain *p; if (!s) return 0; p = NEW(struct plain); p = bpf_kptr_xchg(&s->q, p); if (p) DROP(p); return 0; }
P(x_nocheck) { struct shelf *s; __u32 z = 0; s = bpf_map_lookup_elem(&shelves, &z); struct plain *p = bpf_kptr_xchg(&s->q, 0); if (p) DROP(p); return 0; }
P(x_var) { __u32 z = 0, i = skb->len & 1; struct shelf *s = bpf_map_lookup_elem(&shelves, &z); struct plain *p; if (!s) return 0; p = bpf_kptr_xchg((void *)s + i * 8, 0); if (p) DROP(p); return 0; }
P(x_use_after) { __u32 z = 0; struct shelf *s = bpf_map_lookup_elem(&shelves, &z); struct plain *p, *o; if (!s) return 0; p = NEW(struct plain); if (!p) return 0; o = bpf_kptr_xchg(&s->p, p); if (o) DROP(o); return p->a; }
P(x_stack) { struct plain *p = NEW(struct plain), *q = 0; if (!p) return 0; q = bpf_kptr_xchg(&q, p); if (q) DROP(q); return 0; }
T(t_put) { __u64 k = task->pid; struct tasks z = {}, *v; struct task_struct *t, *o; bpf_map_update_elem(&kept, &k, &z, 0); v = bpf_map_lookup_elem(&kept, &k); if (!v) return 0; t = bpf_task_acquire(task); if (!t) return 0; o = bpf_kptr_xchg(&v->t, t); if (o) bpf_task_release(o); return 0; }
T(t_put_cgroup) { __u64 k = task->pid; struct tasks *v; struct task_struct *t, *o; v = bpf_map_lookup_elem(&kept, &k); if (!v) return 0; t = bpf_task_acquire(task); if (!t) return 0; o = bpf_kptr_xchg(&v->c, t); if (o) bpf_task_release(o); return 0; }
T(t_put_mask) { __u64 k = 1; struct tasks *v; struct cgroup *t, *o; v = bpf_map_lookup_elem(&kept, &k); if (!v) return 0; t = bpf_cgroup_from_id(1); if (!t) return 0; o = bpf_kptr_xchg(&v->m, t); if (o) bpf_cgroup_release(o); return 0; }
T(t_release_other) { __u64 k = 1; struct tasks *v; struct cgroup *t, *o; v = bpf_map_lookup_elem(&kept, &k); if (!v) return 0; t = bpf_cgroup_from_id(1); if (!t) return 0; o = bpf_kptr_xchg(&v->c, t); if (o) bpf_task_release((void *)o); return 0; }
T(t_untrusted_put) { __u64 k = 1; struct tasks *v; v = bpf_map_lookup_elem(&kept, &k); if (!v) return 0; v->u = task; return 0; }
T(t_untrusted_get) { __u64 k = 1; struct tasks *v; struct task_struct *t; v = bpf_map_lookup_elem(&kept, &k); if (!v) return 0; t = v->u; return t ? t->pid : 0; }
T(t_untrusted_acquire) { __u64 k = 1; struct tasks *v; struct task_struct *t; v = bpf_map_lookup_elem(&kept, &k); if (!v) return 0; t = v->u; if (!t) return 0; t = bpf_task_acquire(t); if (t) bpf_task_release(t); return 0; }
T(t_xchg_untrusted) { __u64 k = 1; struct tasks *v; struct task_struct *t; v = bpf_map_lookup_elem(&kept, &k); if (!v) return 0; t = bpf_kptr_xchg(&v->u, 0); if (t) bpf_task_release(t); return 0; }
T(t_rcu_acquire) { __u64 k = 1; struct tasks *v; struct task_struct *t; v = bpf_map_lookup_elem(&kept, &k); if (!v) return 0; bpf_rcu_read_lock(); t = v->t; if (t) t = bpf_task_acquire(t); bpf_rcu_read_unlock(); if (t) bpf_task_release(t); return 0; }
T(t_rcu_after) { __u64 k = 1; struct tasks *v; struct task_struct *t; v = bpf_map_lookup_elem(&kept, &k); if (!v) return 0; bpf_rcu_read_lock(); t = v->t; bpf_rcu_read_unlock(); if (!t) return 0; t = bpf_task_acquire(t); if (t) bpf_task_release(t); return 0; }
T(t_mask) { __u64 k = 1; struct tasks *v; struct bpf_cpumask *m; v = bpf_map_lookup_elem(&kept, &k); if (!v) return 0; m = bpf_cpumask_create(); if (!m) return 0; bpf_cpumask_set_cpu(0, m); m = bpf_kptr_xchg(&v->m, m); if (m) bpf_cpumask_release(m); return 0; }
T(t_mask_as_const) { if (bpf_cpumask_test_cpu(0, (struct cpumask *)task)) total++; return 0; }
T(t_mask_maynull) { struct bpf_cpumask *m = bpf_cpumask_create(); bpf_cpumask_set_cpu(0, m); if (m) bpf_cpumask_release(m); return 0; }
T(t_mask_twice) { struct bpf_cpumask *m = bpf_cpumask_create(), *n; if (!m) return 0; n = bpf_cpumask_acquire(m); bpf_cpumask_release(m); total += bpf_cpumask_first((void *)n); bpf_cpumask_release(n); return 0; }
T(t_mask_after) { struct bpf_cpumask *m = bpf_cpumask_create(); if (!m) return 0; bpf_cpumask_release(m); total += bpf_cpumask_first((void *)m); return 0; }
T(t_delete) { __u64 k = 1; bpf_map_delete_elem(&kept, &k); return 0; }
T(t_lookup_write) { __u64 k = 1; struct tasks *v; v = bpf_map_lookup_elem(&kept, &k); if (!v) return 0; bpf_probe_read_kernel(v, sizeof(*v), task); return 0; }
T(t_lookup_write_n) { __u64 k = 1; struct tasks *v; v = bpf_map_lookup_elem(&kept, &k); if (!v) return 0; bpf_probe_read_kernel(&v->n, 8, task); return 0; }
T(t_as_key) { __u64 k = 1; struct tasks *v; v = bpf_map_lookup_elem(&kept, &k); if (!v) return 0; bpf_map_delete_elem(&kept, v); return 0; }
T(t_half) { __u64 k = 1; struct tasks *v; v = bpf_map_lookup_elem(&kept, &k); if (!v) return 0; return *(__u32 *)&v->t; }
T(t_release_arg) { bpf_task_release(task); return 0; }
T(t_from_pid_write) { struct task_struct *t = bpf_task_from_pid(1); if (!t) return 0; t->prio = 4; bpf_task_release(t); return 0; }
T(t_group_leader) { struct task_struct *t = bpf_task_acquire(task->group_leader); if (t) bpf_task_release(t); return 0; }
T(t_parent_cgroup) { struct cgroup *c = bpf_cgroup_acquire(task->cgroups->dfl_cgrp); if (c) bpf_cgroup_release(c); return 0; }
T(t_current) { struct task_struct *t = bpf_task_acquire(bpf_get_current_task_btf()); if (t) bpf_task_release(t); return 0; }
T(t_current_untyped) { struct task_struct *t = bpf_task_acquire((void *)bpf_get_current_task()); if (t) bpf_task_release(t); return 0; }
T(t_scalar) { struct task_struct *t = bpf_task_acquire((void *)flags); if (t) bpf_task_release(t); return 0; }
