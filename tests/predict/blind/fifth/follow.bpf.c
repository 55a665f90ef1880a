// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Functions of the kernel and what they return. */
#include "net.h"
struct filename { const char *name; } CORE;
MAP(starts, BPF_MAP_TYPE_HASH, __u32, __u64, 512);
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, __u64); } times SEC(".maps");
__u64 longest;
char name[16];
SEC("fentry/do_unlinkat") int BPF_PROG(begins, int at, struct filename *n) { __u32 k = bpf_get_current_pid_tgid(); __u64 now = bpf_ktime_get_ns(); bpf_map_update_elem(&starts, &k, &now, 0); bpf_probe_read_kernel_str(name, sizeof(name), n->name); return 0; }
SEC("fexit/do_unlinkat") int BPF_PROG(ends, int at, struct filename *n, long ret) { __u32 k = bpf_get_current_pid_tgid(); __u64 *t = bpf_map_lookup_elem(&starts, &k); if (t && ret == 0) longest = bpf_ktime_get_ns() - *t; bpf_map_delete_elem(&starts, &k); return 0; }
SEC("fexit/do_unlinkat") int BPF_PROG(ends_blind, int at, struct filename *n, long ret) { __u32 k = bpf_get_current_pid_tgid(); longest = *(__u64 *)bpf_map_lookup_elem(&starts, &k); return 0; }
SEC("fentry/do_unlinkat") int BPF_PROG(begins_ret) { return 1; }
SEC("fentry/do_unlinkat") int BPF_PROG(deref_name, int at, struct filename *n) { return n->name[0] == 'x' ? 0 : 0; }
SEC("fentry/do_unlinkat") int BPF_PROG(deref_read, int at, struct filename *n) { name[0] = n->name[0]; return 0; }
SEC("fentry/do_unlinkat") int BPF_PROG(number_arg, int at) { name[0] = *(char *)(long)at; return 0; }
SEC("fentry/do_unlinkat") int third(__u64 *c) { longest = c[3]; return 0; }
SEC("fentry/do_unlinkat") int write_arg(__u64 *c) { c[0] = 3; return 0; }
SEC("tp_btf/sched_switch") int BPF_PROG(switched, bool preempt, struct task_struct *prev, struct task_struct *next) { __u64 *t = bpf_task_storage_get(&times, next, 0, BPF_LOCAL_STORAGE_GET_F_CREATE); if (t) *t = bpf_ktime_get_ns(); return 0; }
SEC("tp_btf/sched_switch") int BPF_PROG(switched_number, bool preempt) { __u64 *t = bpf_task_storage_get(&times, (void *)(long)preempt, 0, 0); if (t) *t = 1; return 0; }
SEC("tp_btf/sched_switch") int BPF_PROG(switched_name, bool preempt, struct task_struct *prev) { __builtin_memcpy(name, prev->comm, 16); return 0; }
SEC("raw_tp/sched_switch") int switched_raw(struct bpf_raw_tracepoint_args *c) { struct task_struct *t = (void *)c->args[1]; longest = t->pid; return 0; }
SEC("raw_tp/sched_switch") int switched_probe(struct bpf_raw_tracepoint_args *c) { struct task_struct *t = (void *)c->args[1]; longest = BPF_CORE_READ(t, pid); return 0; }
SEC("iter/task") int list(struct { struct { void *seq; } *meta; struct task_struct *task; } *c) { struct task_struct *t = c->task; char f[] = "x"; if (!t) return 0; bpf_seq_write(c->meta->seq, f, sizeof(f)); return 0; }
SEC("iter/task") int list_blind(struct { void *meta; struct task_struct *task; } *c) { longest = c->task->pid; return 0; }
SEC("iter/task") int list_two(struct { void *meta; struct task_struct *task; } *c) { return 2; }
SEC("fmod_ret/bpf_modify_return_test") int BPF_PROG(change, int a, int *b, int ret) { return 0; }
SEC("ksyscall/unlinkat") int BPF_KPROBE_SYSCALL(any, int fd, const char *path) { bpf_probe_read_user_str(name, sizeof(name), path); return 0; }
