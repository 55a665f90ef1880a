// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* References to tasks and cgroups. */
#include "net.h"
struct cgroup { int level; } CORE;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern struct task_struct *bpf_task_from_pid(int pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern struct cgroup *bpf_cgroup_from_id(__u64 id) __ksym;
extern void bpf_cgroup_release(struct cgroup *c) __ksym;
SEC("tp_btf/task_newtask") int BPF_PROG(keep, struct task_struct *t) {
	struct task_struct *a = bpf_task_acquire(t);
	if (!a) return 0;
	bpf_task_release(a);
	return 0;
}
SEC("tp_btf/task_newtask") int BPF_PROG(keep_leak, struct task_struct *t) { struct task_struct *a = bpf_task_acquire(t); return a ? 0 : 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(find, struct task_struct *t) {
	struct task_struct *a = bpf_task_from_pid(t->tgid);
	if (!a) return 0;
	__u32 parent = a->real_parent->pid;
	bpf_task_release(a);
	return parent == 0;
}
SEC("tp_btf/task_newtask") int BPF_PROG(find_unchecked, struct task_struct *t) { bpf_task_release(bpf_task_from_pid(1)); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(find_twice, struct task_struct *t) {
	struct task_struct *a = bpf_task_from_pid(t->tgid);
	if (!a) return 0;
	bpf_task_release(a);
	bpf_task_release(a);
	return 0;
}
SEC("tp_btf/task_newtask") int BPF_PROG(not_mine, struct task_struct *t) { bpf_task_release(t); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(wrong, struct task_struct *t) {
	struct task_struct *a = bpf_task_from_pid(1);
	if (a) bpf_cgroup_release((void *)a);
	return 0;
}
SEC("tp_btf/task_newtask") int BPF_PROG(group, struct task_struct *t) {
	struct cgroup *c = bpf_cgroup_from_id(1);
	if (!c) return 0;
	int level = c->level;
	bpf_cgroup_release(c);
	return level > 100;
}
SEC("tp_btf/task_newtask") int BPF_PROG(walked, struct task_struct *t) {
	struct task_struct *a = bpf_task_acquire(t->real_parent->real_parent);
	if (a) bpf_task_release(a);
	return 0;
}
SEC("tc") int network(struct __sk_buff *skb) { struct task_struct *a = bpf_task_from_pid(1); if (a) bpf_task_release(a); return 0; }
