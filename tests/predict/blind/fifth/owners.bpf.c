// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tasks kept in maps. */
#include "net.h"
#define __kptr __attribute__((btf_type_tag("kptr")))
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern struct task_struct *bpf_task_from_pid(int pid) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
struct owner { struct task_struct __kptr *task; __u32 uses; };
MAP(owners, BPF_MAP_TYPE_ARRAY, __u32, struct owner, 8);
ALWAYS struct owner *get(__u32 k) { return bpf_map_lookup_elem(&owners, &k); }
SEC("tp_btf/sched_process_fork") int BPF_PROG(keep, struct task_struct *parent, struct task_struct *child) {
	struct owner *o = get(0); struct task_struct *t;
	if (!o) return 0;
	t = bpf_task_acquire(child);
	if (!t) return 0;
	t = bpf_kptr_xchg(&o->task, t);
	if (t) bpf_task_release(t);
	return 0;
}
SEC("tp_btf/sched_process_fork") int BPF_PROG(keep_lost, struct task_struct *parent, struct task_struct *child) {
	struct owner *o = get(0); struct task_struct *t;
	if (!o) return 0;
	t = bpf_task_acquire(child);
	if (!t) return 0;
	bpf_kptr_xchg(&o->task, t);
	return 0;
}
SEC("tp_btf/sched_process_fork") int BPF_PROG(keep_borrowed, struct task_struct *parent, struct task_struct *child) {
	struct owner *o = get(0); struct task_struct *t;
	if (!o) return 0;
	t = bpf_kptr_xchg(&o->task, child);
	if (t) bpf_task_release(t);
	return 0;
}
SEC("tp_btf/sched_process_fork") int BPF_PROG(take, struct task_struct *parent) {
	struct owner *o = get(1); struct task_struct *t;
	if (!o) return 0;
	t = bpf_kptr_xchg(&o->task, 0);
	if (!t) return 0;
	o->uses += t->pid == parent->pid;
	bpf_task_release(t);
	return 0;
}
SEC("tp_btf/sched_process_fork") int BPF_PROG(overwritten, struct task_struct *parent) { struct owner *o = get(1); if (o) *(volatile __u64 *)&o->task = 5; return 0; }
SEC("tp_btf/sched_process_fork") int BPF_PROG(peek, struct task_struct *parent) {
	struct owner *o = get(1); struct task_struct *t; int pid = 0;
	if (!o) return 0;
	bpf_rcu_read_lock();
	t = o->task;
	if (t) pid = t->pid;
	bpf_rcu_read_unlock();
	o->uses = pid;
	return 0;
}
SEC("tp_btf/sched_process_fork") int BPF_PROG(rcu_open, struct task_struct *parent) { struct task_struct *t; bpf_rcu_read_lock(); t = parent->real_parent; if (!t) return 0; bpf_rcu_read_unlock(); return 0; }
SEC("tp_btf/sched_process_fork") int BPF_PROG(rcu_twice, struct task_struct *parent) { bpf_rcu_read_unlock(); return 0; }
SEC("tp_btf/sched_process_fork") int BPF_PROG(find, struct task_struct *parent) { struct task_struct *t = bpf_task_from_pid(parent->tgid); int same; if (!t) return 0; same = t->pid == parent->pid; bpf_task_release(t); return same; }
SEC("tp_btf/sched_process_fork") int BPF_PROG(find_blind, struct task_struct *parent) { struct task_struct *t = bpf_task_from_pid(parent->tgid); bpf_task_release(t); return 0; }
SEC("tp_btf/sched_process_fork") int BPF_PROG(find_lost, struct task_struct *parent) { struct task_struct *t = bpf_task_from_pid(1); return t ? t->pid == 2 : 0; }
SEC("tp_btf/sched_process_fork") int BPF_PROG(drop_borrowed, struct task_struct *parent) { bpf_task_release(parent); return 0; }
SEC("tp_btf/sched_process_fork") int BPF_PROG(read_through, struct task_struct *parent) { struct owner *o = get(2); if (o) o->uses = BPF_CORE_READ(parent, real_parent, pid); return 0; }
SEC("tp_btf/sched_process_fork") int BPF_PROG(write_task, struct task_struct *parent) { parent->pid = 1; return 0; }
