// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("tp_btf/sched_wakeup") int BPF_PROG(wt1, struct task_struct *t) { return t->real_parent->real_parent->pid == 1; }
SEC("fentry/wake_up_new_task") int BPF_PROG(wt2, struct task_struct *t) { return t->real_parent->tgid == 1; }
SEC("fexit/copy_process") int BPF_PROG(wt3, void *pid, int trace, int node, void *args, struct task_struct *ret) { return (long)ret == 1; }
SEC("fentry/tcp_sendmsg") int BPF_PROG(wt4, struct sock *sk, void *msg, unsigned long size) { return sk->__sk_common.skc_dport == size; }
SEC("fentry/tcp_recvmsg") int BPF_PROG(wt5, struct sock *sk, void *msg, unsigned long len, int nonblock, int flags, int *addr_len) { return flags == 5; }
SEC("fentry/tcp_recvmsg") int BPF_PROG(wt6, struct sock *sk, void *msg, unsigned long len, int flags, int *addr_len) { return addr_len == 0; }
SEC("fexit/tcp_recvmsg") int BPF_PROG(wt7, struct sock *sk, void *msg, unsigned long len, int nonblock, int flags, int *addr_len, int ret) { return ret == 5; }
