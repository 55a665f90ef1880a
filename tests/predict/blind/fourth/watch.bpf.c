// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Processes and their parents. */
#include "net.h"
extern struct task_struct *bpf_task_from_pid(int pid) __ksym;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, __u64); } marks SEC(".maps");
MAP(names, BPF_MAP_TYPE_HASH, __u32, char[16], 64);
SEC("tp_btf/sched_process_fork") int BPF_PROG(fork, struct task_struct *parent, struct task_struct *child) {
	__u64 *m = bpf_task_storage_get(&marks, child, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (m) *m = parent->pid;
	return 0;
}
SEC("tp_btf/sched_process_fork") int BPF_PROG(fork_unchecked, struct task_struct *parent, struct task_struct *child) { *(__u64 *)bpf_task_storage_get(&marks, child, 0, 1) = 1; return 0; }
SEC("tp_btf/sched_process_fork") int BPF_PROG(fork_name, struct task_struct *parent, struct task_struct *child) {
	__u32 pid = child->pid; char name[16];
	bpf_probe_read_kernel_str(name, sizeof(name), child->comm);
	bpf_map_update_elem(&names, &pid, name, 0);
	return 0;
}
SEC("tp_btf/sched_process_fork") int BPF_PROG(fork_long, struct task_struct *parent, struct task_struct *child) {
	__u32 pid = child->pid; char name[8];
	bpf_probe_read_kernel_str(name, sizeof(name), child->comm);
	bpf_map_update_elem(&names, &pid, name, 0);
	return 0;
}
SEC("tp_btf/sched_process_fork") int BPF_PROG(chain, struct task_struct *parent) {
	struct task_struct *t = bpf_task_from_pid(parent->tgid), *k;
	if (!t) return 0;
	k = bpf_task_acquire(t);
	bpf_task_release(t);
	if (k) bpf_task_release(k);
	return 0;
}
SEC("tp_btf/sched_process_fork") int BPF_PROG(chain_leak, struct task_struct *parent) {
	struct task_struct *t = bpf_task_from_pid(parent->tgid), *k;
	if (!t) return 0;
	k = bpf_task_from_pid(1);
	if (!k) return 0;
	bpf_task_release(k);
	bpf_task_release(t);
	return 0;
}
SEC("tp_btf/sched_process_fork") int BPF_PROG(after, struct task_struct *parent) { struct task_struct *t = bpf_task_from_pid(7); if (!t) return 0; bpf_task_release(t); return t->pid == 9; }
SEC("lsm/task_kill") int BPF_PROG(kill, struct task_struct *t, void *info, int sig) { __u64 *m = bpf_task_storage_get(&marks, t, 0, 0); return m && *m == 3 ? -1 : 0; }
SEC("lsm/task_kill") int BPF_PROG(kill_sum, struct task_struct *t, void *info, int sig) { return sig; }
SEC("iter/task") int list(struct { void *meta; struct task_struct *task; } *ctx) { struct task_struct *t = ctx->task; return t ? 0 : 0; }
