// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// mcpu=v3
/* Kernel objects kept and asked for: tasks, cgroups, CPU masks, lists and trees of one's own. */
#include "kit.h"
#define __kptr __attribute__((btf_type_tag("kptr")))
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
#define __contains(n, f) __attribute__((btf_decl_tag("contains:" #n ":" #f)))
struct cgroup { int level; struct { unsigned long long id; } *kn; } CORE;
struct css_set___o { struct cgroup *dfl_cgrp; } CORE;
struct task_struct___o { int pid; struct css_set___o *cgroups; struct task_struct *group_leader; const void *cpus_ptr; } CORE;
struct bpf_cpumask; struct cpumask;
struct bpf_rb_root { __u64 o[2]; } __attribute__((aligned(8)));
struct bpf_rb_node { __u64 o[4]; } __attribute__((aligned(8)));
struct item { struct bpf_rb_node node; __u64 key; __u32 n; };
struct held { struct task_struct __kptr *task; __u64 since; };
struct group { struct cgroup __kptr *cgrp; struct task_struct __kptr_untrusted *seen; };
MAP(tasks, BPF_MAP_TYPE_HASH, __u32, struct held, 128);
MAP(groups, BPF_MAP_TYPE_ARRAY, __u32, struct group, 8);
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern struct task_struct *bpf_task_from_pid(int pid) __ksym;
extern struct cgroup *bpf_cgroup_acquire(struct cgroup *c) __ksym;
extern void bpf_cgroup_release(struct cgroup *c) __ksym;
extern struct cgroup *bpf_cgroup_from_id(__u64 id) __ksym;
extern struct cgroup *bpf_cgroup_ancestor(struct cgroup *c, int level) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern struct bpf_cpumask *bpf_cpumask_create(void) __ksym;
extern void bpf_cpumask_release(struct bpf_cpumask *m) __ksym;
extern void bpf_cpumask_set_cpu(__u32 cpu, struct bpf_cpumask *m) __ksym;
extern bool bpf_cpumask_test_cpu(__u32 cpu, const struct cpumask *m) __ksym;
extern void *bpf_obj_new_impl(__u64 id, void *meta) __ksym;
extern void bpf_obj_drop_impl(void *p, void *meta) __ksym;
extern int bpf_rbtree_add_impl(struct bpf_rb_root *r, struct bpf_rb_node *n, bool (less)(struct bpf_rb_node *a, const struct bpf_rb_node *b), void *meta, __u64 off) __ksym;
extern struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *r) __ksym;
extern struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *r, struct bpf_rb_node *n) __ksym;
struct bpf_spin_lock lock SEC(".data.tree");
struct bpf_rb_root root __contains(item, node) SEC(".data.tree");
#define NEW(t) ((t *)bpf_obj_new_impl(__builtin_btf_type_id(*(t *)0, 0), 0))
#define of(p) ((struct item *)((void *)(p) - __builtin_offsetof(struct item, node)))
static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b) { return of(a)->key < of(b)->key; }
#define FORK SEC("tp_btf/sched_process_fork") int BPF_PROG
FORK(remember, struct task_struct *parent, struct task_struct *child) {
	__u32 pid = child->pid; struct held none = {}, *h; struct task_struct *t;
	if (bpf_map_update_elem(&tasks, &pid, &none, BPF_NOEXIST)) return 0;
	h = bpf_map_lookup_elem(&tasks, &pid);
	if (!h) { bpf_map_delete_elem(&tasks, &pid); return 0; }
	t = bpf_task_acquire(child);
	if (!t) return 0;
	t = bpf_kptr_xchg(&h->task, t);
	if (t) bpf_task_release(t);
	return 0;
}
FORK(remember_early, struct task_struct *parent, struct task_struct *child) { __u32 pid = child->pid; struct held *h; struct task_struct *t = bpf_task_acquire(child); if (!t) return 0; h = bpf_map_lookup_elem(&tasks, &pid); if (!h) return 0; t = bpf_kptr_xchg(&h->task, t); if (t) bpf_task_release(t); return 0; }
FORK(remember_unasked, struct task_struct *parent, struct task_struct *child) { __u32 pid = 1; struct held *h = bpf_map_lookup_elem(&tasks, &pid); struct task_struct *t; if (!h) return 0; t = bpf_kptr_xchg(&h->task, bpf_task_acquire(child)); if (t) bpf_task_release(t); return 0; }
FORK(leader, struct task_struct___o *parent) { struct task_struct *t = bpf_task_acquire(parent->group_leader); if (t) bpf_task_release(t); return 0; }
FORK(leader_rcu, struct task_struct___o *parent) { struct task_struct *t; bpf_rcu_read_lock(); t = bpf_task_acquire(parent->group_leader); bpf_rcu_read_unlock(); if (t) bpf_task_release(t); return 0; }
FORK(leader_core, struct task_struct___o *parent) { struct task_struct *t = bpf_task_acquire(BPF_CORE_READ(parent, group_leader)); if (t) bpf_task_release(t); return 0; }
FORK(by_pid, struct task_struct *parent) { struct task_struct *t = bpf_task_from_pid(1); int n; if (!t) return 0; n = t->tgid; bpf_task_release(t); return n; }
FORK(by_pid_early, struct task_struct *parent) { struct task_struct *t = bpf_task_from_pid(1); if (!t) return 0; if (t->tgid != 1) return 1; bpf_task_release(t); return 0; }
FORK(by_pid_after, struct task_struct *parent) { struct task_struct *t = bpf_task_from_pid(1); if (!t) return 0; bpf_task_release(t); return t->tgid; }
FORK(by_pid_twice, struct task_struct *parent) { struct task_struct *t = bpf_task_from_pid(1); if (!t) return 0; bpf_task_release(t); bpf_task_release(t); return 0; }
FORK(cgroup_level, struct task_struct___o *parent) { return parent->cgroups->dfl_cgrp->level; }
FORK(cgroup_ask, struct task_struct___o *parent) { struct cgroup *c = bpf_cgroup_from_id(1); int l; if (!c) return 0; l = c->level; bpf_cgroup_release(c); return l; }
FORK(cgroup_above, struct task_struct___o *parent) { struct cgroup *c = bpf_cgroup_from_id(1), *a; if (!c) return 0; a = bpf_cgroup_ancestor(c, 1); bpf_cgroup_release(c); if (!a) return 0; bpf_cgroup_release(a); return 1; }
FORK(cgroup_above_lost, struct task_struct___o *parent) { struct cgroup *c = bpf_cgroup_from_id(1), *a; if (!c) return 0; a = bpf_cgroup_ancestor(c, 1); bpf_cgroup_release(c); return a != 0; }
FORK(cgroup_keep, struct task_struct___o *parent) { __u32 z = 0; struct group *g = bpf_map_lookup_elem(&groups, &z); struct cgroup *c; if (!g) return 0; c = bpf_cgroup_from_id(5); if (!c) return 0; c = bpf_kptr_xchg(&g->cgrp, c); if (c) bpf_cgroup_release(c); return 0; }
FORK(cgroup_keep_wrong, struct task_struct *parent) { __u32 z = 0; struct group *g = bpf_map_lookup_elem(&groups, &z); struct task_struct *t; void *o; if (!g) return 0; t = bpf_task_from_pid(1); if (!t) return 0; o = bpf_kptr_xchg(&g->cgrp, t); if (o) bpf_cgroup_release(o); return 0; }
FORK(note_seen, struct task_struct *parent) { __u32 z = 0; struct group *g = bpf_map_lookup_elem(&groups, &z); if (g) g->seen = parent; return 0; }
FORK(read_seen, struct task_struct *parent) { __u32 z = 0; struct group *g = bpf_map_lookup_elem(&groups, &z); struct task_struct *t; if (!g) return 0; t = g->seen; return t ? t->pid : 0; }
FORK(read_seen_hasty, struct task_struct *parent) { __u32 z = 0; struct group *g = bpf_map_lookup_elem(&groups, &z); return g ? g->seen->pid : 0; }
FORK(mask, struct task_struct *parent) { struct bpf_cpumask *m = bpf_cpumask_create(); if (!m) return 0; bpf_cpumask_set_cpu(1, m); bpf_cpumask_release(m); return 0; }
FORK(mask_null, struct task_struct *parent) { struct bpf_cpumask *m = bpf_cpumask_create(); bpf_cpumask_set_cpu(1, m); bpf_cpumask_release(m); return 0; }
FORK(mask_lost, struct task_struct *parent) { struct bpf_cpumask *m = bpf_cpumask_create(); if (!m) return 0; bpf_cpumask_set_cpu(1, m); return 0; }
FORK(mask_task, struct task_struct___o *parent) { return bpf_cpumask_test_cpu(0, parent->cpus_ptr); }
FORK(tree_add, struct task_struct *parent) { struct item *i = NEW(struct item); if (!i) return 0; i->key = parent->pid; bpf_spin_lock(&lock); bpf_rbtree_add_impl(&root, &i->node, less, 0, 0); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int tree_add_tc(struct __sk_buff *skb) { struct item *i = NEW(struct item); if (!i) return 0; i->key = skb->len; bpf_spin_lock(&lock); bpf_rbtree_add_impl(&root, &i->node, less, 0, 0); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int tree_pop(struct __sk_buff *skb) { struct bpf_rb_node *n; bpf_spin_lock(&lock); n = bpf_rbtree_first(&root); if (n) n = bpf_rbtree_remove(&root, n); bpf_spin_unlock(&lock); if (!n) return 0; bpf_obj_drop_impl(of(n), 0); return 1; }
SEC("tc") int tree_pop_open(struct __sk_buff *skb) { struct bpf_rb_node *n = bpf_rbtree_first(&root); return n != 0; }
SEC("tc") int tree_add_leak(struct __sk_buff *skb) { struct item *i = NEW(struct item); if (!i) return 0; if (skb->len < 64) return 1; bpf_spin_lock(&lock); bpf_rbtree_add_impl(&root, &i->node, less, 0, 0); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int task_tc(struct __sk_buff *skb) { struct task_struct *t = bpf_task_from_pid(1); if (t) bpf_task_release(t); return 0; }
SEC("kprobe/do_exit") int BPF_KPROBE(task_probe) { struct task_struct *t = bpf_task_from_pid(1); if (t) bpf_task_release(t); return 0; }
SEC("syscall") int task_syscall(void *ctx) { struct task_struct *t = bpf_task_from_pid(1); if (t) bpf_task_release(t); return 0; }
